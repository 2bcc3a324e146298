import BrokenLayers
import GradientChecking
import Testing

/// A failure has to teach: each bug of the gallery is named, or at least the place and the pattern
/// that lead to it.
@Suite struct GalleryCauses {
  /// What the explanation of each wrong gradient has to say.
  static let causes = [
    "conv-kernel-rotated": "rotated (by 180°) weights",
    "conv-kernel-transposed": "transposed: rows and columns",
    "conv-padding-offset": "shifted by -1 rows and -1 columns",
    "conv-border-skipped": "wrong only within 2 of the border",
    "conv-overlap-overwritten": "overwritten where it should be added to",
    "conv-dilation-forgotten": "right only at the kernel's first position",
    "conv-group-offset": "right in the first group of channels and wrong in the others",
    "conv-bias-last-image": "the sum over images is missing",
    "conv-bias-averaged": "lacks a factor of 9 (the kernel's area, or the output positions)",
    "relu-gated-by-gradient": "not linear in the output's gradient",
    "relu-slope-forgotten": "wrong exactly at the negative elements",
    "relu-both-sides-at-zero": "the derivatives of both sides are added up",
    "dropout-not-rescaled": "lacks a factor of 1.667 (1/(1 − ratio))",
    "dropout-new-mask": "another mask",
    "max-pool-shared": "the sum over each channel is right, its distribution is wrong",
    "max-pool-overwritten": "overwritten where it should be added to",
    "max-pool-every-tie": "given out more than once",
    "average-pool-area-clipped": "wrong only within 2 of the border",
    "average-pool-cut-window-lost": "wrong only within 2 of the border",
    "lrn-no-cross-term": "the cross term) is left out",
    "lrn-no-cross-term-alexnet": "the cross term) is left out",
    "lrn-alpha-not-divided": "has a factor of 3 (the local size n) too much",
    "lrn-two-forgotten": "lacks a factor of 2",
    "lrn-one-side": "neighbours before an element are missing",
    "inner-product-not-transposed": "transposed weights",
    "inner-product-averaged-twice": "lacks a factor of 3 (N, the images)",
    "inner-product-summed-in-float": "computed in lower precision somewhere",
    "inner-product-rounded-weights": "a straight-through gradient",
    "batch-norm-counts-one-less": "(N − 1 for N, for example)",
    "softmax-diagonal-only": "only the diagonal of the Jacobian",
    "loss-not-divided": "has a factor of 4 (N, the images",
    "loss-weight-forgotten": "lacks a factor of 0.3 (the loss weight)",
    "loss-ignored-label-leaks": "not 0 where the output doesn't depend on the element",
    "loss-divides-by-all": "a factor of 0.75 (the share of labels that count)",
    "loss-subtracts-everywhere": "off by the same amount",
  ]

  /// At five points each, so that no cause depends on a lucky one.
  @Test(arguments: BrokenLayer.gallery)
  func areNamed(_ member: BrokenLayer) throws {
    guard case .wrongGradient = member.expected else {
      // Broken rules name themselves.
      #expect(Self.causes[member.name] == nil)
      return
    }
    let cause = try #require(Self.causes[member.name])
    for seed in 1...5 {
      let report = try member.check(options: CheckOptions(seed: UInt64(seed)))
      let found = report.tensors.flatMap(\.causes)
      #expect(found.contains { $0.contains(cause) }, "seed \(seed): \(found)")
    }
  }
}
