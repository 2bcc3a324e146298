import CaffeMessages
import Layers
import Networks

// The two forms in which Caffe's model folders hold a network.

extension NetworkDefinition {
  /// Where a network in one phase gets its images.
  public struct Database: Sendable {
    /// The LMDB's folder.
    public var source: String
    /// The number of images in a batch.
    public var batchSize: Int

    /// A database and how much of it makes a batch.
    public init(source: String, batchSize: Int) {
      self.source = source
      self.batchSize = batchSize
    }
  }

  /// The form to train with, Caffe's `train_val.prototxt`: named layers, fillers, learning rates, a
  /// database for each phase, mirrored at random only in training, and accuracy, measured only in
  /// testing.
  ///
  /// Images are cropped to the network's size; the means are those of ImageNet, in B, G, R order.
  ///
  /// - Parameters:
  ///   - training: what it learns from.
  ///   - testing: what it is tested on.
  ///   - pixelScale: what pixels are multiplied by once the mean is subtracted.
  /// - Throws: `LayerError` for a layer of your own, which Caffe's files have no words for.
  /// - Complexity: O(layers).
  public func trainValForm(
    training: Database, testing: Database, pixelScale: Float = 1
  ) throws(LayerError) -> Caffe_NetParameter {
    try requireCaffeTypes()
    var net = Caffe_NetParameter()
    net.name = name
    net.layer = [
      dataLayer(training, phase: .train, mirror: true, pixelScale: pixelScale),
      dataLayer(testing, phase: .test, mirror: false, pixelScale: pixelScale),
    ]
    for definition in layersWithAccuracy {
      var layer = definition.layerParameter
      if definition.specification is AccuracySpecification {
        layer.include = [.with { $0.phase = .test }]
      }
      net.layer.append(layer)
    }
    return net
  }

  /// The layers, an accuracy before the loss added where there is none.
  private var layersWithAccuracy: [LayerDefinition] {
    guard !layers.contains(where: { $0.specification is AccuracySpecification }),
      let loss = layers.firstIndex(where: { $0.specification.takesLabels })
    else { return layers }
    var layers = layers
    let accuracy = LayerDefinition(
      name: "accuracy", specification: AccuracySpecification(), bottoms: layers[loss].bottoms,
      top: "accuracy")
    layers.insert(accuracy, at: loss)
    return layers
  }

  private func dataLayer(
    _ database: Database, phase: Caffe_Phase, mirror: Bool, pixelScale: Float
  ) -> Caffe_LayerParameter {
    var layer = Caffe_LayerParameter()
    layer.name = data
    layer.type = "Data"
    layer.top = [data, label]
    layer.include = [.with { $0.phase = phase }]
    layer.transformParam.mirror = mirror
    layer.transformParam.cropSize = UInt32(clamping: imageShape.last ?? 0)
    if pixelScale != 1 { layer.transformParam.scale = pixelScale }
    layer.transformParam.meanValue = [104, 117, 123]
    layer.dataParam.source = database.source
    layer.dataParam.batchSize = UInt32(clamping: database.batchSize)
    layer.dataParam.backend = .lmdb
    return layer
  }

  /// The form to classify with, Caffe's `deploy.prototxt`: images come from the caller, what is
  /// needed for learning is left out, and `prob` holds the probabilities.
  ///
  /// - Parameter batch: the number of images.
  /// - Throws: `LayerError` for a layer of your own, which Caffe's files have no words for.
  /// - Complexity: O(layers).
  public func deployForm(batch: Int) throws(LayerError) -> Caffe_NetParameter {
    try requireCaffeTypes()
    var deployed = self
    deployed.layers = layers.compactMap { layer in
      switch layer.specification {
      case is AccuracySpecification: return nil
      case is SoftmaxWithLossSpecification:
        return LayerDefinition(
          name: "prob", specification: SoftmaxSpecification(), bottoms: [layer.bottoms[0]],
          top: "prob")
      default:
        var layer = layer
        layer.parameters = []
        return layer
      }
    }
    return deployed.netParameter(batch: batch, phase: .testing)
  }
}
