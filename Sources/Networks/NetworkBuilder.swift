import Layers
import Tensors

/// Writes a network down layer by layer, with helpers like those of Caffe's
/// `examples/pycaffe/caffenet.py`.
///
/// Each method appends a layer and returns the name of the blob that it writes, for the next
/// layer to read.
public struct NetworkBuilder {
  /// What has been written so far.
  public private(set) var definition: NetworkDefinition

  /// The blob of images.
  public var data: String { definition.data }
  /// The blob of labels.
  public var label: String { definition.label }

  /// An empty network for images of the given channels, rows and columns.
  public init(name: String, channels: Int, height: Int, width: Int) {
    definition = NetworkDefinition(name: name, imageShape: [channels, height, width])
  }

  /// Appends a layer whose top has its name, or that of its bottom when it works in place.
  ///
  /// - Complexity: O(1) on average.
  @discardableResult
  public mutating func add(
    _ name: String, _ specification: some LayerSpecification, _ bottoms: String...,
    inPlace: Bool = false,
    parameters: [ParameterDefinition] = []
  ) -> String {
    let top = inPlace ? bottoms.first ?? name : name
    definition.layers.append(
      LayerDefinition(
        name: name, specification: specification, bottoms: bottoms, top: top, parameters: parameters
      ))
    return top
  }

  /// A convolution `conv<suffix>` and a ReLU `relu<suffix>` in place on it: `conv_relu`.
  ///
  /// - Complexity: O(1) on average.
  public mutating func convolutionReLU(
    _ suffix: String, _ bottom: String, kernel: Extent, outputs: Int, stride: Extent = 1,
    pad: Extent = 0, group: Int = 1, weights: Filler, bias: Double
  ) -> String {
    let convolution = ConvolutionSpecification(
      outputChannels: outputs, kernel: kernel, stride: stride, pad: pad, group: group)
    let top = add(
      "conv" + suffix, convolution, bottom,
      parameters: learning(weights: weights, bias: bias))
    return relu("relu" + suffix, top)
  }

  /// An inner product `fc<suffix>` and a ReLU `relu<suffix>` in place on it: `fc_relu`.
  ///
  /// - Complexity: O(1) on average.
  public mutating func fullyConnectedReLU(
    _ suffix: String, _ bottom: String, outputs: Int, weights: Filler, bias: Double
  ) -> String {
    let top = fullyConnected("fc" + suffix, bottom, outputs: outputs, weights: weights, bias: bias)
    return relu("relu" + suffix, top)
  }

  /// Maximum pooling: `max_pool`.
  ///
  /// - Complexity: O(1) on average.
  public mutating func maxPool(
    _ name: String, _ bottom: String, kernel: Extent, stride: Extent = 1
  ) -> String {
    add(name, PoolingSpecification(.maximum, kernel: kernel, stride: stride), bottom)
  }

  /// An inner product.
  ///
  /// - Complexity: O(1) on average.
  public mutating func fullyConnected(
    _ name: String, _ bottom: String, outputs: Int, weights: Filler, bias: Double
  ) -> String {
    add(
      name, InnerProductSpecification(outputs: outputs), bottom,
      parameters: learning(weights: weights, bias: bias))
  }

  /// Local response normalisation across channels.
  ///
  /// - Complexity: O(1) on average.
  public mutating func lrn(
    _ name: String, _ bottom: String, localSize: Int, alpha: Double, beta: Double
  ) -> String {
    add(name, LRNSpecification(localSize: localSize, alpha: alpha, beta: beta), bottom)
  }

  /// A ReLU in place.
  ///
  /// - Complexity: O(1) on average.
  public mutating func relu(_ name: String, _ bottom: String) -> String {
    add(name, ReLUSpecification(), bottom, inPlace: true)
  }

  /// Dropout in place.
  ///
  /// - Complexity: O(1) on average.
  public mutating func dropout(_ name: String, _ bottom: String, ratio: Double = 0.5) -> String {
    add(name, DropoutSpecification(ratio: ratio), bottom, inPlace: true)
  }

  /// Softmax with loss against the labels.
  ///
  /// - Complexity: O(1) on average.
  public mutating func softmaxWithLoss(_ name: String, _ scores: String) {
    add(name, SoftmaxWithLossSpecification(), scores, label)
  }

  /// Accuracy against the labels.
  ///
  /// - Complexity: O(1) on average.
  public mutating func accuracy(_ name: String, _ scores: String, topK: Int = 1) {
    add(name, AccuracySpecification(topK: topK), scores, label)
  }

  /// As the published networks learn: biases at twice the rate and without decay.
  private func learning(weights: Filler, bias: Double) -> [ParameterDefinition] {
    [
      ParameterDefinition(filler: weights),
      ParameterDefinition(
        filler: .constant(bias), learningRateMultiplier: 2, decayMultiplier: 0),
    ]
  }
}
