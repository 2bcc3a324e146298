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
  try DualLayerFunction(layer, inputs, parameters, labels, phase)
}

/// The second derivatives of a layer at a point, by running its backward pass on dual numbers.
///
/// - Parameters:
///   - layer: on dual numbers.
///   - inputs: the point.
///   - parameters: likewise, state among them.
///   - labels: the true classes, for a loss.
///   - phase: training or testing.
/// - Throws: `LayerError` when the point doesn't fit the layer.
/// - Complexity: O(elements) of the point, which is copied as dual numbers, and the layer's memory
///   on them. Each product then is a forward and a backward pass.
public func secondDerivatives<L: Layer>(
  of layer: L, inputs: [Tensor<Double>], parameters: [Tensor<Double>], labels: [Int] = [],
  phase: Phase = .training
) throws -> any TwiceDifferentiable where L.Scalar == Dual<Double> {
  try DualLayerFunction(layer, inputs, parameters, labels, phase)
}

private struct DualLayerFunction<L: Layer>: ExactlyDifferentiable, TwiceDifferentiable
where L.Scalar == Dual<Double> {
  let layer: L
  let places: LayerPlaces
  let variables: [Variable]
  /// Still but for a variable while it moves: converting the others anew each time would cost more
  /// than the forward pass.
  var point: LayerPoint<Dual<Double>>
  let phase: Phase
  let labels: [Int]
  var output: Tensor<Dual<Double>>
  var saved: L.Saved

  init(
    _ layer: L, _ inputs: [Tensor<Double>], _ parameters: [Tensor<Double>], _ labels: [Int],
    _ phase: Phase
  ) throws(LayerError) {
    let shapes = inputs.map(\.shape)
    let specification = layer.specification
    self.layer = layer
    places = LayerPlaces(
      specification, try specification.parameters(for: shapes), inputs: inputs.count)
    variables = places.variables(shapes)
    point = LayerPoint(inputs, parameters)
    (self.phase, self.labels) = (phase, labels)
    output = Tensor(try specification.outputShape(for: shapes))
    saved = try layer.makeSaved(for: shapes)
  }

  mutating func derivative(
    alongVariable variable: Int, _ direction: Tensor<Double>, seed: UInt32
  ) -> [Double] {
    point[places[variable]].move(along: direction)
    defer { point[places[variable]].move(along: Tensor(direction.shape)) }
    runForward(seed: seed)
    return output.elements.map { places.weight * $0.derivative }
  }

  mutating func setValues(of variable: Int, to values: Tensor<Double>) {
    point[places[variable]] = values.converted()
  }

  mutating func hessianProduct(
    _ directions: [Tensor<Double>], upstream: [Double], seed: UInt32
  ) -> [Tensor<Double>] {
    for (variable, direction) in directions.enumerated() {
      point[places[variable]].move(along: direction)
    }
    defer {
      for (variable, direction) in directions.enumerated() {
        point[places[variable]].move(along: Tensor(direction.shape))
      }
    }
    runForward(seed: seed)
    var inputGradients: [Tensor<Dual<Double>>?] = point.inputs.map { Tensor($0.shape) }
    var parameterGradients = point.parameters.map { Tensor<Dual<Double>>($0.shape) }
    layer.backward(
      outputGradient: Tensor(output.shape, upstream.map { Dual($0 * places.weight) }),
      inputs: point.inputs, output: output, parameters: point.parameters, saved: saved,
      inputGradients: &inputGradients, parameterGradients: &parameterGradients,
      accumulating: false)
    let inputs = zip(point.inputs, inputGradients).map {
      $1?.map(\.derivative) ?? Tensor($0.shape, repeating: .nan)
    }
    return inputs + places.learned.map { parameterGradients[$0].map(\.derivative) }
  }

  private mutating func runForward(seed: UInt32) {
    var context = RunContext(phase: phase, seed: seed, labels: labels)
    layer.forward(
      point.inputs, parameters: point.parameters, context: &context, output: &output,
      saved: &saved)
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
