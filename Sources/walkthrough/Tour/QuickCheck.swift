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
    guard let small = layer.specification.tour.small(summary.input) else { return nil }
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
