import Layers
import Tensors

/// A network as a value: what its layers are and how they are connected.
///
/// It says nothing of how the layers are computed; `Network` runs it on a backend.
public struct NetworkDefinition: Hashable, Sendable {
  /// The network's name.
  public var name: String
  /// The blob of images.
  public var data: String = "data"
  /// The blob of labels.
  public var label: String = "label"
  /// The extents of one image: channels, rows, columns.
  public var imageShape: [Int]
  /// What is fed to the network beside images and labels; most networks have none.
  public var otherInputs: [InputDefinition] = []
  /// The layers, in the order in which they run.
  public var layers: [LayerDefinition]

  /// A network by name, image extents (channels, rows, columns) and layers.
  public init(name: String, imageShape: [Int], layers: [LayerDefinition] = []) {
    self.name = name
    self.imageShape = imageShape
    self.layers = layers
  }

  /// The shape of a batch of images, N×C×H×W.
  ///
  /// - Throws: `LayerError` when a batch of that size is impossible: negative, or too large to count.
  /// - Complexity: O(1).
  public func inputShape(batch: Int) throws(LayerError) -> Shape {
    try InputDefinition(name: data, dimensions: [batch] + imageShape).shape()
  }

  /// The position of a layer.
  ///
  /// - Throws: `LayerError` that names the layers there are.
  /// - Complexity: O(layers).
  public func index(of layer: String) throws(LayerError) -> Int {
    if let index = layers.firstIndex(where: { $0.name == layer }) { return index }
    let names = layers.map(\.name).joined(separator: ", ")
    throw LayerError(layer: name, value: "layer \"\(layer)\"", rule: "must be one of: \(names)")
  }
}

/// A blob that is fed to a network beside its images and labels.
public struct InputDefinition: Hashable, Sendable {
  /// The blob's name.
  public var name: String
  /// All its extents, that of the batch included.
  public var dimensions: [Int]

  /// An input by name and extents.
  public init(name: String, dimensions: [Int]) {
    self.name = name
    self.dimensions = dimensions
  }

  func shape() throws(LayerError) -> Shape {
    do {
      return try Shape(checking: dimensions)
    } catch {
      let extents = dimensions.map(String.init).joined(separator: "×")
      throw LayerError(layer: name, value: "input \(extents)", rule: "is impossible: \(error.rule)")
    }
  }
}

/// A layer in a network.
public struct LayerDefinition: Hashable, Sendable {
  /// Its name, unique in the network.
  public var name: String
  /// What it does: hyper-parameters of a built-in type, or of one of your own.
  public var specification: any LayerSpecification
  /// The blobs it reads; the labels last.
  public var bottoms: [String]
  /// The blob it writes; the same as its bottom when it works in place.
  public var top: String
  /// The blob in which a loss shows its probabilities, if any: the second top of Caffe's
  /// `SoftmaxWithLoss`. No gradient flows back through it.
  public var probabilities: String?
  /// How its parameters start and learn: weights, then bias. Shorter where the defaults do.
  public var parameters: [ParameterDefinition]
  /// For each bottom, whether the error goes on to it where that is needed, Caffe's `propagate_down`.
  /// Shorter where it does.
  public var propagatesDown: [Bool] = []
  /// The factor of its output in the network's loss, Caffe's `loss_weight`; `nil` for that of the
  /// specification.
  public var lossWeight: Double?
  /// The phase that it always runs in, whatever the network's; `nil` for the network's.
  public var phase: Phase?

  /// A layer by name, specification and connections.
  public init(
    name: String, specification: any LayerSpecification, bottoms: [String], top: String,
    probabilities: String? = nil, parameters: [ParameterDefinition] = []
  ) {
    self.name = name
    self.specification = specification
    self.bottoms = bottoms
    self.top = top
    self.probabilities = probabilities
    self.parameters = parameters
  }

  /// Whether it writes over its input.
  public var isInPlace: Bool { bottoms.first == top }

  /// Caffe's name of its type, for example `InnerProduct`.
  public var typeName: String { type(of: specification).typeName }

  /// How a parameter starts and learns.
  ///
  /// - Complexity: O(1).
  public func parameter(_ index: Int) -> ParameterDefinition {
    parameters.indices.contains(index) ? parameters[index] : ParameterDefinition()
  }

  /// Whether all is the same, the types of the specifications included.
  public static func == (a: Self, b: Self) -> Bool {
    AnyHashable(a.specification) == AnyHashable(b.specification) && a.name == b.name
      && a.bottoms == b.bottoms && a.top == b.top && a.probabilities == b.probabilities
      && a.parameters == b.parameters && a.propagatesDown == b.propagatesDown
      && a.lossWeight == b.lossWeight && a.phase == b.phase
  }

  /// Feeds name, specification and connections to the hasher.
  ///
  /// - Complexity: O(bottoms).
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(specification)
    hasher.combine(bottoms)
    hasher.combine(top)
  }
}

/// How a parameter starts and learns.
public struct ParameterDefinition: Hashable, Sendable {
  /// The distribution of its first values; `nil` for the value that the layer's specification names,
  /// which is 0 for all of Caffe's layers.
  public var filler: Filler?
  /// The factor of the learning rate, Caffe's `lr_mult`. A parameter whose factor is 0 is frozen: its
  /// gradient isn't computed.
  public var learningRateMultiplier: Float
  /// The factor of the weight decay, Caffe's `decay_mult`.
  public var decayMultiplier: Float
  /// By what name layers share it, Caffe's `param { name }`: all that give it the same name have one
  /// parameter, which starts as the first of them says. `nil` for one that isn't shared.
  public var name: String?

  /// A parameter with Caffe's defaults.
  public init(
    filler: Filler? = nil, learningRateMultiplier: Float = 1,
    decayMultiplier: Float = 1, name: String? = nil
  ) {
    self.filler = filler
    self.learningRateMultiplier = learningRateMultiplier
    self.decayMultiplier = decayMultiplier
    self.name = name
  }
}

extension NetworkDefinition {
  /// The first values of all parameters, each drawn from a seed of its own.
  ///
  /// - Parameters:
  ///   - plan: that of this network.
  ///   - seed: where all randomness starts.
  /// - Complexity: O(parameters), which are allocated.
  public func filledParameters<Scalar: Tensors.Scalar>(
    _ plan: NetworkPlan, seed: UInt64
  ) -> [[Tensor<Scalar>]] {
    var seeds = SplitMix64(seed: seed)
    return zip(layers, plan.layers).map { layer, row in
      row.parameters.enumerated().map { index, parameter in
        (layer.parameter(index).filler ?? .constant(parameter.initialValue))
          .fill(parameter.shape, seed: seeds.next())
      }
    }
  }
}
