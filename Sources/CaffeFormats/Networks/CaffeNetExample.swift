import CaffeMessages

// Caffe's examples/pycaffe/caffenet.py, line by line. Printed, it gives the very bytes that
// caffenet.py prints: automatic names, and no fillers, so that it doesn't learn.

/// The network of Caffe's `examples/pycaffe/caffenet.py`, exactly as that writes it.
///
/// `caffenet(inputSize:classes:includeAccuracy:)` is the same network with names, fillers and
/// learning rates.
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
  let (data, label) = net.data(lmdb, batchSize: batchSize)

  // Layers are numbered by type as they are added, and with them their tops.
  let (_, relu1) = net.convReLU(data, kernelSize: 11, outputs: 96, stride: 4)
  let pool1 = net.maxPool(relu1, kernelSize: 3, stride: 2)
  let norm1 = net.lrn(pool1, localSize: 5, alpha: 1e-4, beta: 0.75)
  let (_, relu2) = net.convReLU(norm1, kernelSize: 5, outputs: 256, pad: 2, group: 2)
  let pool2 = net.maxPool(relu2, kernelSize: 3, stride: 2)
  let norm2 = net.lrn(pool2, localSize: 5, alpha: 1e-4, beta: 0.75)
  let (_, relu3) = net.convReLU(norm2, kernelSize: 3, outputs: 384, pad: 1)
  let (_, relu4) = net.convReLU(relu3, kernelSize: 3, outputs: 384, pad: 1, group: 2)
  let (_, relu5) = net.convReLU(relu4, kernelSize: 3, outputs: 256, pad: 1, group: 2)
  let pool5 = net.maxPool(relu5, kernelSize: 3, stride: 2)
  let (_, relu6) = net.fcReLU(pool5, outputs: 4096)
  let drop6 = net.addInPlace("Dropout", relu6)
  let (_, relu7) = net.fcReLU(drop6, outputs: 4096)
  let drop7 = net.addInPlace("Dropout", relu7)
  let fc8 = net.add("InnerProduct", drop7) { $0.innerProductParam.numOutput = 1000 }
  net.add("SoftmaxWithLoss", fc8, label)

  if includeAccuracy {
    net.add("Accuracy", fc8, label)
  }
  return net.message
}

// What the network above says in one line, in Caffe's fields.

extension NetSpecification {
  fileprivate mutating func data(_ lmdb: String, batchSize: Int) -> (data: String, label: String) {
    let tops = add("Data", [], tops: 2) {
      $0.dataParam.source = lmdb
      $0.dataParam.backend = .lmdb
      $0.dataParam.batchSize = UInt32(clamping: batchSize)
      $0.transformParam.cropSize = 227
      $0.transformParam.meanValue = [104, 117, 123]
      $0.transformParam.mirror = true
    }
    return (tops[0], tops[1])
  }

  fileprivate mutating func convReLU(
    _ bottom: String, kernelSize: UInt32, outputs: UInt32, stride: UInt32 = 1, pad: UInt32 = 0,
    group: UInt32 = 1
  ) -> (conv: String, relu: String) {
    let conv = add("Convolution", bottom) {
      $0.convolutionParam.kernelSize = [kernelSize]
      $0.convolutionParam.stride = [stride]
      $0.convolutionParam.numOutput = outputs
      $0.convolutionParam.pad = [pad]
      $0.convolutionParam.group = group
    }
    return (conv, addInPlace("ReLU", conv))
  }

  fileprivate mutating func fcReLU(
    _ bottom: String, outputs: UInt32
  ) -> (fc: String, relu: String) {
    let fc = add("InnerProduct", bottom) { $0.innerProductParam.numOutput = outputs }
    return (fc, addInPlace("ReLU", fc))
  }

  fileprivate mutating func maxPool(
    _ bottom: String, kernelSize: UInt32, stride: UInt32 = 1
  ) -> String {
    add("Pooling", bottom) {
      $0.poolingParam.pool = .max
      $0.poolingParam.kernelSize = kernelSize
      $0.poolingParam.stride = stride
    }
  }

  fileprivate mutating func lrn(
    _ bottom: String, localSize: UInt32, alpha: Float, beta: Float
  ) -> String {
    add("LRN", bottom) {
      $0.lrnParam.localSize = localSize
      $0.lrnParam.alpha = alpha
      $0.lrnParam.beta = beta
    }
  }
}
