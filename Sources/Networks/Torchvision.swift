import Layers

/// torchvision's AlexNet: the network of "One weird trick for parallelizing convolutional neural networks"
/// (Krizhevsky 2014, arXiv:1404.5997), whose trained weights are the ones most easily had today.
///
/// Other kernels than in 2012, no groups, no normalisation; pooling rounds down; an adaptive average pooling
/// lets it take images of other sizes than 224×224, from 63×63 on. Dropout stands before the inner products,
/// not behind them. The layers have the names of PyTorch's modules, so that `features.0` is the first
/// convolution. Weights and biases start as PyTorch starts them, uniform over ±1/√fan-in.
///
/// Source: torchvision's `models/alexnet.py`.
///
/// - Parameters:
///   - inputSize: rows and columns of an image.
///   - classes: the number of scores.
///   - includeAccuracy: whether an accuracy layer is added.
/// - Complexity: O(layers): no tensor is made.
public func torchvision(
  inputSize: Int = 224, classes: Int = 1000, includeAccuracy: Bool = false
) -> NetworkDefinition {
  var net = NetworkBuilder(
    name: "torchvision's AlexNet", channels: 3, height: inputSize, width: inputSize)
  var top = net.data

  /// PyTorch's first values: `kaiming_uniform_` with a = √5, which comes to this, for biases too.
  func parameters(fanIn: Int) -> [ParameterDefinition] {
    let bound = 1 / Double(fanIn).squareRoot()
    let parameter = ParameterDefinition(filler: .uniform(low: -bound, high: bound))
    return [parameter, parameter]
  }
  func convolution(
    _ number: Int, channels: Int, outputs: Int, kernel: Int, stride: Int = 1, pad: Int
  ) {
    top = net.add(
      "features.\(number)",
      ConvolutionSpecification(
        outputChannels: outputs, kernel: Extent(kernel), stride: Extent(stride), pad: Extent(pad)),
      top, parameters: parameters(fanIn: channels * kernel * kernel))
    top = net.relu("features.\(number + 1)", top)
  }
  func pool(_ number: Int) {
    top = net.add(
      "features.\(number)",
      PoolingSpecification(.maximum, kernel: 3, stride: 2, rounding: .floor), top)
  }
  func linear(_ number: Int, inputs: Int, outputs: Int) {
    top = net.add(
      "classifier.\(number)", InnerProductSpecification(outputs: outputs), top,
      parameters: parameters(fanIn: inputs))
  }

  convolution(0, channels: 3, outputs: 64, kernel: 11, stride: 4, pad: 2)
  pool(2)
  convolution(3, channels: 64, outputs: 192, kernel: 5, pad: 2)
  pool(5)
  convolution(6, channels: 192, outputs: 384, kernel: 3, pad: 1)
  convolution(8, channels: 384, outputs: 256, kernel: 3, pad: 1)
  convolution(10, channels: 256, outputs: 256, kernel: 3, pad: 1)
  pool(12)
  top = net.add("avgpool", AdaptiveAveragePoolingSpecification(output: 6), top)
  top = net.dropout("classifier.0", top)
  linear(1, inputs: 256 * 6 * 6, outputs: 4096)
  top = net.relu("classifier.2", top)
  top = net.dropout("classifier.3", top)
  linear(4, inputs: 4096, outputs: 4096)
  top = net.relu("classifier.5", top)
  linear(6, inputs: 4096, outputs: classes)
  if includeAccuracy { net.accuracy("accuracy", top) }
  net.softmaxWithLoss("loss", top)
  return net.definition
}
