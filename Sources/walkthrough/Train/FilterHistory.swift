import Foundation
import NumPyFiles
import Tensors
import Training

/// How the first layer's filters came to be: the filters at several iterations of a run, more of them
/// early on, where they change most; the losses and the tests beside them.
struct FilterHistory {
  /// The filters after so many iterations.
  struct Moment: Equatable {
    var iteration: Int
    /// K×C×I×J.
    var filters: Tensor<Float>
    /// K.
    var biases: Tensor<Float>
  }

  var moments: [Moment] = []
  /// The mean losses of equal stretches of the run, at most 200.
  var losses: [Float] = []
  var tests: [TrainingReport.Test] = []

  /// The iterations at which a run of `iterations` is looked at: 0, the last one, and 19 in between whose
  /// distances grow evenly.
  static func schedule(iterations: Int) -> [Int] {
    var schedule: [Int] = []
    for step in 0...20 {
      let iteration = iterations * step * step / 400
      if schedule.last != iteration { schedule.append(iteration) }
    }
    return schedule
  }

  /// Adds the filters of a network, if it has a convolution.
  mutating func add<Scalar>(_ network: [[Tensor<Scalar>]], iteration: Int) {
    guard let layer = network.first(where: { $0.first?.shape.rank == 4 }), layer.count == 2
    else { return }
    moments.append(
      Moment(
        iteration: iteration, filters: layer[0].converted(), biases: layer[1].converted()))
  }

  /// Adds what the run measured.
  mutating func finish(_ report: TrainingReport) {
    let stretch = max((report.losses.count + 199) / 200, 1)
    losses = stride(from: 0, to: report.losses.count, by: stretch).map { start in
      let part = report.losses[start..<min(start + stretch, report.losses.count)]
      return part.reduce(0, +) / Float(part.count)
    }
    tests = report.tests
  }
}

extension FilterHistory {
  /// As a file: a filter's weights in a byte each, as they are to be looked at only.
  ///
  ///     iterations        T            of the moments
  ///     filters           T·K·C·I·J    weights, 128 + 127·w/peak, rounded
  ///     shape             4            K, C, I, J
  ///     peaks             T            the largest |w| of each moment
  ///     biases            T·K
  ///     losses            S            means of equal stretches
  ///     test_iterations   U
  ///     test_losses       U
  ///     test_accuracies   U            from 0 to 1
  func archive() -> NumPyArchive {
    var archive = NumPyArchive()
    let peaks = moments.map { $0.filters.elements.reduce(0) { max($0, abs($1)) } }
    let bytes = zip(moments, peaks).flatMap { moment, peak in
      moment.filters.elements.map { weight in
        // 127 times a weight may be beyond Float.
        let level = 127 * weight / max(peak, 1e-30)
        return UInt8(128 + (level.isFinite ? level : 127 * (weight / peak)).rounded())
      }
    }
    func floats(_ values: [Float]) -> NumPyArray { NumPyArray(Tensor(Shape(values.count), values)) }
    archive["iterations"] = NumPyArray(moments.map(\.iteration))
    archive["filters"] = NumPyArray(bytes)
    archive["shape"] = NumPyArray(moments.first?.filters.shape.dimensions ?? [])
    archive["peaks"] = floats(peaks)
    archive["biases"] = floats(moments.flatMap(\.biases.elements))
    archive["losses"] = floats(losses)
    archive["test_iterations"] = NumPyArray(tests.map(\.iteration))
    archive["test_losses"] = floats(tests.map { Float($0.loss) })
    archive["test_accuracies"] = floats(tests.map { Float($0.accuracy) })
    return archive
  }
}
