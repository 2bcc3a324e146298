import Layers
import Tensors

extension BrokenLayer {
  static let innerProducts = [
    BrokenLayer(
      "inner-product-not-transposed", InnerProductSpecification(outputs: 6), Shape(2, 6),
      bug: "the input gradient multiplies by W instead of Wᵀ; W is square, so no shape objects",
      code: "dx[d] += dy[k] · w[d, k]    instead of    dx[d] += dy[k] · w[k, d]",
      expected: .wrongGradient(tensor: "input"),
      double: WeightsNotTransposed<Double>.self, float: WeightsNotTransposed<Float>.self),
    BrokenLayer(
      "inner-product-averaged-twice", InnerProductSpecification(outputs: 4), Shape(3, 5),
      bug:
        "the weight gradient is divided by the number of images, which the loss has done already",
      code: "dw += dy · x / N    instead of    dw += dy · x",
      expected: .wrongGradient(tensor: "weights"),
      double: AveragedTwice<Double>.self, float: AveragedTwice<Float>.self),
    BrokenLayer(
      "inner-product-summed-in-float", InnerProductSpecification(outputs: 4), Shape(6, 5),
      bug: "the weight gradient is summed in Float, whatever the layer's precision is",
      code: "var sum: Float = 0    instead of    var sum: Scalar = 0",
      expected: .wrongGradient(tensor: "weights"),
      double: SummedInFloat<Double>.self, float: SummedInFloat<Float>.self),
    BrokenLayer(
      "inner-product-rounded-weights", InnerProductSpecification(outputs: 4), Shape(3, 5),
      bug: "weights are rounded to 1/256 forwards, and their gradient is that of unrounded ones",
      code: "Σ_d round(256·w)/256 · in    instead of    Σ_d w · in",
      expected: .wrongGradient(tensor: "weights"),
      double: RoundedWeights<Double>.self, float: RoundedWeights<Float>.self),
  ]
}
