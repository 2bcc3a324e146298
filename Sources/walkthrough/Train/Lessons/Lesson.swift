import ArgumentParser
import Foundation
import Networks

/// Training runs that show one thing, side by side.
enum Lesson: String, CaseIterable, ExpressibleByArgument {
  case zeroWeights = "zero-weights"
  case learningRate = "learning-rate"
  case noMomentum = "no-momentum"
  case noLRN = "no-lrn"
  case noDropout = "no-dropout"
  case overfitOneBatch = "overfit-one-batch"
  case groupTwo = "group-two"
  case reluOrTanh = "relu-or-tanh"
  case sharpness

  /// What it is about, in a line.
  var title: String {
    switch self {
    case .zeroWeights: "Zero weights don't learn"
    case .learningRate: "The learning rate: too small, right, too large"
    case .noMomentum: "Without momentum"
    case .noLRN: "Without local response normalisation"
    case .noDropout: "Without dropout: overfitting"
    case .overfitOneBatch: "Overfit one batch first"
    case .groupTwo: "Two groups: what splitting the channels does"
    case .reluOrTanh: "ReLU or tanh: which learns faster"
    case .sharpness: "Sharpness: how large a rate a loss bears"
    }
  }

  /// Whether its runs are also tested on the pictures that they learnt from.
  var looksAtOwnPictures: Bool { self == .noDropout || self == .overfitOneBatch }

  /// Said before the runs.
  var explanation: String {
    switch self {
    case .zeroWeights:
      """
      caffenet.py names no fillers, so the network that it writes starts with every weight at 0. \
      All activations behind the first layer are then 0, so every weight's gradient, a product with an \
      activation, is 0 too; and no gradient passes back through weights that are 0. The scores are \
      equal, the loss starts at ln C (C classes: ln 1000 = 6.9078), and only the last bias ever \
      moves. It can learn how frequent the classes are, so the loss creeps down where only ten \
      labels of 1000 occur, and nothing about pictures. Random first weights break the tie.
      """
    case .learningRate:
      """
      The same network on the same batches with several learning rates. Too small, and each step \
      changes next to nothing. Too large, and a step overshoots the valley that it should walk \
      along: the loss jumps, stays near ln 10 = 2.303 (guessing among ten classes) or becomes \
      infinite. Look for the largest rate at which it still falls smoothly.
      """
    case .noMomentum:
      """
      With momentum m a step is this gradient's plus m times the last step: steps in a lasting \
      direction add up to 1/(1 − m) times the length, 10 times for 0.9, while directions that \
      change sign cancel. Without it the same learning rate walks much slower along the valley; \
      a larger rate can make up for it, as long as the valley is not too narrow.
      """
    case .noLRN:
      """
      Local response normalisation divides each activation by a function of its neighbours' \
      squares in the channels beside it (Krizhevsky et al. 2012, 3.3). With AlexNet's α = 10⁻⁴ \
      it should do little to activations around 1, and little be lost without it: later networks \
      left it out. With α = 1, Caffe's default for prototxts that name none, it should be felt.
      """
    case .noDropout:
      """
      Few pictures, learnt often. Dropout sets a fifth of the activations of fc6 and fc7 to 0 (in \
      AlexNet half), at random each time, so that no neuron can rely on another; without it the \
      network should learn its pictures by heart sooner. A loss that is smaller on these pictures \
      than on unseen ones is overfitting; both are taken with all neurons, since the loss of the \
      batches has some missing where there is dropout.
      """
    case .overfitOneBatch:
      """
      The sanity check before any long run: 32 pictures, the same batch over and over. A network \
      with 200,000 and more parameters must learn them by heart. If the loss doesn't go to 0, \
      something is broken: gradients, labels, learning rate. Passing proves no generalisation; \
      see the accuracy on unseen pictures.
      """
    case .groupTwo:
      """
      AlexNet was split over two GPUs: kernels of conv2, conv4 and conv5 see only half of the \
      channels below (`group: 2`), which halves their weights and work. In the paper's network \
      the halves of conv1 specialised: one in form, one in colour (figure 3). Have they here? In \
      the run without groups every kernel of conv2 sees all filters, so its halves can only \
      differ by chance. A run of seconds shows at most the beginning of what 90 epochs of \
      ImageNet do. Decided before the runs: of each run, two traits of conv1's filters (the share of \
      colour, and that of change from left to right) are compared between the halves, by dealing the \
      filters into halves 10,000 times; at a level of 0.05 for all four comparisons, each has to have \
      p ≤ 0.0125.
      """
    case .reluOrTanh:
      """
      Figure 1 of the paper: a network of four convolutions learned CIFAR-10 six times faster with \
      ReLUs than with hyperbolic tangents, each at the learning rate that suited it best and without \
      regularisation. Here it is mini on synthetic pictures, without dropout and weight decay, its \
      first weights drawn as suits the bend (He et al. for ReLUs, Xavier for tanh), with \(Self.rates.count) \
      rates and \(Self.seeds) seeds each. Half the loss of guessing is to be reached. Tanh is expected to \
      take longer, as it is flat where its input is large; the rule by which this counts as shown was \
      fixed before the runs.
      """
    case .sharpness: SharpnessLesson.explanation
    }
  }
}

extension Lesson {
  /// The learning rates and the number of seeds that ReLU and tanh are compared with.
  static let rates: [Float] = [0.005, 0.01, 0.02]
  static let seeds = 5
  /// The bends, the one that is expected to be faster first.
  static let bends: [(name: String, change: NetworkChange)] = [
    ("ReLU", .withoutDropout), ("tanh", .tanhWithoutDropout),
  ]

  /// One of the runs that are compared.
  struct Run {
    /// What sets it apart.
    var label: String
    var settings: TrainSettings
  }

  /// The runs: the smallest that show it, all of them together in less than a minute on two cores.
  ///
  /// - Parameter seed: where all of them start from; they differ in nothing but their labels. The lesson
  ///   on ReLU and tanh takes the seeds behind it, too, and some minutes.
  func runs(seed: UInt32) -> [Run] {
    func run(
      _ label: String, iterations: Int = 300, _ change: (inout TrainSettings) -> Void = { _ in }
    ) -> Run {
      var settings = TrainSettings(network: .mini)
      settings.seed = seed
      settings.iterations = iterations
      settings.images = 2000
      settings.testInterval = iterations / 4
      change(&settings)
      return Run(label: label, settings: settings)
    }
    switch self {
    case .zeroWeights:
      var settings = TrainSettings(network: .caffenet)
      settings.seed = seed
      settings.baseLearningRate = 0.01
      settings.batch = 8
      settings.iterations = 10
      settings.images = 80
      settings.testImages = 20
      settings.testInterval = 0
      settings.change = .zeroWeights
      return [Run(label: "caffenet.py as emitted", settings: settings)]
    case .learningRate:
      return [
        run("0.0001, too small") { $0.baseLearningRate = 0.0001 },
        run("\(TrainSettings(network: .mini).baseLearningRate), right"),
        run("0.05, too large") { $0.baseLearningRate = 0.05 },
        run("0.3, far too large") { $0.baseLearningRate = 0.3 },
      ]
    case .noMomentum:
      return [
        run("momentum 0.9"),
        run("no momentum") { $0.momentum = 0 },
        run("none, 10 times the rate") {
          $0.momentum = 0
          $0.baseLearningRate *= 10
        },
      ]
    case .noLRN:
      return [
        run("with LRN", iterations: 400),
        run("without LRN", iterations: 400) { $0.change = .withoutLRN },
        run("with α = 1", iterations: 400) { $0.change = .strongLRN },
      ]
    case .noDropout:
      return [
        run("with dropout", iterations: 400) { $0.images = 200 },
        run("without dropout", iterations: 400) {
          $0.images = 200
          $0.change = .withoutDropout
        },
      ]
    case .overfitOneBatch:
      return [
        run("one batch", iterations: 200) {
          $0.images = $0.batch
          $0.isAugmented = false
          $0.policy = .fixed
        }
      ]
    case .groupTwo:
      return [
        run("2 groups", iterations: 400),
        run("1 group", iterations: 400) { $0.change = .withoutGroups },
      ]
    case .reluOrTanh:
      return (0..<UInt32(Self.seeds)).flatMap { number in
        Self.bends.flatMap { bend in
          Self.rates.map { rate in
            run("\(bend.name), rate \(rate), seed \(seed &+ number)", iterations: 200) {
              $0.seed = seed &+ number
              $0.change = bend.change
              $0.baseLearningRate = rate
              $0.policy = .fixed
              $0.weightDecay = 0
              $0.testInterval = 0
            }
          }
        }
      }
    // It takes its steps itself: on one batch, in Double.
    case .sharpness: return []
    }
  }
}
