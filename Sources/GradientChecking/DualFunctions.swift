import Layers
import Tensors

/// The exact derivatives of a layer at a point, by running it on dual numbers.
///
/// - Throws: `LayerError` when the point doesn't fit the layer.
/// - Complexity: O(elements) of the point, which is copied as dual numbers, and the layer's memory
///   on them. Each derivative then is one forward pass.
public func exactDerivatives<L: Layer>(
  of layer: L, input: Tensor<Double>, parameters: [Tensor<Double>], phase: Phase = .training
) throws -> any ExactlyDifferentiable where L.Scalar == Dual<Double> {
  DualLayerFunction(
    layer: layer, point: ([input] + parameters).map { $0.converted() }, phase: phase,
    output: Tensor(try layer.specification.outputShape(for: input.shape)),
    saved: try layer.makeSaved(for: input.shape))
}

/// The exact derivatives of a loss at given scores, by running it on dual numbers.
///
/// - Throws: `LayerError` when the scores don't fit the loss.
/// - Complexity: O(scores), which are copied. Each derivative then is one forward pass.
public func exactDerivatives<L: Loss>(
  of loss: L, scores: Tensor<Double>, labels: [Int]
) throws -> any ExactlyDifferentiable where L.Scalar == Dual<Double> {
  DualLossFunction(
    loss: loss, scores: scores, labels: labels, saved: try loss.makeSaved(for: scores.shape))
}

private struct DualLayerFunction<L: Layer>: ExactlyDifferentiable where L.Scalar == Dual<Double> {
  let layer: L
  /// Still but for a variable while it moves: converting the others anew each time would cost more
  /// than the forward pass.
  var point: [Tensor<Dual<Double>>]
  let phase: Phase
  var output: Tensor<Dual<Double>>
  var saved: L.Saved

  mutating func derivative(
    alongVariable variable: Int, _ direction: Tensor<Double>, seed: UInt32
  ) -> [Double] {
    point[variable].move(along: direction)
    defer { point[variable].move(along: Tensor(direction.shape)) }
    var context = RunContext(phase: phase, seed: seed)
    layer.forward(
      point[0], parameters: Array(point.dropFirst()), context: &context, output: &output,
      saved: &saved)
    return output.elements.map(\.derivative)
  }
}

private struct DualLossFunction<L: Loss>: ExactlyDifferentiable where L.Scalar == Dual<Double> {
  let loss: L
  let scores: Tensor<Double>
  let labels: [Int]
  var saved: L.Saved

  mutating func derivative(
    alongVariable variable: Int, _ direction: Tensor<Double>, seed: UInt32
  ) throws -> [Double] {
    let value = try loss.forward(
      scores: scores.moving(along: direction), labels: labels, saved: &saved)
    return [loss.specification.lossWeight * value.derivative]
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
    precondition(count == direction.count, "direction \(direction.shape) does not fit \(shape)")
    for i in elements.indices { elements[i].derivative = direction.elements[i] }
  }
}
