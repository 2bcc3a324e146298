import Foundation
import Training

/// `train --json`: one JSON value a line, under names that programs rely on.
enum TrainingLines {
  /// An iteration.
  private struct Iteration: Encodable {
    var iteration: Int
    var loss: Float
    var learningRate: Float
    var imagesPerSecond: Double
  }

  /// A test.
  private struct Test: Encodable {
    var iteration: Int
    var testLoss: Double
    var testAccuracy: Double
  }

  /// The last line.
  private struct Final: Encodable {
    var final = true
    var iteration: Int
    var testAccuracy: Double
    var digest: String
  }

  /// The line of an event; `nil` for one that programs aren't told of.
  static func line(_ event: TrainingEvent) throws -> String? {
    switch event {
    case .iteration(let step):
      try JSON.compact(
        Iteration(
          iteration: step.iteration, loss: step.loss, learningRate: step.learningRate,
          imagesPerSecond: step.imagesPerSecond))
    case .test(let test):
      try JSON.compact(
        Test(iteration: test.iteration, testLoss: test.loss, testAccuracy: test.accuracy))
    case .snapshot:
      nil
    }
  }

  /// The last line of a finished run.
  static func line(_ report: TrainingReport) throws -> String {
    try JSON.compact(
      Final(
        iteration: report.iteration, testAccuracy: report.testAccuracy, digest: report.digest))
  }
}
