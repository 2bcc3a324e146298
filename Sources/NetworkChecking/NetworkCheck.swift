import GradientChecking
import Layers
import Networks
import Tensors

/// Checks the gradients of a network's loss by each of its parameters, end to end.
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
