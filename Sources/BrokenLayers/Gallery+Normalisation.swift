import Layers
import Tensors

extension BrokenLayer {
  private static let strong = LRNSpecification(localSize: 3, alpha: 1)

  static let normalisations = [
    BrokenLayer(
      "lrn-no-cross-term", strong, Shape(2, 6, 2, 2),
      bug: "each value is differentiated as if its divisor were a constant",
      code: "dy·s^−β    instead of    dy·s^−β − (2αβ/n)·x·Σ dy·y/s",
      expected: .wrongGradient(tensor: "input"),
      double: NoCrossTerm<Double>.self, float: NoCrossTerm<Float>.self),
    BrokenLayer(
      "lrn-no-cross-term-alexnet", LRNSpecification(localSize: 5, alpha: 1e-4, beta: 0.75),
      Shape(2, 6, 2, 2),
      bug: "the same with AlexNet's α of 0.0001, where the missing term is small",
      code: "dy·s^−β    instead of    dy·s^−β − (2αβ/n)·x·Σ dy·y/s",
      expected: .wrongGradient(tensor: "input"),
      double: NoCrossTerm<Double>.self, float: NoCrossTerm<Float>.self),
    BrokenLayer(
      "lrn-alpha-not-divided", strong, Shape(2, 6, 2, 2),
      bug: "the cross term has α where the forward pass has α/n",
      code: "2αβ    instead of    2αβ/n",
      expected: .wrongGradient(tensor: "input"),
      double: AlphaNotDivided<Double>.self, float: AlphaNotDivided<Float>.self),
    BrokenLayer(
      "lrn-two-forgotten", strong, Shape(2, 6, 2, 2),
      bug: "the cross term lacks the 2 of the square's derivative",
      code: "αβ/n    instead of    2αβ/n",
      expected: .wrongGradient(tensor: "input"),
      double: TwoForgotten<Double>.self, float: TwoForgotten<Float>.self),
    BrokenLayer(
      "lrn-one-side", strong, Shape(2, 6, 2, 2),
      bug: "the cross term is summed over the channels above only",
      code: "c' in c...c + n/2    instead of    c' in c − n/2...c + n/2",
      expected: .wrongGradient(tensor: "input"),
      double: NeighboursOnOneSide<Double>.self, float: NeighboursOnOneSide<Float>.self),
    BrokenLayer(
      "batch-norm-counts-one-less", NormalisationOverImagesSpecification(), Shape(5, 3),
      bug: "the variance is a mean over N images forwards, and over N − 1 backwards",
      code: "x̂·Σ(g·x̂)/(N − 1)    instead of    x̂·Σ(g·x̂)/N",
      expected: .wrongGradient(tensor: "input"),
      double: CountedOneLess<Double>.self, float: CountedOneLess<Float>.self),
  ]
}
