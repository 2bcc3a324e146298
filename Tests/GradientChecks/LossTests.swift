import GradientChecking
import Layers
import Tensors
import Testing

@Suite struct SoftmaxWithLossGradients {
  typealias Specification = SoftmaxWithLossSpecification

  struct Case: Sendable {
    var title: String
    var specification: Specification
    var scores: Shape
    var labels: [Int]
    var factor = 1.0
  }

  static let vectors = Specification.Normalization.allCases.map {
    Case(
      title: "\($0)", specification: Specification(normalization: $0), scores: Shape(4, 6),
      labels: [0, 5, 2, 2])
  }
  static let images = Specification.Normalization.allCases.map {
    Case(
      title: "\($0) at each position, one ignored",
      specification: Specification(normalization: $0, ignoreLabel: 1, lossWeight: 0.3),
      scores: Shape(2, 3, 2, 2), labels: [0, 1, 2, 2, 1, 1, 0, 2])
  }
  static let special = [
    Case(
      title: "ignored label beyond the classes", specification: Specification(ignoreLabel: 255),
      scores: Shape(3, 4), labels: [3, 255, 0]),
    Case(
      title: "all ignored", specification: Specification(ignoreLabel: 0), scores: Shape(2, 3),
      labels: [0, 0]),
    Case(
      title: "negative weight", specification: Specification(lossWeight: -2), scores: Shape(2, 5),
      labels: [4, 1]),
    Case(
      title: "confident", specification: Specification(), scores: Shape(4, 6),
      labels: [0, 5, 2, 2], factor: 6),
  ]

  @Test func areRight() throws {
    for backend in versions {
      var summary = Summary(version: backend.name)
      for entry in Self.vectors + Self.images + Self.special {
        var generator = SplitMix64(seed: 7)
        let report = try check(
          backend.softmaxWithLoss(entry.specification), input: entry.scores,
          labels: entry.labels,
          at: .normal(entry.scores, deviation: entry.factor, using: &generator),
          exact: exactVersion.softmaxWithLoss(entry.specification), version: backend.name)
        let passed = report.passed
        #expect(passed, "\(entry.title):\n\(report.explanation)")
        for tensor in report.tensors {
          // Against extrapolated quotients, the project's goal for smooth layers. A loss is one
          // number, whose last digit is all that a small score can move: the bar knows.
          #expect(tensor.worstRelativeError <= 1e-9, "\(entry.title)")
          #expect(tensor.dualRelativeError ?? 0 <= 1e-12, "\(entry.title)")
          summary.add(tensor)
        }
      }
      print(summary.line)
    }
  }
}
