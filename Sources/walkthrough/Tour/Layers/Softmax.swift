import Foundation
import Layers
import Tensors

// The layers that look at the scores of the classes.

extension SoftmaxSpecification: LayerTour {
  var kind: String { "loss" }
  var readsScores: Bool { true }
  var lesson: CourseEntry? { .softmax }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    (self, [min(input.channels, 10)])
  }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let classes = input.channels
    return Explanation(
      summary: "Turns scores into probabilities: positive, with sum 1.",
      formula: Formula(
        "p[c] = e^x[c] / Σ_c'<\(classes) e^x[c'],  c < \(classes)",
        [
          "p": "the probability of class c", "x": "its score: larger scores, much larger powers",
          "Σ_c'": "over all classes, so that they add up to 1",
        ]),
      arithmetic: [Explanation.unchanged(input)],
      backward: "A score raises its own probability and lowers all others.",
      gradients: [
        Formula(
          "∂L/∂x[c] = p[c]·(∂L/∂p[c] − Σ_c'<\(classes) ∂L/∂p[c']·p[c'])",
          [
            "∂L/∂x": "the gradient by a score", "p": "a probability",
            "∂L/∂p": "what comes back to it", "Σ_c'": "over all classes",
          ])
      ])
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    var example = WorkedExample(at: position, of: pass.output.shape)
    example.byHand = example.addProbability(at: position, of: pass.input).own
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    guard pass.input.shape.spatialCount == 1 else { return nil }
    var example = WorkedExample("∂L/∂in", position: "class \(position)", output: [position])
    let p = softmax(pass.input.elements.map(Double.init))
    let factors = p.indices.map { (Double(upstream[$0]), p[$0]) }
    example.add(factors, ofBlocks: ("∂L/∂p", "p"), name: "class")
    let sum = example.byHand
    let own = (p[position], Double(upstream[position]))
    example.lastSteps.append(
      "\(Format.value(own.0))·(\(Format.value(own.1)) − \(WorkedExample.factor(sum)))")
    example.byHand = own.0 * (own.1 - sum)
    return example
  }
}

extension SoftmaxWithLossSpecification: LayerTour {
  var kind: String { "loss" }
  var readsScores: Bool { true }
  var isLive: Bool { lossWeight == 1 && ignoreLabel == nil }
  var lesson: CourseEntry? { .softmax }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    (self, [min(input.channels, 10)])
  }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let classes = input.channels
    let factor = lossWeight == 1 ? "" : Format.value(lossWeight) + "·("
    return Explanation(
      summary: "Turns the \(classes) scores into probabilities and takes the negative "
        + "logarithm of the true class's: small when the network is sure and right.",
      formula: Formula(
        "loss = −ln p[label],  p[c] = e^x[c] / Σ_c'<\(classes) e^x[c'],  c < \(classes)",
        [
          "loss": "averaged over the images",
          "ln": "0 for a probability of 1, and the more the smaller it is",
          "p": "softmax", "x": "a score", "Σ_c'": "over all classes",
        ]),
      arithmetic: ["one number for the whole batch"],
      backward: "Softmax and logarithm together leave p − 1 for the true class and p for each "
        + "other one. Learning goes against the gradient: it pushes the true score up and all others "
        + "down. Together these gradients are 0.",
      gradients: [
        Formula(
          "∂L/∂x[c] = \(factor)p[c] − [c = label]\(factor.isEmpty ? "" : ")")",
          [
            "∂L/∂x": "the gradient by a score", "p": "its probability",
            "label": "the true class: 1 there, 0 for each other one",
          ])
      ])
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    var example = WorkedExample(at: position, of: pass.output.shape)
    guard pass.label != ignoreLabel else {
      example.steps = ["label \(pass.label) is to be ignored: no loss"]
      return example
    }
    let (probability, rest) = example.addProbability(at: pass.label, of: pass.input)
    // As Caffe: no logarithm of a number that Float can't tell from 0.
    let least = Self.leastProbability
    if probability < least {
      example.steps.append("less than the least that counts, \(Format.value(least))")
      example.steps.append("loss = −ln \(Format.value(least))")
      example.byHand = -log(least)
    } else {
      example.steps.append(
        "loss = −ln "
          + (rest < 1e-3
            ? "(\(WorkedExample.probability(probability, rest)))"
            : Format.value(probability)))
      example.byHand = rest < 0.5 ? -log1p(-rest) : -log(probability)
      example.addPrecision(rest)
    }
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    guard pass.input.shape.spatialCount == 1 else { return nil }
    let label = pass.label
    var example = WorkedExample("∂L/∂in", position: "class \(position)", output: [position])
    guard label != ignoreLabel else {
      example.steps = ["label \(label) is to be ignored: no gradient"]
      return example
    }
    let p = softmax(pass.input.elements.map(Double.init))
    let target = position == label ? 1.0 : 0
    // All of ten classes; of a thousand the greatest, and the true one.
    var shown = Array(p.indices)
    if shown.count > 12 {
      let greatest = shown.sorted { p[$0] > p[$1] }.prefix(8)
      shown = Set(greatest + [label, position]).sorted()
    }
    func onehot(_ c: Int) -> Double { c == label ? 1 : 0 }
    example.tables = [
      .init(
        title: "p, 1 for the true class, and their difference",
        rows: shown.map { [p[$0], onehot($0), p[$0] - onehot($0)] },
        columnNames: ["p", "onehot", "p − onehot"],
        rowNames: shown.map { "class \($0)" },
        chosen: shown.firstIndex(of: position).map { [$0, 2] })
    ]
    if shown.count < p.count {
      let rest = p.indices.filter { !shown.contains($0) }.reduce(0) { $0 + p[$1] }
      example.steps.append(
        "the other \(p.count - shown.count) classes have p = \(Format.value(rest)) together")
    }
    let weight = Double(upstream.elements.first ?? 1)
    let rest = p.indices.reduce(0) { $0 + ($1 == position ? 0 : p[$1]) }
    example.steps.append(
      (rest < 1e-3
        ? "(\(WorkedExample.probability(p[position], rest)))" : Format.value(p[position]))
        + " − \(Format.value(target))"
        + (weight == 1 ? "" : ", times the loss's weight \(Format.value(weight))"))
    example.byHand = weight * (position == label ? -rest : p[position])
    if position == label { example.addPrecision(rest) }
    return example
  }
}

extension AccuracySpecification: LayerTour {
  var kind: String { "loss" }
  var readsScores: Bool { true }
  var lesson: CourseEntry? {
    CourseEntry(chapter: 10, title: "Accuracy", file: "Docs/10-Accuracy.md")
  }

  func settings(_ input: Shape) -> LayerReport.Settings { .init(topK: topK) }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    Explanation(
      summary: "Measures how often the true class is among the \(topK) highest scores.",
      formula: Formula(
        "right where fewer than \(topK) other classes score as high",
        ["right": "counted for each image", "fewer": "ties count against it"]),
      arithmetic: ["one number for the whole batch"],
      backward: "Nothing passes back: it isn't differentiated.")
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    var example = WorkedExample(at: position, of: pass.output.shape)
    let (input, label) = (pass.input, pass.label)
    guard label != ignoreLabel else {
      example.steps = ["label \(label) is to be ignored: nothing is measured"]
      return example
    }
    let rivals = (0..<input.count).count { $0 != label && input[$0] >= input[label] }
    let others = rivals == 1 ? "1 other class scores" : "\(rivals) other classes score"
    example.steps = [
      "\(others) at least as high as class \(label); right with fewer than \(topK)"
    ]
    example.byHand = rivals < topK ? 1 : 0
    return example
  }
}

extension CourseEntry {
  fileprivate static let softmax = CourseEntry(
    chapter: 9, title: "Softmax and loss", file: "Docs/09-SoftmaxAndLoss.md",
    exercise: "softmax-loss")
}

extension WorkedExample {
  /// Works out the probability of a class.
  ///
  /// - Returns: the probability, and that of all other classes together: of a probability that is almost
  ///   1, single precision and four digits keep little of what it lacks.
  fileprivate mutating func addProbability(
    at label: Int, of scores: Tensor<Float>
  ) -> (own: Double, others: Double) {
    let scores = scores.elements.map(Double.init)
    let maximum = scores.max() ?? 0
    let own = exp(scores[label] - maximum)
    let others = scores.indices.filter { $0 != label }.reduce(0) { $0 + exp(scores[$1] - maximum) }
    let (p, rest) = (own / (own + others), others / (own + others))
    steps += [
      "score of class \(label): \(Format.value(scores[label])), the highest: "
        + Format.value(maximum),
      "e^(\(Format.value(scores[label])) − \(Self.factor(maximum))) = \(Format.value(own)); of all "
        + "other classes together: \(Format.value(others))",
      "p[\(label)] = \(Format.value(own)) / (\(Format.value(own)) + \(Format.value(others))) = "
        + Self.probability(p, rest),
    ]
    return (p, rest)
  }

  /// A probability, given also what it lacks to 1.
  fileprivate static func probability(_ p: Double, _ rest: Double) -> String {
    rest < 1e-3 ? "1 − \(Format.value(rest))" : Format.value(p)
  }

  /// What is to be said where versions differ in few digits of a small number.
  fileprivate mutating func addPrecision(_ rest: Double) {
    guard rest < 1e-3, rest > 0 else { return }
    lastSteps.append(
      "single precision knows numbers just below 1 in steps of 6e-08: the versions have p − 1 to within "
        + Format.percent(min(6e-8 / rest, 1)))
  }
}
