import Layers
import Networks

/// The layer of each of Caffe's cases, as its prototxt in `cases.json` describes it.
enum LayerCases {
  static let pooling: [String: PoolingSpecification] = [
    "max_35x35_k3_s2_p0": PoolingSpecification(.maximum, kernel: 3, stride: 2),
    "max_36x36_k3_s2_p0": PoolingSpecification(.maximum, kernel: 3, stride: 2),
    "max_36x36_k3_s2_p1": PoolingSpecification(.maximum, kernel: 3, stride: 2, pad: 1),
    "ave_36x36_k3_s2_p1": PoolingSpecification(.average, kernel: 3, stride: 2, pad: 1),
    "max_7x8_k2_s2_p1": PoolingSpecification(.maximum, kernel: 2, stride: 2, pad: 1),
    "ave_7x8_k2_s2_p1": PoolingSpecification(.average, kernel: 2, stride: 2, pad: 1),
    "max_rect": PoolingSpecification(
      .maximum, kernel: Extent(height: 3, width: 2), stride: Extent(height: 2, width: 1),
      pad: Extent(height: 1, width: 0)),
    "max_global": PoolingSpecification(global: .maximum),
    "max_defaults": PoolingSpecification(.maximum, kernel: 2),
    "max_ties": PoolingSpecification(.maximum, kernel: 3, stride: 2),
  ]

  static let lrn: [String: LRNSpecification] = [
    "defaults": LRNSpecification(),
    "caffenet": LRNSpecification(localSize: 5, alpha: 1e-4, beta: 0.75),
    "size3": LRNSpecification(localSize: 3, alpha: 0.5, beta: 0.5),
    "within3": LRNSpecification(localSize: 3, region: .withinChannel),
  ]

  static let convolution: [String: ConvolutionSpecification] = [
    "conv_conv1_like": ConvolutionSpecification(outputChannels: 6, kernel: 11, stride: 4),
    "conv_conv2_like": ConvolutionSpecification(outputChannels: 8, kernel: 5, pad: 2, group: 2),
    "conv_floor_division": ConvolutionSpecification(outputChannels: 4, kernel: 3, stride: 2),
    "conv_rect": ConvolutionSpecification(
      outputChannels: 4, kernel: Extent(height: 3, width: 2),
      stride: Extent(height: 1, width: 2), pad: Extent(height: 0, width: 1)),
    "conv_no_bias": ConvolutionSpecification(outputChannels: 4, kernel: 3, hasBias: false),
  ]

  static let innerProduct: [String: InnerProductSpecification] = [
    "ip_plain": InnerProductSpecification(outputs: 5),
    "ip_no_bias": InnerProductSpecification(outputs: 5, hasBias: false),
  ]

  static let softmaxWithLoss: [String: SoftmaxWithLossSpecification] = [
    "softmaxloss_default": SoftmaxWithLossSpecification(),
    "softmaxloss_full": SoftmaxWithLossSpecification(normalization: .full),
    "softmaxloss_weight3": SoftmaxWithLossSpecification(lossWeight: 3),
    "softmaxloss_ignore0": SoftmaxWithLossSpecification(ignoreLabel: 0),
    "softmaxloss_extreme": SoftmaxWithLossSpecification(),
  ]

  static let accuracy: [String: AccuracySpecification] = [
    "accuracy_top1_ties": AccuracySpecification(),
    "accuracy_top1": AccuracySpecification(),
    "accuracy_top5": AccuracySpecification(topK: 5),
    "accuracy_ignore": AccuracySpecification(ignoreLabel: 3),
  ]

  /// The layers without parameters that fall into no table above.
  static let others: [String: (specification: any SingleInputSpecification, phase: Phase)] = [
    "softmax": (SoftmaxSpecification(), .training),
    "relu": (ReLUSpecification(), .training),
    "dropout_test": (DropoutSpecification(), .testing),
    "dropout_train_half": (DropoutSpecification(), .training),
  ]
}
