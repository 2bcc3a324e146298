/// AlexNet as Caffe's `models/bvlc_alexnet/train_val.prototxt` has it.
///
/// It differs from CaffeNet in two things: it normalises before it pools, as the paper does, so
/// that LRN works on 55×55 and 27×27 positions a channel instead of 27×27 and 13×13; and its biases
/// start at 0.1 instead of 1.
///
/// - Parameters:
///   - inputSize: rows and columns of an image.
///   - classes: the number of scores.
///   - includeAccuracy: whether an accuracy layer is added.
/// - Complexity: O(layers): no tensor is made.
public func alexnet(
  inputSize: Int = 227, classes: Int = 1000, includeAccuracy: Bool = false
) -> NetworkDefinition {
  let normal = Filler.gaussian(deviation: 0.01)
  let narrow = Filler.gaussian(deviation: 0.005)
  var net = NetworkBuilder(name: "AlexNet", channels: 3, height: inputSize, width: inputSize)

  let relu1 = net.convolutionReLU(
    "1", net.data, kernel: 11, outputs: 96, stride: 4, weights: normal, bias: 0)
  let norm1 = net.lrn("norm1", relu1, localSize: 5, alpha: 1e-4, beta: 0.75)
  let pool1 = net.maxPool("pool1", norm1, kernel: 3, stride: 2)
  let relu2 = net.convolutionReLU(
    "2", pool1, kernel: 5, outputs: 256, pad: 2, group: 2, weights: normal, bias: 0.1)
  let norm2 = net.lrn("norm2", relu2, localSize: 5, alpha: 1e-4, beta: 0.75)
  let pool2 = net.maxPool("pool2", norm2, kernel: 3, stride: 2)
  let relu3 = net.convolutionReLU(
    "3", pool2, kernel: 3, outputs: 384, pad: 1, weights: normal, bias: 0)
  let relu4 = net.convolutionReLU(
    "4", relu3, kernel: 3, outputs: 384, pad: 1, group: 2, weights: normal, bias: 0.1)
  let relu5 = net.convolutionReLU(
    "5", relu4, kernel: 3, outputs: 256, pad: 1, group: 2, weights: normal, bias: 0.1)
  let pool5 = net.maxPool("pool5", relu5, kernel: 3, stride: 2)
  let relu6 = net.fullyConnectedReLU("6", pool5, outputs: 4096, weights: narrow, bias: 0.1)
  let drop6 = net.dropout("drop6", relu6)
  let relu7 = net.fullyConnectedReLU("7", drop6, outputs: 4096, weights: narrow, bias: 0.1)
  let drop7 = net.dropout("drop7", relu7)
  let fc8 = net.fullyConnected("fc8", drop7, outputs: classes, weights: normal, bias: 0)
  if includeAccuracy { net.accuracy("accuracy", fc8) }
  net.softmaxWithLoss("loss", fc8)
  return net.definition
}
