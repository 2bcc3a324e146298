import Layers
import Tensors

extension BrokenLayer {
  static let pointwise = [
    BrokenLayer(
      "relu-gated-by-gradient", ReLUSpecification(), Shape(2, 3, 3, 3),
      bug: "the gradient passes where the gradient is positive, instead of the input",
      code: "dy > 0 ? dy : 0    instead of    x > 0 ? dy : 0",
      expected: .wrongGradient(tensor: "input"),
      double: GatedByGradient<Double>.self, float: GatedByGradient<Float>.self),
    BrokenLayer(
      "relu-slope-forgotten", ReLUSpecification(negativeSlope: 0.1), Shape(2, 3, 3, 3),
      bug: "the forward pass is leaky, the backward pass isn't",
      code: "x > 0 ? dy : 0    instead of    x > 0 ? dy : slope·dy",
      expected: .wrongGradient(tensor: "input"),
      double: SlopeForgotten<Double>.self, float: SlopeForgotten<Float>.self),
    BrokenLayer(
      "relu-both-sides-at-zero", ReLUSpecification(negativeSlope: 0.25), Shape(2, 3, 3, 3),
      at: .integers,
      bug: "at exactly 0 both branches are taken: 1.25, where only 0.25 to 1 can be defended",
      code: "if x >= 0 { dx += dy }; if x <= 0 { dx += slope·dy }",
      expected: .wrongGradient(tensor: "input"),
      double: BothSidesAtZero<Double>.self, float: BothSidesAtZero<Float>.self),
    BrokenLayer(
      "relu-reads-overwritten-input", ReLUSpecification(negativeSlope: -0.5), Shape(2, 3, 3, 3),
      bug: "in place, the backward pass takes the output for the input that it has overwritten",
      code: "y > 0 ? dy : slope·dy    where slope < 0 has made a positive y of a negative x",
      expected: .brokenRule(.inPlaceMatches),
      double: ReadsOverwrittenInput<Double>.self, float: ReadsOverwrittenInput<Float>.self),
    BrokenLayer(
      "dropout-not-rescaled", DropoutSpecification(ratio: 0.4), Shape(3, 20),
      bug: "the forward pass divides by 1 − ratio, the backward pass doesn't",
      code: "mask ? dy : 0    instead of    mask ? dy/(1 − ratio) : 0",
      expected: .wrongGradient(tensor: "input"),
      double: MaskNotRescaled<Double>.self, float: MaskNotRescaled<Float>.self),
    BrokenLayer(
      "dropout-new-mask", DropoutSpecification(), Shape(3, 20),
      bug: "the backward pass draws a mask of its own",
      code: "random() <= threshold ? dy/(1 − ratio) : 0    instead of the saved mask",
      expected: .wrongGradient(tensor: "input"),
      double: NewMask<Double>.self, float: NewMask<Float>.self),
    BrokenLayer(
      "dropout-unseeded", DropoutSpecification(), Shape(3, 30),
      bug: "the mask comes from the system's random numbers: the same seed gives another output",
      code: "SystemRandomNumberGenerator()    instead of    context.random",
      expected: .brokenRule(.isFunctionOfInputAndSeed),
      double: Unseeded<Double>.self, float: Unseeded<Float>.self),
  ]
}
