import Layers
import Tensors

/// The exact derivatives of a layer at a point, by running it on dual numbers.
///
/// - Throws: `LayerError` when the point doesn't fit the layer.
/// - Complexity: O(elements) of the point, which is copied as dual numbers, and the layer's memory
///   on them. Each derivative then is one forward pass.
public func exactDerivatives<L: Layer>(
  of layer: L, inputs: [Tensor<Double>], parameters: [Tensor<Double>], labels: [Int] = [],
  phase: Phase = .training
) throws -> any ExactlyDifferentiable where L.Scalar == Dual<Double> {
  let shapes = inputs.map(\.shape)
  let specification = layer.specification
  return DualLayerFunction(
    layer: layer,
    places: LayerPlaces(
      specification, try specification.parameters(for: shapes), inputs: inputs.count),
    point: LayerPoint(inputs, parameters), phase: phase, labels: labels,
    output: Tensor(try specification.outputShape(for: shapes)),
    saved: try layer.makeSaved(for: shapes))
}

private struct DualLayerFunction<L: Layer>: ExactlyDifferentiable where L.Scalar == Dual<Double> {
  let layer: L
  let places: LayerPlaces
  /// Still but for a variable while it moves: converting the others anew each time would cost more
  /// than the forward pass.
  var point: LayerPoint<Dual<Double>>
  let phase: Phase
  let labels: [Int]
  var output: Tensor<Dual<Double>>
  var saved: L.Saved

  mutating func derivative(
    alongVariable variable: Int, _ direction: Tensor<Double>, seed: UInt32
  ) -> [Double] {
    point[places[variable]].move(along: direction)
    defer { point[places[variable]].move(along: Tensor(direction.shape)) }
    var context = RunContext(phase: phase, seed: seed, labels: labels)
    layer.forward(
      point.inputs, parameters: point.parameters, context: &context, output: &output,
      saved: &saved)
    return output.elements.map { places.weight * $0.derivative }
  }
}

extension Tensor<Double> {
  /// The tensor as dual numbers that move along a direction.
  ///
  /// - Precondition: the counts agree.
  /// - Complexity: O(count), allocating a tensor of twice this size in bytes.
  public func moving(along direction: Tensor<Double>) -> Tensor<Dual<Double>> {
    var moving = converted(to: Dual<Double>.self)
    moving.move(along: direction)
    return moving
  }
}

extension Tensor<Dual<Double>> {
  /// Makes each number change at the rate of its component of the direction.
  ///
  /// - Precondition: the counts agree.
  fileprivate mutating func move(along direction: Tensor<Double>) {
    require(count == direction.count, "direction \(direction.shape) does not fit \(shape)")
    for i in elements.indices { elements[i].derivative = direction.elements[i] }
  }
}
