import Networks

extension Lesson {
  /// One of the runs that are compared.
  struct Run {
    /// What sets it apart.
    var label: String
    var settings: TrainSettings
  }

  /// The runs: the smallest that show it, all of them together in less than a minute on two cores.
  ///
  /// - Parameter seed: where all of them start from; they differ in nothing but their labels.
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
    }
  }
}
