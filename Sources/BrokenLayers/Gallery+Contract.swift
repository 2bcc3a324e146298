import Layers
import Tensors

extension BrokenLayer {
  static let contracts = [
    BrokenLayer(
      "conv-always-accumulates", ConvolutionSpecification(outputChannels: 2, kernel: 3),
      Shape(2, 2, 4, 4),
      bug: "parameter gradients are added to what was there although they should be overwritten",
      code: "dw += …    without    dw = 0    before", expected: .brokenRule(.overwritesGradients),
      double: AlwaysAccumulates<Double>.self, float: AlwaysAccumulates<Float>.self),
    BrokenLayer(
      "inner-product-never-accumulates", InnerProductSpecification(outputs: 3), Shape(3, 4),
      bug: "parameter gradients are overwritten although they should be added to what was there",
      code: "dw = 0; dw += …    also when accumulating",
      expected: .brokenRule(.accumulatesWhenAsked),
      double: NeverAccumulates<Double>.self, float: NeverAccumulates<Float>.self),
    BrokenLayer(
      "inner-product-returns-early", InnerProductSpecification(outputs: 3), Shape(3, 4),
      bug: "when nobody needs the input's gradient, the bias gradient is left out",
      code: "guard inputGradient != nil else { return }    before the bias",
      expected: .brokenRule(.workWithoutInputGradient),
      double: ReturnsEarly<Double>.self, float: ReturnsEarly<Float>.self),
    BrokenLayer(
      "inner-product-unordered-sum", InnerProductSpecification(outputs: 16), Shape(9, 3),
      bug: "the bias gradient is summed in another order on every run, as racing threads do",
      code: "for n in images.shuffled()    instead of    for n in images",
      expected: .brokenRule(.backwardIsDeterministic),
      double: UnorderedSum<Double>.self, float: UnorderedSum<Float>.self),
    BrokenLayer(
      "inner-product-output-accumulates", InnerProductSpecification(outputs: 3), Shape(3, 4),
      bug: "the forward pass adds to the output's memory instead of overwriting it",
      code: "y += w · x    without    y = b    before", expected: .brokenRule(.overwritesOutput),
      double: OutputAccumulates<Double>.self, float: OutputAccumulates<Float>.self),
  ]
}
