import GradientChecking
import Layers
import Networks
import Tensors

/// The exact derivatives of a network's loss, the first and the second, by running it on dual numbers.
///
///     let exact = try ExactNetwork(
///       of: NetworkFunction(network), backend: ReferenceBackend<Dual<Double>>(), gradients: true)
///     let product = try exact.hessianProduct(u, upstream: [1], seed: 1)
public struct ExactNetwork: ExactlyDifferentiable, TwiceDifferentiable {
  /// The network on dual numbers.
  public let network: Network<Dual<Double>>
  /// Those of the function that it was made of.
  public let variables: [Variable]
  private let places: [(layer: Int, parameter: Int)?]

  /// The network that another one would be on dual numbers: with the same definition, parameters,
  /// images, labels and phase.
  ///
  /// - Parameters:
  ///   - function: the other network.
  ///   - backend: the layers on dual numbers.
  ///   - gradients: whether it can run backwards, as second derivatives need.
  /// - Throws: as `Network.init`.
  /// - Complexity: O(parameters + images), which are copied as dual numbers, and the memory of a
  ///   network on them: twice that of one in `Double`.
  public init<Scalar>(
    of function: NetworkFunction<Scalar>, backend: some Backend<Dual<Double>>,
    gradients: Bool = false
  ) throws(LayerError) {
    let other = function.network
    let scope: GradientScope =
      function.places.contains { $0 == nil } ? .parametersAndInput : .parameters
    network = try Network(
      other.definition, backend: backend, batch: other.input.shape.images,
      gradients: gradients ? scope : .none, phase: other.context.phase,
      parameters: other.parameters.map { $0.map { $0.asDual } })
    network.updatesState = false
    try network.load(images: other.input.asDual, labels: other.labels)
    for input in other.definition.otherInputs {
      if let content = other.blob(input.name) { try network.load(content.asDual, into: input.name) }
    }
    places = function.places
    variables = function.variables
  }

  /// Moves a parameter, or the images.
  ///
  /// - Complexity: O(count), copying.
  public mutating func setValues(of variable: Int, to values: Tensor<Double>) {
    place(values.converted(), variable)
  }

  /// The rate at which the loss changes when a parameter, or the images, move along a direction.
  ///
  /// - Complexity: One forward pass of the whole network, and two copies of the tensor that moves.
  public mutating func derivative(
    alongVariable variable: Int, _ direction: Tensor<Double>, seed: UInt32
  ) throws -> [Double] {
    network.context = RunContext(phase: network.context.phase, seed: seed)
    let still = values(variable)
    defer { place(still, variable) }
    place(still.inDouble.moving(along: direction), variable)
    return [try network.forward().derivative]
  }

  /// How fast the gradients of all variables change when all of them move along their directions: H·u,
  /// times the upstream number.
  ///
  /// - Precondition: made with `gradients: true`.
  /// - Complexity: A forward and a backward pass of the whole network, and three copies of all
  ///   parameters.
  public mutating func hessianProduct(
    _ directions: [Tensor<Double>], upstream: [Double], seed: UInt32
  ) throws -> [Tensor<Double>] {
    require(!network.parameterGradients.isEmpty, "a network without gradients has no Hessian")
    network.context = RunContext(phase: network.context.phase, seed: seed)
    let still = directions.indices.map(values)
    defer {
      for (variable, values) in still.enumerated() { place(values, variable) }
    }
    for (variable, direction) in directions.enumerated() {
      place(still[variable].inDouble.moving(along: direction), variable)
    }
    try network.forward()
    network.backward()
    let factor = upstream.first ?? 1
    return places.map { place in
      let gradient =
        place.map { network.parameterGradients[$0.layer][$0.parameter] }
        ?? network.gradient(of: network.definition.data) ?? Tensor(network.input.shape)
      return gradient.map { factor * $0.derivative }
    }
  }

  private func values(_ variable: Int) -> Tensor<Dual<Double>> {
    places[variable].map { network.parameters[$0.layer][$0.parameter] } ?? network.input
  }

  private func place(_ values: Tensor<Dual<Double>>, _ variable: Int) {
    if let place = places[variable] {
      network.parameters[place.layer][place.parameter] = values
    } else {
      // Images of the network's own shape can't be refused.
      try? network.load(images: values, labels: network.labels)
    }
  }
}

extension Tensor {
  fileprivate var inDouble: Tensor<Double> { converted() }
  fileprivate var asDual: Tensor<Dual<Double>> { inDouble.converted() }
}
