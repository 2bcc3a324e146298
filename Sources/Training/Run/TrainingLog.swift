import Tensors

/// What a run has measured so far, for curves.
public struct TrainingLog: Sendable, Equatable {
  /// The loss of each iteration on its own batches, before the update.
  public var losses: [Double] = []
  /// The tests in their order.
  public var tests: [Test] = []

  /// What a test found.
  public struct Test: Sendable, Equatable {
    /// How many iterations had been taken.
    public var iteration: Int
    /// The mean loss.
    public var loss: Double
    /// The share of images whose class had the highest score; between 0 and 1.
    public var accuracy: Double
    /// The size of the last step against that of the parameter, ‖Δw‖ / ‖w‖, for each parameter in
    /// the order of the network's; 0 where a parameter is 0 throughout.
    public var updateRatios: [Double]

    /// A test.
    public init(iteration: Int, loss: Double, accuracy: Double, updateRatios: [Double] = []) {
      self.iteration = iteration
      self.loss = loss
      self.accuracy = accuracy
      self.updateRatios = updateRatios
    }
  }

  /// Of nothing yet.
  public init() {}
}

extension TrainingLog {
  /// A row for each test: iteration, loss, accuracy, and the update ratio of each parameter.
  var testTable: Tensor<Double> {
    let ratios = tests.map(\.updateRatios.count).min() ?? 0
    return Tensor(
      Shape(tests.count, 3 + ratios),
      tests.flatMap {
        [Double($0.iteration), $0.loss, $0.accuracy] + $0.updateRatios.prefix(ratios)
      })
  }

  /// The tests of such a table; `nil` where it can't be one.
  static func tests(_ table: Tensor<Double>) -> [Test]? {
    guard table.shape.rank == 2, table.shape[1] >= 3 else { return nil }
    var tests: [Test] = []
    for row in 0..<table.shape[0] {
      let values = table.elements[row * table.shape[1]..<(row + 1) * table.shape[1]]
      guard let first = values.first, let iteration = Int(exactly: first), iteration >= 0
      else { return nil }
      let numbers = Array(values.dropFirst())
      guard (0...1).contains(numbers[1]), numbers.dropFirst(2).allSatisfy({ !($0 < 0) }) else {
        return nil
      }
      tests.append(
        .init(
          iteration: iteration, loss: numbers[0], accuracy: numbers[1],
          updateRatios: Array(numbers.dropFirst(2))))
    }
    return tests
  }
}
