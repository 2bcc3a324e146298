import Layers
import Tensors

/// A layer at a point, as a function of its input and parameters.
public struct LayerFunction<L: Layer>: DifferentiableFunction {
  /// The layer.
  public let layer: L
  /// Training or testing.
  public let phase: Phase
  /// The input, then the parameters.
  public let variables: [Variable]
  /// The precision of the layer's scalar.
  public let precision: Double

  private var point: [Tensor<L.Scalar>]
  private var output: Tensor<L.Scalar>
  private var saved: L.Saved

  /// A layer at a given input and parameters.
  ///
  /// - Throws: `LayerError` when they don't fit the layer.
  /// - Complexity: O(elements) of input and parameters, which are copied, and the memory of one
  ///   forward pass.
  public init(
    _ layer: L, input: Tensor<Double>, parameters: [Tensor<Double>], phase: Phase = .training
  ) throws(LayerError) {
    let wanted = try layer.specification.parameters(for: input.shape)
    guard wanted.map(\.shape) == parameters.map(\.shape) else {
      throw LayerError(
        layer: L.Specification.typeName, value: "parameters \(parameters.map(\.shape))",
        rule: "must have the shapes \(wanted.map(\.shape)) for input \(input.shape)")
    }
    self.layer = layer
    self.phase = phase
    variables =
      [Variable(name: "input", shape: input.shape)]
      + wanted.map { Variable(name: $0.name, shape: $0.shape) }
    precision = spacingAtOne(of: L.Scalar.self)
    point = ([input] + parameters).map { $0.converted() }
    output = Tensor(try layer.specification.outputShape(for: input.shape))
    saved = try layer.makeSaved(for: input.shape)
  }

  /// The input or a parameter.
  ///
  /// - Complexity: O(count), copying.
  public func values(of variable: Int) -> Tensor<Double> { point[variable].converted() }

  /// Moves the input or a parameter.
  ///
  /// - Complexity: O(count), copying.
  public mutating func setValues(of variable: Int, to values: Tensor<Double>) {
    point[variable] = values.converted()
  }

  /// One element of the input or a parameter.
  public func value(of variable: Int, at position: Int) -> Double {
    point[variable][position].doubleValue
  }

  /// Moves one element of the input or a parameter.
  ///
  /// - Complexity: O(1).
  public mutating func setValue(of variable: Int, at position: Int, to value: Double) {
    point[variable][position] = L.Scalar(value)
  }

  /// The forward pass.
  ///
  /// - Complexity: One forward pass and a copy of the output.
  public mutating func evaluate(
    into outputs: inout [Double], seed: UInt32, movedOnly variable: Int?
  ) {
    runForward(seed: seed)
    replace(&outputs, by: output)
  }

  /// The forward pass, then the backward pass.
  ///
  /// - Complexity: One forward and one backward pass, with memory for all gradients.
  public mutating func gradients(upstream: [Double], seed: UInt32) -> [Tensor<Double>] {
    runForward(seed: seed)
    let upstream = Tensor(output.shape, upstream).converted(to: L.Scalar.self)
    var inputGradient: Tensor<L.Scalar>? = Tensor(point[0].shape)
    var parameterGradients = point.dropFirst().map { Tensor<L.Scalar>($0.shape) }
    layer.backward(
      outputGradient: upstream, input: point[0], output: output,
      parameters: Array(point.dropFirst()), saved: saved, inputGradient: &inputGradient,
      parameterGradients: &parameterGradients, accumulating: false)
    let input = inputGradient ?? Tensor(point[0].shape, repeating: L.Scalar(Double.nan))
    return ([input] + parameterGradients).map { $0.converted() }
  }

  private mutating func runForward(seed: UInt32) {
    var context = RunContext(phase: phase, seed: seed)
    layer.forward(
      point[0], parameters: Array(point.dropFirst()), context: &context, output: &output,
      saved: &saved)
  }
}

/// The distance from 1 to the next number of a scalar type: 2⁻²³ for `Float`, 2⁻⁵² for `Double`.
func spacingAtOne<S: Scalar>(of type: S.Type) -> Double {
  var spacing = 1.0
  while S(1 + spacing / 2).doubleValue > 1, spacing > 0x1p-52 { spacing /= 2 }
  return spacing
}

/// Copies a tensor's numbers over an array, in the array's memory when they fit it.
@specialized(where S == Float)
@specialized(where S == Double)
func replace<S: Scalar>(_ numbers: inout [Double], by tensor: Tensor<S>) {
  if numbers.count != tensor.count { numbers = [Double](repeating: 0, count: tensor.count) }
  for i in numbers.indices { numbers[i] = tensor.elements[i].doubleValue }
}
