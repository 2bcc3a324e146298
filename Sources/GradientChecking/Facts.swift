import Layers
import Tensors

/// Numbers of a layer that a wrong gradient may be off by, for explanations.
public struct Facts: Sendable {
  /// A number and what it is.
  public struct Factor: Hashable, Sendable {
    /// For example `N, the images`.
    public let name: String
    /// For example 2.
    public let value: Double

    /// A number by name.
    public init(_ name: String, _ value: Double) {
      self.name = name
      self.value = value
    }
  }

  /// The numbers, the most likely first.
  public var factors: [Factor]
  /// Into how many groups the channels are split.
  public var groups: Int
  /// Into how many images of equal size the outputs are split; 1 where that is unknown.
  public var images: Int

  /// Numbers that are known of a layer.
  public init(factors: [Factor] = [], groups: Int = 1, images: Int = 1) {
    self.factors = factors
    self.groups = groups
    self.images = images
  }

  /// What a specification, its inputs and the labels of a loss tell.
  ///
  /// - Complexity: O(labels).
  public init(
    _ specification: any LayerSpecification, inputs: [Shape], labels: [Int] = []
  ) {
    let input = inputs.first ?? Shape()
    var factors = [Factor("N, the images", Double(input.images))]
    var groups = 1
    switch specification {
    case let convolution as ConvolutionSpecification:
      groups = convolution.group
      factors.append(Factor("the number of groups", Double(groups)))
      factors.append(Factor("the kernel's area", Double(convolution.kernel.area)))
    case let pooling as PoolingSpecification:
      factors.append(Factor("the window's area", Double(pooling.kernel(for: input).area)))
    case let lrn as LRNSpecification:
      factors.append(Factor("the local size n", Double(lrn.localSize)))
    case let dropout as DropoutSpecification:
      factors.append(Factor("1/(1 − ratio)", dropout.scale))
    case let relu as ReLUSpecification:
      factors.append(Factor("the negative slope", relu.negativeSlope))
    case let loss as SoftmaxWithLossSpecification:
      factors.append(Factor("the loss weight", loss.lossWeight))
      factors.append(Factor("N·positions", Double(input.images * input.spatialCount)))
    default: break
    }
    if let output = try? specification.outputShape(for: inputs), output.rank > 2 {
      factors.append(Factor("the output positions", Double(output.spatialCount)))
      factors.append(
        Factor("images × output positions", Double(input.images * output.spatialCount)))
    }
    factors.append(Factor("the channels", Double(input.channels)))
    if let loss = specification as? SoftmaxWithLossSpecification {
      let counted = labels.count { $0 != loss.ignoreLabel }
      factors.append(
        Factor(
          "the share of labels that count", Double(counted) / Double(max(labels.count, 1))))
    }
    self.factors = factors
    self.groups = groups
    images = max(input.images, 1)
  }
}
