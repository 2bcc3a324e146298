import Foundation
import Tensors
import Training

/// What one of a lesson's runs came to: all that its findings are computed from.
struct LessonOutcome {
  /// What set it apart.
  var label: String
  /// Losses and tests, up to the end or to where the loss was no number.
  var log = TrainingLog()
  /// The loss that was no number, and its iteration.
  var divergence: (loss: String, iteration: Int)?
  /// The number of classes.
  var classes = 10
  /// How many pictures it was tested on.
  var testImages = 500
  /// What the network makes of the pictures that it learnt from, looked at as in a test: the middle
  /// of each, with all neurons.
  var ownPictures: Score?
  /// All weights and biases.
  var parameterCount = 0
  /// Each parameter tensor's name, and whether it is another than at the start.
  var parameters: [(name: String, hasMoved: Bool)] = []
  /// What LRN layers did to their input in the last iteration.
  var normalisations: [NormalisationEffect] = []
  /// The first convolution's weights, K×3×H×W.
  var filters: Tensor<Float>?

  /// Mean loss, and the share of pictures that were recognised.
  struct Score {
    var loss: Double
    var accuracy: Double
  }

  /// The loss of guessing among the classes, ln C.
  var guess: Double { Foundation.log(Double(classes)) }

  /// The mean loss of the last batches; `nil` before there are so many.
  var lastLoss: Double? { meanLoss(endingAt: log.losses.count) }

  /// The last test.
  var test: Score? {
    log.tests.last.map { Score(loss: $0.loss, accuracy: $0.accuracy) }
  }

  /// How many batches a mean is taken over: single ones jump.
  static let window = 20

  /// The first iteration at which the mean loss of the last batches was no greater than this.
  func iteration(reaching loss: Double) -> Int? {
    (0...log.losses.count).first { (meanLoss(endingAt: $0) ?? .infinity) <= loss }
  }

  private func meanLoss(endingAt iteration: Int) -> Double? {
    let window = min(Self.window, log.losses.count)
    guard window > 0, iteration >= window else { return nil }
    return log.losses[iteration - window..<iteration].reduce(0) { $0 + Double($1) } / Double(window)
  }
}
