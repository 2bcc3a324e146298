import Tensors

/// A function of named tensors and its gradient, as two closures.
///
/// For example f(x) = x², elementwise:
///
///     let square = PlainFunction(
///       at: ["x": x],
///       value: { point in point.mapValues { x in Tensor(x.shape, x.elements.map { $0 * $0 }) } },
///       gradient: { point, upstream in
///         point.mapValues { x in
///           let dy = upstream["x"]?.elements ?? []
///           return Tensor(x.shape, zip(x.elements, dy).map { 2 * $0 * $1 })
///         }
///       })
///     let report = try check(square)
///
/// Here the output has the name of the input, `x`; any other would do.
public struct PlainFunction: DifferentiableFunction {
  /// Tensors by name.
  public typealias Tensors = [String: Tensor<Double>]

  /// The tensors of the point, in alphabetical order.
  public let variables: [Variable]

  private var point: Tensors
  private let value: (Tensors) throws -> Tensors
  private let gradient: (Tensors, Tensors) throws -> Tensors

  /// A function at a point.
  ///
  /// - Parameters:
  ///   - point: the tensors that it depends on, each of which is checked.
  ///   - value: from those to the outputs.
  ///   - gradient: from the point and the gradient of some L by each output, to the gradient of L
  ///     by each tensor of the point.
  /// - Complexity: O(n·log n) for n tensors.
  public init(
    at point: Tensors, value: @escaping (Tensors) throws -> Tensors,
    gradient: @escaping (_ point: Tensors, _ upstream: Tensors) throws -> Tensors
  ) {
    self.point = point
    self.value = value
    self.gradient = gradient
    variables = point.sorted { $0.key < $1.key }.map { Variable(name: $0, shape: $1.shape) }
  }

  /// A tensor of the point.
  ///
  /// - Complexity: O(1).
  public func values(of variable: Int) -> Tensor<Double> {
    point[variables[variable].name] ?? Tensor(variables[variable].shape)
  }

  /// Moves a tensor of the point.
  public mutating func setValues(of variable: Int, to values: Tensor<Double>) {
    point[variables[variable].name] = values
  }

  /// One element of the point.
  ///
  /// - Complexity: O(1).
  public func value(of variable: Int, at position: Int) -> Double {
    values(of: variable)[position]
  }

  /// Moves one element of the point.
  ///
  /// - Complexity: O(1), but O(count) where the value closure has kept the tensor.
  public mutating func setValue(of variable: Int, at position: Int, to value: Double) {
    point[variables[variable].name]?[position] = value
  }

  /// The outputs, in alphabetical order of their names.
  ///
  /// - Complexity: One call of the value closure, and O(outputs) to string them together.
  public mutating func evaluate(
    into outputs: inout [Double], seed: UInt32, movedOnly variable: Int?
  ) throws {
    outputs = try value(point).sorted { $0.key < $1.key }.flatMap(\.value.elements)
  }

  /// What the gradient closure says.
  ///
  /// - Throws: `CheckError` when it leaves a tensor out or gives it another shape.
  /// - Complexity: One call of each closure.
  public mutating func gradients(upstream: [Double], seed: UInt32) throws -> [Tensor<Double>] {
    var start = 0
    var named = Tensors()
    for (name, output) in try value(point).sorted(by: { $0.key < $1.key }) {
      named[name] = Tensor(output.shape, Array(upstream[start..<start + output.count]))
      start += output.count
    }
    let gradients = try gradient(point, named)
    return try variables.map { variable in
      guard let found = gradients[variable.name] else {
        throw CheckError(reason: "the gradient of \(variable.name) is missing")
      }
      guard found.shape == variable.shape else {
        throw CheckError(
          reason: "the gradient of \(variable.name) has shape \(found.shape) and must have "
            + "\(variable.shape)")
      }
      return found
    }
  }
}

/// A function that can't be checked as it is.
public struct CheckError: Error, Equatable, CustomStringConvertible {
  /// Why not.
  public let reason: String

  /// An error with its reason.
  public init(reason: String) {
    self.reason = reason
  }

  /// The reason.
  public var description: String { "gradient check: \(reason)" }
}
