import Foundation
import Layers
import Tensors

// The layers that look at single values.

extension ReLUSpecification: LayerTour {
  var kind: String { "pointwise" }
  var isLive: Bool { negativeSlope == 0 }
  var lesson: CourseEntry? {
    CourseEntry(chapter: 4, title: "ReLU", file: "Docs/04-ReLU.md", exercise: "relu")
  }

  func settings(_ input: Shape) -> LayerReport.Settings { .init(negativeSlope: negativeSlope) }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    (self, [min(input.imageCount, 24)])
  }

  func kinksBetween(_ a: Tensor<Float>, _ b: Tensor<Float>) throws(LayerError) -> [Int] {
    (0..<a.count).filter { (a[$0] > 0) != (b[$0] > 0) }
  }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let slope = Format.value(negativeSlope)
    return Explanation(
      summary: "Keeps what is positive and sets the rest to 0, in the memory of its input. "
        + "Without a bend between them, two linear layers would be no more than one.",
      formula: Formula(
        negativeSlope == 0 ? "out = max(in, 0)" : "out = in ≥ 0 ? in : \(slope)·in",
        ["out": "the value, if it is positive", "in": "the value; the bend is at 0"]),
      arithmetic: [Explanation.unchanged(input)],
      backward: "The gradient passes where the output is positive and stops elsewhere.",
      gradients: [
        Formula(
          "∂L/∂in = in > 0 ? ∂L/∂out : " + (negativeSlope == 0 ? "0" : "\(slope)·∂L/∂out"),
          [
            "∂L/∂in": "the gradient by a value", "∂L/∂out": "what comes back to its output",
            "in": "the value; out > 0 exactly where in > 0",
          ])
      ])
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    let x = Double(pass.input[position])
    var example = WorkedExample(at: position, of: pass.output.shape)
    example.byHand = x < 0 ? negativeSlope * x + 0 : x
    example.steps = ["in = \(Format.value(x)), \(x < 0 ? "negative" : "not negative")"]
    example.window = .init(around: position, of: pass.input)
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    let (x, gradient) = (Double(pass.input[position]), Double(upstream[position]))
    var example = WorkedExample("∂L/∂in", at: position, of: pass.input.shape)
    example.byHand = x > 0 ? gradient : negativeSlope * gradient + 0
    example.steps = [
      "in = \(Format.value(x)), "
        + (x > 0
          ? "positive: ∂L/∂out = \(Format.value(gradient)) passes"
          : "not positive: ∂L/∂out = \(Format.value(gradient)) "
            + (negativeSlope == 0
              ? "stops" : "times \(Format.value(negativeSlope))"))
    ]
    return example
  }
}

extension DropoutSpecification: LayerTour {
  var kind: String { "pointwise" }
  var isLive: Bool { true }
  var countsZeros: Bool { false }
  var lesson: CourseEntry? {
    CourseEntry(
      chapter: 8, title: "Dropout", file: "Docs/08-Dropout.md", exercise: "dropout")
  }

  func settings(_ input: Shape) -> LayerReport.Settings { .init(ratio: ratio) }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    (self, [min(input.imageCount, 24)])
  }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let scale = Format.value(scale)
    let kept = "whether the value was kept: one random number for each"
    return Explanation(
      summary: "In training, sets each value to 0 with probability \(Format.value(ratio)) and "
        + "scales up the rest, so that no unit can rely on another; in testing it does nothing.",
      formula: Formula(
        "out = kept ? \(scale)·in : 0,  kept with probability \(Format.value(1 - ratio))",
        ["out": "the value, or 0", "kept": kept, "in": "the value, scaled up if it is kept"]),
      arithmetic: [Explanation.unchanged(input)],
      backward: "The gradient goes through the same mask and the same scale.",
      gradients: [
        Formula(
          "∂L/∂in = kept ? \(scale)·∂L/∂out : 0",
          [
            "∂L/∂in": "the gradient by a value", "kept": "the same mask as forwards",
            "∂L/∂out": "what comes back to its output",
          ])
      ])
  }

  /// The number drawn for a value, and whether it is kept.
  private func draw(_ position: Int, _ context: RunContext) -> (number: UInt32, keeps: Bool) {
    var random = context.random
    var number: UInt32 = 0
    for _ in 0...position { number = random.next() }
    return (number, number <= keepThreshold)
  }

  private func worked(
    _ value: Double, _ name: String, at position: Int, _ pass: LayerPass, _ example: WorkedExample
  ) -> WorkedExample {
    var example = example
    guard pass.context.phase == .training else {
      (example.steps, example.byHand) = (["nothing is dropped in testing"], value)
      return example
    }
    let (number, keeps) = draw(position, pass.context)
    let product = "\(Format.value(value))·\(Format.value(scale))"
    example.steps = [
      "draw \(number) \(keeps ? "≤" : ">") \(keepThreshold): "
        + (keeps ? "kept, \(product)" : "dropped")
    ]
    example.byHand = keeps ? value * scale : 0
    return example
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    var example = WorkedExample(at: position, of: pass.output.shape)
    example.window = .init(around: position, of: pass.input)
    return worked(Double(pass.input[position]), "in", at: position, pass, example)
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    worked(
      Double(upstream[position]), "∂L/∂out", at: position, pass,
      WorkedExample("∂L/∂in", at: position, of: pass.input.shape))
  }
}

// The two bends that were usual before ReLU.

extension SigmoidSpecification: LayerTour {
  var kind: String { "pointwise" }
  var lesson: CourseEntry? {
    CourseEntry(chapter: 4, title: "ReLU", file: "Docs/04-ReLU.md")
  }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    (self, [min(input.imageCount, 24)])
  }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    Explanation(
      summary: "Squashes each value to between 0 and 1. It is flat at both ends, where hardly any "
        + "gradient passes.",
      formula: Formula(
        "out = 1/(1 + e^(−in))", ["out": "between 0 and 1", "in": "the value"]),
      arithmetic: [Explanation.unchanged(input)],
      backward: "The gradient times out·(1 − out): at most a quarter of it passes.",
      gradients: [
        Formula(
          "∂L/∂in = ∂L/∂out·out·(1 − out)",
          [
            "∂L/∂in": "the gradient with respect to a value",
            "∂L/∂out": "what comes back to its output", "out": "its output",
          ])
      ])
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    let x = Double(pass.input[position])
    var example = WorkedExample(at: position, of: pass.output.shape)
    example.byHand = 1 / (1 + exp(-x))
    example.steps = ["1/(1 + e^(−(\(Format.value(x)))))"]
    example.window = .init(around: position, of: pass.input)
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    let (y, gradient) = (Double(pass.output[position]), Double(upstream[position]))
    var example = WorkedExample("∂L/∂in", at: position, of: pass.input.shape)
    example.byHand = gradient * y * (1 - y)
    let value = Format.value(y)
    example.steps = ["\(Format.value(gradient))·\(value)·(1 − \(value))"]
    return example
  }
}

extension TanHSpecification: LayerTour {
  var kind: String { "pointwise" }
  var lesson: CourseEntry? {
    CourseEntry(chapter: 4, title: "ReLU", file: "Docs/04-ReLU.md")
  }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    (self, [min(input.imageCount, 24)])
  }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    Explanation(
      summary: "Squashes each value to between −1 and 1. It is flat at both ends, where hardly any "
        + "gradient passes.",
      formula: Formula("out = tanh(in)", ["out": "between −1 and 1", "in": "the value"]),
      arithmetic: [Explanation.unchanged(input)],
      backward:
        "The gradient times 1 − out²: all of it passes at 0, hardly any where out is near ±1.",
      gradients: [
        Formula(
          "∂L/∂in = ∂L/∂out·(1 − out²)",
          [
            "∂L/∂in": "the gradient with respect to a value",
            "∂L/∂out": "what comes back to its output", "out": "its output",
          ])
      ])
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    let x = Double(pass.input[position])
    var example = WorkedExample(at: position, of: pass.output.shape)
    example.byHand = tanh(x)
    example.steps = ["tanh(\(Format.value(x)))"]
    example.window = .init(around: position, of: pass.input)
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    let (y, gradient) = (Double(pass.output[position]), Double(upstream[position]))
    var example = WorkedExample("∂L/∂in", at: position, of: pass.input.shape)
    example.byHand = gradient * (1 - y * y)
    example.steps = ["\(Format.value(gradient))·(1 − (\(Format.value(y)))²)"]
    return example
  }
}
