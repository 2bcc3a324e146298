import Networks
import Tensors

/// A loss that became infinite or no number, and where the first such value stands.
public struct Divergence: Error, Equatable, CustomStringConvertible {
  /// The loss: infinite or NaN.
  public let loss: String
  /// The iteration whose forward pass found it; parameters changed last in the one before.
  public let iteration: Int
  /// The first layer, in the order of the network, with a value that isn't finite.
  public let layer: String
  /// That value's place: a parameter or a blob, for example `weights` or `blob "conv1"`.
  public let place: String

  /// Looks through the parameters and blobs of a network in the order of its layers.
  init<Scalar: Tensors.Scalar>(loss: Double, iteration: Int, in network: Network<Scalar>) {
    self.loss = loss.isNaN ? "NaN" : "\(loss)"
    self.iteration = iteration
    if !network.input.isFinite {
      (layer, place) = (network.definition.data, "the images")
      return
    }
    for (index, definition) in network.definition.layers.enumerated() {
      for (number, parameter) in network.parameters[index].enumerated()
      where !parameter.isFinite {
        let name = network.plan.layers[index].parameters[number].name
        (layer, place) = (definition.name, "its \(name)")
        return
      }
      if let blob = network.blob(definition.top), !blob.isFinite {
        (layer, place) = (definition.name, "blob \"\(definition.top)\"")
        return
      }
    }
    (layer, place) = (network.definition.layers.last?.name ?? network.definition.name, "the loss")
  }

  /// Looks through the parameters alone; `nil` where all are finite.
  init?(parametersOf network: Network<Float>, iteration: Int) {
    for (planned, parameters) in zip(network.plan.layers, network.parameters) {
      for (number, parameter) in parameters.enumerated() where !parameter.isFinite {
        loss = "not computed yet"
        self.iteration = iteration
        layer = planned.name
        place = "its \(planned.parameters[number].name)"
        return
      }
    }
    return nil
  }

  /// What happened, where it began, and what to try.
  public var description: String {
    """
    iteration \(iteration): the loss is \(loss). The first value that isn't finite stands in layer \
    \(layer): \(place). Try a learning rate ten times smaller, clip the gradients, or look at the \
    scale of the images and the first weights
    """
  }
}

extension Tensor {
  /// Whether no element is infinite or NaN.
  var isFinite: Bool { largestMagnitude.isFinite }
}
