import Foundation
import Layers
import Networks
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

/// What a lesson's runs showed, computed from their results.
struct LessonFinding: Equatable {
  /// What was measured.
  var measurement: String
  /// Whether it is what the lesson's explanation leads to expect; `nil` where that is left open.
  var isExpected: Bool?

  /// What a reader makes of it.
  var verdict: String? {
    isExpected.map {
      $0
        ? "As expected."
        : "Not as expected: a short run with one seed needn't show it; try another --seed."
    }
  }
}

/// What a layer of local response normalisation did to its input.
struct NormalisationEffect: Equatable {
  /// The layer's name.
  var layer: String
  /// The root mean square of its input.
  var size: Double
  /// What it divided by: in the mean of all values that aren't 0, weighted by their size, and the
  /// most.
  var meanDivisor: Double
  var greatestDivisor: Double

  /// Compares what went into a layer with what came out.
  init(layer: String, input: Tensor<Float>, output: Tensor<Float>) {
    self.layer = layer
    var (sizes, normalised, greatest) = (0.0, 0.0, 1.0)
    for (before, after) in zip(input.elements, output.elements) where after != 0 {
      sizes += Double(abs(before))
      normalised += Double(abs(after))
      greatest = max(greatest, Double(before / after))
    }
    size = (input.squaredNorm / Double(max(input.count, 1))).squareRoot()
    meanDivisor = normalised == 0 ? 1 : sizes / normalised
    greatestDivisor = greatest
  }

  /// The effects of a network's LRN layers in its last forward pass.
  static func all(in network: Network<Float>) -> [NormalisationEffect] {
    network.definition.layers.compactMap { layer in
      guard layer.specification is LRNSpecification, let bottom = layer.bottoms.first,
        let input = network.blob(bottom), let output = network.blob(layer.top)
      else { return nil }
      return NormalisationEffect(layer: layer.name, input: input, output: output)
    }
  }
}
