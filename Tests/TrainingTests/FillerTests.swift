import Foundation
import Networks
import Tensors
import Testing

/// What Caffe's fillers drew, in numbers.
private struct Statistics: Decodable {
  var name: String
  var shape: [Int]
  var mean: Double
  var std: Double
  var min: Double
  var max: Double
  var nonzeroFraction: Double
}

/// The fillers of `fillers/statistics.json`. One more stands there, `positive_unitball`, which
/// neither of the published networks uses.
private let fillers: [String: Filler] = [
  "gaussian_std0.01": .gaussian(deviation: 0.01),
  "gaussian_mean": .gaussian(mean: 2, deviation: 0.5),
  "gaussian_sparse": .sparseGaussian(deviation: 1, nonzero: 16),
  "uniform": .uniform(low: -0.25, high: 0.75),
  "uniform_default": .uniform(low: 0, high: 1),
  "constant": .constant(0.7),
  // Where a definition names none, the specification has the first value, which is 0.
  "default": ParameterDefinition().filler ?? .constant(0),
  "xavier": .xavier(),
  "xavier_out": .xavier(.output),
  "xavier_avg": .xavier(.average),
  "msra": .msra(),
  "msra_out": .msra(.output),
  "msra_avg": .msra(.average),
]

@Suite("Fillers")
struct FillerTests {
  /// Both sides are samples of n = 153,600 numbers, so their statistics scatter. The bounds are
  /// five standard errors of a difference of two samples: √2·σ/√n for a mean and, at most,
  /// √2·σ/√(2n)·√3 for a deviation, where the last factor covers the sparse filler's tails.
  /// By chance alone one comparison in two million would fail, and the seed is fixed.
  @Test("have the statistics of Caffe's", arguments: fillers.keys.sorted())
  func statistics(name: String) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let cases = try decoder.decode(
      [Statistics].self,
      from: Data(contentsOf: fixtures.appending(path: "fillers/statistics.json")))
    #expect(cases.count == fillers.count + 1)
    let expected = try #require(cases.first { $0.name == name })
    let filler = try #require(fillers[name])

    let values = filler.fill(try Shape(checking: expected.shape), seed: 1, as: Double.self).elements
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    let nonzero = Double(values.count { $0 != 0 }) / count

    let error = 2.0.squareRoot() * expected.std / count.squareRoot()
    // Caffe's constant is the nearest Float, 4e-8 away.
    #expect(abs(mean - expected.mean) <= 5 * error + 1e-7)
    // 1e-9 for the rounding of the mean, where the deviation is 0.
    #expect(abs(deviation - expected.std) <= 5 * error * 1.5.squareRoot() + 1e-9)
    // A share p has the standard error √(p(1−p)/n).
    let share = expected.nonzeroFraction
    let shareError = (2 * share * (1 - share) / count).squareRoot()
    #expect(abs(nonzero - share) <= 5 * shareError)
  }

  /// An even distribution comes within 1e-4 of its range of both ends: that n numbers all miss the
  /// last 1e-4 has the probability e^−15.
  @Test("spread over the whole range", arguments: ["uniform", "xavier", "xavier_out"])
  func range(name: String) throws {
    let filler = try #require(fillers[name])
    let values = filler.fill(Shape(128, 48, 5, 5), seed: 2, as: Double.self).elements
    let (low, high): (Double, Double) =
      switch name {
      case "uniform": (-0.25, 0.75)
      // fan-in 48·5·5, fan-out 128·5·5
      case "xavier": (-(3.0 / 1200).squareRoot(), (3.0 / 1200).squareRoot())
      default: (-(3.0 / 3200).squareRoot(), (3.0 / 3200).squareRoot())
      }
    let least = try #require(values.min())
    let greatest = try #require(values.max())
    #expect(least >= low && least <= low + 1e-4 * (high - low))
    #expect(greatest <= high && greatest >= high - 1e-4 * (high - low))
  }

  @Test("draw the same numbers from the same seed")
  func seeds() {
    let shape = Shape(8, 3, 2, 2)
    let first = Filler.msra().fill(shape, seed: 5, as: Float.self)
    #expect(first == Filler.msra().fill(shape, seed: 5))
    #expect(first != Filler.msra().fill(shape, seed: 6))
  }
}
