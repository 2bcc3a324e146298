import GradientChecking
import Layers
import Networks
import Tensors

/// A gradient check that costs milliseconds: of a small layer with the hyper-parameters that a
/// gradient can get wrong (kernel, stride, pad, groups, normalisation), but few channels.
///
/// `walkthrough check` checks the layers as they are.
struct QuickCheck {
  private let definition: NetworkDefinition
  private let seed: UInt32

  /// How many elements of each tensor are compared with difference quotients.
  private static let samples = 24

  /// A check of a layer's small sibling; `nil` for a layer without a gradient.
  init?(_ layer: LayerDefinition, _ summary: NetworkPlan.Layer, seed: UInt32) {
    guard let small = layer.specification.small(summary.input) else { return nil }
    var sibling = layer
    sibling.specification = small.specification
    sibling.bottoms = small.specification.takesLabels ? ["data", "label"] : ["data"]
    sibling.top = "top"
    sibling.probabilities = nil
    definition = NetworkDefinition(
      name: layer.name, imageShape: small.imageShape, layers: [sibling])
    self.seed = seed
  }

  /// What was checked, for a reader.
  struct Result {
    var report: GradientReport
    var subject: String
  }

  /// Checks Reference and Fast.
  ///
  /// - Throws: `LayerError` for an impossible layer.
  func run(_ progress: Progress) throws -> Result {
    let check = NetworkLayersCheck(
      definition: definition, versions: [.reference, .fast], mode: .sampled(Self.samples),
      seed: UInt64(seed), progress: progress)
    let shape = Format.extents(definition.imageShape)
    return Result(
      report: try check.run(),
      subject: "a small layer of the same settings on two inputs of \(shape)")
  }
}

extension LayerReport {
  /// Takes in what a gradient check has found, if there was one.
  mutating func check(_ result: QuickCheck.Result?, isDeterministic: Bool) {
    guard let result else { return }
    checkedOn = result.subject
    checks = result.report.tensors.map { tensor in
      Check(
        version: tensor.version, tensor: tensor.tensor, elements: tensor.checked,
        directions: tensor.directions, passed: tensor.passed && result.report.violations.isEmpty,
        relativeError: isDeterministic ? nil : tensor.worstRelativeError,
        errorOverBar: isDeterministic ? nil : tensor.worstErrorOverBar)
    }
  }
}

extension LayerSpecification {
  /// This operation on few channels, and the extents of an input for it; `nil` where there is no
  /// gradient.
  fileprivate func small(_ input: Shape) -> (
    specification: any LayerSpecification, imageShape: [Int]
  )? {
    func side(_ size: Int, _ window: Int, _ stride: Int) -> Int { min(size, window + 2 * stride) }
    func plane(_ window: Extent, _ stride: Extent) -> [Int] {
      [
        side(input.height, window.height, stride.height),
        side(input.width, window.width, stride.width),
      ]
    }
    switch self {
    case var specification as ConvolutionSpecification:
      let group = specification.group
      let channels = min(input.channels / group, 3) * group
      specification.outputChannels = min(specification.outputChannels / group, 2) * group
      return (
        specification, [channels] + plane(specification.span, specification.stride)
      )
    case let specification as PoolingSpecification:
      return (
        self,
        [min(input.channels, 2)]
          + plane(specification.kernel(for: input), specification.stride)
      )
    case let specification as LRNSpecification:
      let isAcross = specification.region == .acrossChannels
      let window = Extent(isAcross ? 1 : specification.localSize)
      return (
        self,
        [min(input.channels, isAcross ? specification.localSize + 2 : 2)] + plane(window, 1)
      )
    case var specification as InnerProductSpecification:
      specification.outputs = min(specification.outputs, 6)
      return (specification, [min(input.imageCount, 24)])
    case is ReLUSpecification, is DropoutSpecification:
      return (self, [min(input.imageCount, 24)])
    case is SoftmaxSpecification, is SoftmaxWithLossSpecification:
      return (self, [min(input.channels, 10)])
    default:
      return nil
    }
  }
}
