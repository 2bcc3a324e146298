import GradientChecking
import Layers
import Networks
import Tensors

/// Checks the gradient of each parameter of a network, from the loss on, end to end.
///
///     let network = try Network(mini(), backend: FastBackend<Double>())
///     try network.load(images: images, labels: [3])
///     let report = try check(network, options: CheckOptions(mode: .sampled(50)))
///
/// - Parameters:
///   - network: with images and labels loaded. In `Double`, unless wide bars will do.
///   - images: whether the gradient of the images is checked as well; the network has to compute it.
///   - layer: if given, only this layer's parameters are checked.
///   - exact: the layers on dual numbers, `ReferenceBackend<Dual<Double>>()`, to compare with exact
///     derivatives as well. They run one forward pass for each direction, in naive loops.
///   - options: which elements, along how many directions, from which seed. `exactElements` should
///     be small, or 0.
///   - progress: told which tensor is being checked, and how much of it and of all tensors is done;
///     returning false stops the check after the tensor.
/// - Throws: `LayerError`, or `CheckError` when the loss is not finite.
/// - Complexity: As for a layer, for each element and direction some 4 to 10 forward passes, 1 or 2
///   where `options.isEconomical`, each from the layer of the parameter on. Exact derivatives take a
///   naive forward pass of the whole network for each direction.
public func check<Scalar: Tensors.Scalar>(
  _ network: Network<Scalar>, images: Bool = false, layer: String? = nil,
  exact: (any Backend<Dual<Double>>)? = nil, options: CheckOptions = CheckOptions(),
  progress: ((CheckProgress) -> Bool)? = nil
) throws -> GradientReport {
  let function = NetworkFunction(network, images: images)
  let dual = try exact.map { try ExactNetwork(of: function, backend: $0) }
  var checker = try GradientChecker(
    function, layer: network.definition.name, version: network.backendName, options: options)
  let chosen = function.variables.indices.filter { variable in
    guard let layer else { return true }
    return function.places[variable].map { network.plan.layers[$0.layer].name == layer }
      ?? (layer == network.definition.data)
  }
  var report = GradientReport()
  for (number, variable) in chosen.enumerated() {
    let description = function.variables[variable]
    var isWanted = true
    var tensor = try checker.check(variable: variable, exact: dual) { done, total in
      isWanted =
        progress?(
          CheckProgress(
            tensor: description.name, linesDone: done, lines: total, tensorsDone: number,
            tensors: chosen.count)) ?? true
      return isWanted
    }
    if let place = function.places[variable] {
      tensor.layer = network.plan.layers[place.layer].name
      tensor.tensor = network.plan.layers[place.layer].parameters[place.parameter].name
    }
    report.tensors.append(tensor)
    if !isWanted { break }
  }
  return report
}

/// Checks the second derivatives of a network's loss with respect to its parameters.
///
/// - Parameters:
///   - network: with images and labels loaded. In `Double`, unless wide bars will do.
///   - images: whether the images are a variable as well; the network has to compute their gradient.
///   - exact: the layers on dual numbers, `ReferenceBackend<Dual<Double>>()`.
///   - options: which elements, along how many directions, from which seed. Where a network bends, at
///     its ReLUs and maxima, small steps decide: `isEconomical` saves time.
///   - progress: told which tensor is being checked; returning false stops the check after the tensor.
/// - Throws: `LayerError`, or `CheckError` when the loss is not finite.
/// - Complexity: For each element and direction some 4 to 10 forward and backward passes, 1 or 2 where
///   `options.isEconomical`, and for each tensor 9 more. Products on dual numbers: two for each direction,
///   and one. Memory of two networks, one of them on dual numbers.
public func checkSecond<Scalar: Tensors.Scalar>(
  _ network: Network<Scalar>, images: Bool = false, exact: some Backend<Dual<Double>>,
  options: CheckOptions = CheckOptions(), progress: ((CheckProgress) -> Bool)? = nil
) throws -> SecondReport {
  let function = NetworkFunction(network, images: images)
  return try checkSecond(
    function, exact: try ExactNetwork(of: function, backend: exact, gradients: true),
    name: network.definition.name, version: network.backendName, options: options,
    progress: progress)
}
