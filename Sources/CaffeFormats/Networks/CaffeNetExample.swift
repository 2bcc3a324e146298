import CaffeMessages
import Layers
import Networks

/// The network of Caffe's `examples/pycaffe/caffenet.py`, exactly as that writes it: printed, it gives
/// the very bytes that caffenet.py prints.
///
/// It is `caffenet(inputSize:classes:includeAccuracy:)` with automatic names, and without fillers and
/// learning rates, so that it doesn't learn.
///
/// - Parameters:
///   - lmdb: the database of images and labels.
///   - batchSize: the number of images in a batch.
///   - includeAccuracy: whether an accuracy layer is added, caffenet.py's `include_acc`.
/// - Complexity: O(layers).
public func caffenet(
  lmdb: String, batchSize: Int = 256, includeAccuracy: Bool = false
) -> Caffe_NetParameter {
  var net = NetSpecification()
  let data = net.add("Data", [], tops: 2) {
    $0.dataParam.source = lmdb
    $0.dataParam.backend = .lmdb
    $0.dataParam.batchSize = UInt32(clamping: batchSize)
    $0.transformParam.cropSize = 227
    $0.transformParam.meanValue = [104, 117, 123]
    $0.transformParam.mirror = true
  }
  let definition = caffenet(includeAccuracy: includeAccuracy)
  var names = [definition.data: data[0], definition.label: data[1]]
  // Layers are numbered by type as they are added, and with them their tops. The accuracy comes last.
  let isMeasure = { (layer: LayerDefinition) in layer.specification is AccuracySpecification }
  for layer in definition.layers.filter({ !isMeasure($0) }) + definition.layers.filter(isMeasure) {
    let bottoms = layer.bottoms.compactMap { names[$0] }
    if layer.bottoms.contains(layer.top) {
      net.addInPlace(layer.typeName, bottoms[0])
    } else {
      let tops = net.add(layer.typeName, bottoms, tops: 1) { $0.set(layer.specification) }
      names[layer.top] = tops[0]
    }
  }
  return net.message
}

extension Caffe_LayerParameter {
  /// What caffenet.py says of a layer.
  fileprivate mutating func set(_ specification: any LayerSpecification) {
    switch specification {
    case let convolution as ConvolutionSpecification:
      convolutionParam.numOutput = UInt32(clamping: convolution.outputChannels)
      convolutionParam.kernelSize = [UInt32(clamping: convolution.kernel.height)]
      convolutionParam.stride = [UInt32(clamping: convolution.stride.height)]
      convolutionParam.pad = [UInt32(clamping: convolution.pad.height)]
      convolutionParam.group = UInt32(clamping: convolution.group)
    case let product as InnerProductSpecification:
      innerProductParam.numOutput = UInt32(clamping: product.outputs)
    case let pooling as PoolingSpecification:
      poolingParam.pool = .max
      poolingParam.kernelSize = UInt32(clamping: pooling.kernel?.height ?? 0)
      poolingParam.stride = UInt32(clamping: pooling.stride.height)
    case let lrn as LRNSpecification:
      lrnParam.localSize = UInt32(clamping: lrn.localSize)
      lrnParam.alpha = Float(lrn.alpha)
      lrnParam.beta = Float(lrn.beta)
    default: break
    }
  }
}
