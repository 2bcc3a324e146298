import GradientChecking
import Layers
import Networks
import Tensors

/// The exact derivatives of a network's loss, by running it on dual numbers.
public struct ExactNetwork: ExactlyDifferentiable {
  /// The network on dual numbers.
  public let network: Network<Dual<Double>>
  private let places: [(layer: Int, parameter: Int)?]

  /// The network that another one would be on dual numbers: with the same definition, parameters,
  /// images, labels and phase.
  ///
  /// - Throws: as `Network.init`.
  /// - Complexity: O(parameters + images), which are copied as dual numbers, and the memory of a
  ///   network on them: twice that of one in `Double`.
  public init<Scalar>(
    of function: NetworkFunction<Scalar>, backend: some Backend<Dual<Double>>
  ) throws(LayerError) {
    let other = function.network
    network = try Network(
      other.definition, backend: backend, batch: other.input.shape.images, gradients: .none,
      phase: other.context.phase,
      parameters: other.parameters.map { $0.map { $0.asDual } })
    network.updatesState = false
    try network.load(images: other.input.asDual, labels: other.labels)
    for input in other.definition.otherInputs {
      if let content = other.blob(input.name) { try network.load(content.asDual, into: input.name) }
    }
    places = function.places
  }

  /// The rate at which the loss changes when a parameter, or the images, move along a direction.
  ///
  /// - Complexity: One forward pass of the whole network, and two copies of the tensor that moves.
  public mutating func derivative(
    alongVariable variable: Int, _ direction: Tensor<Double>, seed: UInt32
  ) throws -> [Double] {
    network.context = RunContext(phase: network.context.phase, seed: seed)
    guard let place = places[variable] else {
      let still = network.input
      defer { try? network.load(images: still, labels: network.labels) }
      try network.load(images: still.inDouble.moving(along: direction), labels: network.labels)
      return [try network.forward().derivative]
    }
    let still = network.parameters[place.layer][place.parameter]
    defer { network.parameters[place.layer][place.parameter] = still }
    network.parameters[place.layer][place.parameter] = still.inDouble.moving(along: direction)
    return [try network.forward().derivative]
  }
}

extension Tensor {
  fileprivate var inDouble: Tensor<Double> { converted() }
  fileprivate var asDual: Tensor<Dual<Double>> { inDouble.converted() }
}
