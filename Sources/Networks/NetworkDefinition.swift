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
  /// What it does.
  public var operation: LayerOperation
  /// The blobs it reads; the labels last.
  public var bottoms: [String]
  /// The blob it writes; the same as its bottom when it works in place.
  public var top: String
  /// The blob in which a loss shows its probabilities, if any: the second top of Caffe's
  /// `SoftmaxWithLoss`. No gradient flows back through it.
  public var probabilities: String?
  /// How its parameters start and learn: weights, then bias. Shorter where the defaults do.
  public var parameters: [ParameterDefinition]

  /// A layer by name, operation and connections.
  public init(
    name: String, operation: LayerOperation, bottoms: [String], top: String,
    probabilities: String? = nil, parameters: [ParameterDefinition] = []
  ) {
    self.name = name
    self.operation = operation
    self.bottoms = bottoms
    self.top = top
    self.probabilities = probabilities
    self.parameters = parameters
  }

  /// Whether it writes over its input.
  public var isInPlace: Bool { bottoms.first == top }
}

/// How a parameter starts and learns.
public struct ParameterDefinition: Hashable, Sendable {
  /// The distribution of its first values.
  public var filler: Filler
  /// The factor of the learning rate, Caffe's `lr_mult`.
  public var learningRateMultiplier: Float
  /// The factor of the weight decay, Caffe's `decay_mult`.
  public var decayMultiplier: Float

  /// A parameter with Caffe's defaults.
  public init(
    filler: Filler = .constant(0), learningRateMultiplier: Float = 1,
    decayMultiplier: Float = 1
  ) {
    self.filler = filler
    self.learningRateMultiplier = learningRateMultiplier
    self.decayMultiplier = decayMultiplier
  }
}

extension NetworkDefinition {
  /// The ReLU that works in place on a layer's output right behind it.
  func reluInPlace(behind index: Int) -> ReLUSpecification? {
    guard layers.indices.contains(index + 1) else { return nil }
    let next = layers[index + 1]
    guard case .relu(let specification) = next.operation, next.isInPlace,
      next.top == layers[index].top
    else { return nil }
    return specification
  }

  /// The first values of all parameters, each drawn from a seed of its own.
  func filledParameters<Scalar: Tensors.Scalar>(
    _ summary: NetworkSummary, seed: UInt64
  ) -> [[Tensor<Scalar>]] {
    var seeds = SplitMix64(seed: seed)
    return zip(layers, summary.layers).map { layer, row in
      row.parameters.enumerated().map { index, parameter in
        let filler =
          layer.parameters.indices.contains(index)
          ? layer.parameters[index].filler : ParameterDefinition().filler
        return filler.fill(parameter.shape, seed: seeds.next())
      }
    }
  }
}
