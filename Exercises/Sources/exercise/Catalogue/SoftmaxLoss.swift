import Exercises
import GradientChecking
import Layers
import Reference
import Tensors

extension Exercise {
  static let softmaxLoss = Exercise(
    name: "softmax-loss",
    title: "softmax with the logarithmic loss, safe for great scores",
    file: "SoftmaxLoss.swift",
    chapter: "Docs/09-SoftmaxAndLoss.md",
    twin: "Sources/Reference/SoftmaxWithLoss.swift",
    difference: """
      Reference also leaves out images with an ignored label, and bounds the logarithm below as \
      Caffe does.
      """,
    hints: [
      """
      One image after the other: first its greatest score, then e^(x − greatest) for each class and \
      their sum, then each divided by the sum.
      """,
      """
      The loss of an image is −log of one probability only: that of class labels[n]. Add them up, \
      divide by the number of images at the end.
      """,
      """
      Gradient: log p[label] = x[label] − log Σ e^x. The derivative of the first term is 1 for the \
      true class and 0 for the others; that of the second is p. So ∂L/∂x[n,c] = ∂L/∂loss · \
      (p[n,c] − [c = label[n]]) / N, where [c = label[n]] is 1 for the true class.
      """,
      """
      Backward needs no exponential: the probabilities were kept. Subtract 1 from that of the true \
      class, divide all of them by N, and multiply by outputGradient[0].
      """,
    ],
    parts: [
      Part(name: "forward", check: losses),
      Part(name: "gradient", check: lossGradient),
    ], times: times)

  private static func times() throws -> Times {
    let labels = (0..<64).map { $0 % 10 }
    let (scores, context) = (scores(10, labels, 1), RunContext(labels: labels))
    func run<L: SingleInputLayer<Double>>(_ layer: L) throws {
      let forward = try layer.forward(scores, context: context)
      _ = try layer.backward(forward.output, input: scores, after: forward)
    }
    return try Times(
      "both passes, 64 images and 10 classes", mine: { try run(mine) }, twin: { try run(twin) })
  }

  private static let mine = Exercises.SoftmaxLoss<Double>()
  private static let twin = Reference.SoftmaxWithLoss<Double>(SoftmaxWithLossSpecification())
  private static let lossCases = [
    (classes: 6, labels: [0, 5, 2, 2], factor: 1.0), (10, [3], 1.0), (4, [1, 0, 3], 5.0),
    (3, [2, 1], 1000.0),
  ]

  private static func scores(_ classes: Int, _ labels: [Int], _ factor: Double) -> Tensor<Double> {
    var generator = SplitMix64(seed: 1)
    return .normal(Shape(labels.count, classes), deviation: factor, using: &generator)
  }

  private static func losses() throws -> Finding {
    for (classes, labels, factor) in lossCases {
      let scores = scores(classes, labels, factor)
      let description = "\(labels.count) images, \(classes) classes, scores of size \(factor)"
      let context = RunContext(labels: labels)
      let mineForward = try mine.forward(scores, context: context)
      let forward = try twin.forward(scores, context: context)
      let (mineSaved, saved) = (mineForward.saved.probabilities, forward.saved.probabilities)
      let (mineLoss, loss) = (mineForward.output[0], forward.output[0])
      // The loss first while nothing overflows; it leads straight to the mistake.
      let probabilities = Comparison(
        name: "p", mine: mineSaved, right: saved, terms: classes)
      if let failure = probabilities.failure(on: description) { return .wrong(failure) }
      // Where a probability rounds to 0, its logarithm is a convention that the exercise leaves out.
      guard zip(labels, 0...).allSatisfy({ saved[$1 * classes + $0] > 0x1p-126 }) else { continue }
      let terms = labels.count
      func mistake(_ name: String, _ factor: Double) -> Comparison.Mistake {
        Comparison.Mistake(name: name, result: Tensor(Shape(1), [loss * factor]))
      }
      let comparison = Comparison(
        name: "the loss", mine: Tensor(Shape(1), [mineLoss]), right: Tensor(Shape(1), [loss]),
        terms: terms + classes,
        mistakes: [
          mistake("the sign: log of a probability is negative, the loss is not", -1),
          mistake("the sum is not divided by the \(terms) images", Double(terms)),
          mistake("divided by N twice", 1 / Double(terms)),
          mistake("divided by the classes, not by the images", Double(terms) / Double(classes)),
        ])
      if let failure = comparison.failure(on: description) { return .wrong(failure) }
    }
    return .right("the same as Reference.SoftmaxWithLoss, in \(lossCases.count) cases")
  }

  private static func lossGradient() throws -> Finding {
    var checked = 0
    var worst = 0.0
    // At scores of size 1000 the loss is flat but for steps at which finite differences say nothing.
    for (classes, labels, factor) in lossCases.dropLast() {
      let report = try check(
        mine, input: Shape(labels.count, classes), labels: labels,
        at: scores(classes, labels, factor),
        exact: Reference.SoftmaxWithLoss<Dual<Double>>(SoftmaxWithLossSpecification()),
        version: "yours")
      guard report.passed else {
        return .wrong([
          report.explanation,
          "  case: \(labels.count) images, \(classes) classes, scores of size \(factor)",
        ])
      }
      checked += report.tensors.reduce(0) { $0 + $1.checked }
      worst = report.tensors.reduce(worst) { max($0, $1.worstRelativeError) }
    }
    return .right(
      "\(checked) elements by finite differences and dual numbers, off by \(short(worst))")
  }
}
