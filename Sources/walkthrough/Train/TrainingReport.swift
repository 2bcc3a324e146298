import Datasets
import Networks
import Tensors
import Training

/// A training run at its end: everything that its pages, charts and tables show.
struct TrainingReport: Encodable {
  /// The network's name.
  var network: String
  /// What the run was asked to do.
  var settings: TrainSettings
  /// The pictures that it was tested on.
  var testSet: TestSet
  /// What the labels stand for, by label.
  var classNames: [String]
  /// How many iterations were taken.
  var iteration: Int
  /// The loss of each iteration on its own batch.
  var losses: [Float]
  /// The tests, oldest first.
  var tests: [Test]
  /// The share of test images whose class had the highest score; between 0 and 1.
  var testAccuracy: Double
  /// The parameters' digest.
  var digest: String
  /// Test images by their class (row) and the class with the highest score (column).
  var confusion: [[Int]]
  /// The size of a step against that of the weights, early, midway and at the end.
  var updateRatios: [UpdateRatios]
  /// The first layer's filters, in colour, at the start and at the end; empty where that layer
  /// doesn't look at colour pictures.
  var filtersBefore: [Raster]
  var filtersAfter: [Raster]
  /// Some test pictures that were taken for something else, and some that were not.
  var wrong: [Prediction]
  var right: [Prediction]

  /// A test of the network.
  struct Test: Encodable, Equatable {
    var iteration: Int
    var loss: Double
    var accuracy: Double
  }

  /// What the network said of a picture.
  struct Prediction: Encodable {
    var picture: Raster
    var label: Int
    var predicted: Int
    /// The probability of the predicted class, between 0 and 1.
    var probability: Double
  }

  /// Collects what a finished run left.
  ///
  /// - Throws: `DatasetError` when the pictures of the predictions can't be read again.
  init<Scalar>(_ session: TrainSession<Scalar>, test: EvaluationResult?) throws {
    let run = session.run
    network = run.network.definition.name
    settings = session.settings
    testSet = session.testSet
    classNames = session.testing.classNames
    iteration = run.solver.iteration
    losses = run.log.losses.map(Float.init)
    tests = run.log.tests.map {
      .init(iteration: $0.iteration, loss: $0.loss, accuracy: $0.accuracy)
    }
    testAccuracy = test?.accuracy ?? 0
    digest = run.network.parameterDigest
    confusion = test?.confusion ?? []
    updateRatios = run.log.tests.compactMap { UpdateRatios($0, in: run.network) }.endsAndMiddle
    filtersBefore = session.filtersAtStart.map(Raster.filters) ?? []
    filtersAfter = run.network.firstFilters.map(Raster.filters) ?? []
    func pictures(_ predictions: [EvaluationResult.Prediction]) throws -> [Prediction] {
      try predictions.map {
        Prediction(
          picture: Raster(try session.testing.datum($0.record)), label: $0.label,
          predicted: $0.predicted, probability: $0.probability)
      }
    }
    wrong = try pictures(test?.wrong ?? [])
    right = try pictures(test?.right ?? [])
  }

  /// The name of a class, its number where it has none.
  func className(_ label: Int) -> String {
    classNames.indices.contains(label) ? classNames[label] : "\(label)"
  }
}

/// How large the last step of each parameter was against the parameter itself.
struct UpdateRatios: Encodable, Equatable {
  /// How many iterations had been taken.
  var iteration: Int
  var layers: [Layer]

  struct Layer: Encodable, Equatable {
    var name: String
    /// ‖Δw‖ / ‖w‖ for the weights, then the bias; 0 where a parameter is 0 throughout.
    var ratios: [Double]
  }

  /// What a test found; `nil` where it holds none for this network.
  init?<Scalar>(_ test: TrainingLog.Test, in network: Network<Scalar>) {
    let counts = network.parameters.map(\.count)
    guard test.updateRatios.count == counts.reduce(0, +) else { return nil }
    var left = test.updateRatios[...]
    iteration = test.iteration
    layers = zip(network.definition.layers, counts).compactMap { layer, count in
      defer { left = left.dropFirst(count) }
      return count == 0 ? nil : Layer(name: layer.name, ratios: Array(left.prefix(count)))
    }
  }
}

extension [UpdateRatios] {
  /// The first, the middle one and the last, as far as there are so many.
  fileprivate var endsAndMiddle: [UpdateRatios] {
    guard count > 3, let first, let last else { return self }
    return [first, self[count / 2], last]
  }
}

extension Raster {
  /// A record's picture as it was before it was transformed: its blue, green and red planes in
  /// colour, or its first plane in all three.
  init(_ datum: Datum) {
    let area = datum.height * datum.width
    let planes = datum.channels >= 3 ? [2, 1, 0] : [0, 0, 0]
    func value(_ index: Int) -> Double {
      switch datum.values {
      case .bytes(let bytes): Double(bytes[index])
      case .floats(let floats): Double(floats[index])
      }
    }
    self.init(
      (0..<area).flatMap { pixel in planes.map { value($0 * area + pixel) } },
      width: datum.width, height: datum.height, scale: .colour, lower: 0, upper: 255)
  }
}
