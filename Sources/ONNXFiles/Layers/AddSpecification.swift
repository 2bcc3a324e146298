import Layers
import Tensors

/// A sum of two tensors: ONNX's Add. An operand whose extent is 1 where the other's is not, or that has
/// fewer axes, is repeated, as numpy has it.
public struct AddSpecification: LayerSpecification {
  /// `Add`.
  public static let typeName = "Add"

  /// The shape of the parameter that is added to the one input; nil where two inputs are added.
  public var constant: Shape?

  /// A sum of an input and a parameter, or of two inputs.
  public init(constant: Shape? = nil) { self.constant = constant }

  private func operands(_ inputs: [Shape]) throws(LayerError) -> [Shape] {
    let operands = inputs + (constant.map { [$0] } ?? [])
    guard operands.count == 2 else {
      throw LayerError(
        layer: Self.typeName, value: "\(inputs.count) inputs",
        rule: "must be \(constant == nil ? 2 : 1) for this sum")
    }
    return operands
  }

  /// The greater extent of each axis.
  ///
  /// - Complexity: O(rank).
  public func outputShape(for inputs: [Shape]) throws(LayerError) -> Shape {
    let operands = try operands(inputs)
    let rank = operands.map(\.rank).max() ?? 0
    var extents: [Int] = []
    for axis in 0..<rank {
      let pair = operands.map { $0.rank - rank + axis < 0 ? 1 : $0[$0.rank - rank + axis] }
      guard pair[0] == pair[1] || pair.contains(1) else {
        throw LayerError(
          layer: Self.typeName, value: "\(operands[0]) and \(operands[1])",
          rule: "can't be added: extents must be equal, or one of them 1")
      }
      extents.append(pair[0] == 1 ? pair[1] : pair[0])
    }
    do {
      return try Shape(checking: extents)
    } catch {
      throw LayerError(layer: Self.typeName, value: "output", rule: "is impossible: \(error)")
    }
  }

  /// What is added, if it is no input.
  ///
  /// - Complexity: O(1).
  public func parameters(for inputs: [Shape]) throws(LayerError) -> [ParameterSpecification] {
    constant.map { [ParameterSpecification(name: "bias", shape: $0)] } ?? []
  }

  /// The sum, in one loop.
  ///
  /// - Complexity: O(1).
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { Add<S>(specification: self) }

  /// No: the gradient of a sum is 1.
  public var backwardReadsOutput: Bool { false }
}

/// yᵢ = aⱼ + bₖ, where j and k are the places of the operands that belong to i.
struct Add<Scalar: Tensors.Scalar>: Layer {
  let specification: AddSpecification

  func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let operands = inputs + parameters
    var (first, second) = (
      Places(operands[0].shape, in: output.shape), Places(operands[1].shape, in: output.shape)
    )
    for i in 0..<output.count {
      output.elements[i] = operands[0].elements[first.next()] + operands[1].elements[second.next()]
    }
  }

  func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    func add(to gradient: inout Tensor<Scalar>, keeping: Bool) {
      if !keeping { gradient.fill(with: 0) }
      var places = Places(gradient.shape, in: outputGradient.shape)
      for value in outputGradient.elements { gradient.elements[places.next()] += value }
    }
    for number in inputGradients.indices {
      inputGradients[number].update { add(to: &$0, keeping: false) }
    }
    for number in parameterGradients.indices {
      add(to: &parameterGradients[number], keeping: accumulating)
    }
  }
}

/// The places of a repeated tensor's elements, in the order of the shape that it is repeated to.
private struct Places {
  private let extents: [Int]
  /// How far an axis moves in the tensor; 0 where it is repeated.
  private var strides: [Int]
  private var index: [Int]
  private var place = 0

  init(_ shape: Shape, in output: Shape) {
    extents = output.dimensions
    strides = [Int](repeating: 0, count: extents.count)
    index = strides
    var stride = 1
    for axis in shape.dimensions.indices.reversed() {
      strides[extents.count - shape.rank + axis] = shape[axis] == 1 ? 0 : stride
      stride *= shape[axis]
    }
  }

  mutating func next() -> Int {
    let current = place
    // Counts up like a clock, the last axis fastest.
    for axis in extents.indices.reversed() {
      index[axis] += 1
      place += strides[axis]
      if index[axis] < extents[axis] { break }
      place -= strides[axis] * extents[axis]
      index[axis] = 0
    }
    return current
  }
}
