import Networks
import Tensors

/// A loss, a parameter or a blob that became infinite or no number, and where the first such value
/// stands.
public struct Divergence: Error, Equatable, CustomStringConvertible {
  /// The loss: infinite or NaN, or a number where the fault doesn't reach it. Max pooling passes a NaN
  /// over, for example, as nothing compares with it.
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

  /// Looks through the blobs; `nil` where none holds a NaN. Infinities are let pass: a layer may mean
  /// them, as a mask of scores does.
  init?<Scalar: Tensors.Scalar>(blobsOf network: Network<Scalar>, loss: Double, iteration: Int) {
    let isFound = network.definition.layers.contains {
      network.blob($0.top)?.containsNaN ?? false
    }
    guard isFound else { return nil }
    self.init(loss: loss, iteration: iteration, in: network)
  }

  /// Looks through the parameters alone; `nil` where all are finite.
  init?<Scalar: Tensors.Scalar>(
    parametersOf network: Network<Scalar>, loss: Double? = nil, iteration: Int
  ) {
    for (planned, parameters) in zip(network.plan.layers, network.parameters) {
      for (number, parameter) in parameters.enumerated() where !parameter.isFinite {
        self.loss = loss.map { "\($0)" } ?? "not computed yet"
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
  var isFinite: Bool {
    (self as? Tensor<Float>).map { $0.largestMagnitudeBits < Float.infinity.bitPattern }
      ?? largestMagnitude.isFinite
  }

  /// Whether an element is NaN.
  var containsNaN: Bool {
    (self as? Tensor<Float>).map { $0.largestMagnitudeBits > Float.infinity.bitPattern }
      ?? largestMagnitude.isNaN
  }
}

extension Tensor<Float> {
  /// The greatest pattern of bits without the sign. Read as integers, they are in the order of the
  /// magnitudes, with infinity behind all numbers and NaN behind infinity; and the greatest of integers
  /// is found in vectors.
  fileprivate var largestMagnitudeBits: UInt32 {
    elements.reduce(into: 0) { $0 = max($0, $1.bitPattern & 0x7FFF_FFFF) }
  }
}
