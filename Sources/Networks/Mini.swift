/// CaffeNet's topology at a quarter of its width, for images of 99×99: it trains in seconds.
///
/// Its shape row is 99→23→11→5→2, every division exact as CaffeNet's are. From conv2 on the fillers
/// keep the size of the activations from layer to layer (He et al. 2015), so that no long warm-up is
/// needed. Pixels are expected at a deviation of about 1: scale them by `miniPixelScale`.
///
/// - Parameters:
///   - inputSize: rows and columns of an image.
///   - classes: the number of scores.
///   - includeAccuracy: whether an accuracy layer is added.
/// - Complexity: O(layers): no tensor is made.
public func mini(
  inputSize: Int = 99, classes: Int = 10, includeAccuracy: Bool = false
) -> NetworkDefinition {
  var net = NetworkBuilder(name: "mini", channels: 3, height: inputSize, width: inputSize)

  // A fifteenth of what He et al. propose: training adds to the first weights and hardly takes them
  // away, and noise of that size would hide the filters that form.
  let relu1 = net.convolutionReLU(
    "1", net.data, kernel: 11, outputs: 24, stride: 4, weights: .gaussian(deviation: 0.005),
    bias: 0)
  let pool1 = net.maxPool("pool1", relu1, kernel: 3, stride: 2)
  let norm1 = net.lrn("norm1", pool1, localSize: 5, alpha: 1e-4, beta: 0.75)
  let relu2 = net.convolutionReLU(
    "2", norm1, kernel: 5, outputs: 64, pad: 2, group: 2, weights: .msra(), bias: 0)
  let pool2 = net.maxPool("pool2", relu2, kernel: 3, stride: 2)
  let norm2 = net.lrn("norm2", pool2, localSize: 5, alpha: 1e-4, beta: 0.75)
  let relu3 = net.convolutionReLU(
    "3", norm2, kernel: 3, outputs: 96, pad: 1, weights: .msra(), bias: 0)
  let relu4 = net.convolutionReLU(
    "4", relu3, kernel: 3, outputs: 96, pad: 1, group: 2, weights: .msra(), bias: 0)
  let relu5 = net.convolutionReLU(
    "5", relu4, kernel: 3, outputs: 64, pad: 1, group: 2, weights: .msra(), bias: 0)
  let pool5 = net.maxPool("pool5", relu5, kernel: 3, stride: 2)
  let relu6 = net.fullyConnectedReLU("6", pool5, outputs: 128, weights: .msra(), bias: 0)
  let drop6 = net.dropout("drop6", relu6, ratio: 0.2)
  let relu7 = net.fullyConnectedReLU("7", drop6, outputs: 128, weights: .msra(), bias: 0)
  let drop7 = net.dropout("drop7", relu7, ratio: 0.2)
  let fc8 = net.fullyConnected(
    "fc8", drop7, outputs: classes, weights: .gaussian(deviation: 0.01), bias: 0)
  if includeAccuracy { net.accuracy("accuracy", fc8) }
  net.softmaxWithLoss("loss", fc8)
  return net.definition
}

/// What brings pixels from 0 to 255, less their mean, to the deviation that `mini` expects.
public let miniPixelScale: Float = 1 / 64
