import Foundation
import Layers
import Reference
import Tensors

/// How long the learner's code and the library's take for the same.
struct Times {
  /// What was computed.
  let what: String
  /// In seconds, the least of several runs.
  let mine: Double
  let twin: Double

  /// Runs both in turn, so that a busy moment of the machine hits both.
  init(_ what: String, mine: () throws -> Void, twin: () throws -> Void) rethrows {
    self.what = what
    let clock = ContinuousClock()
    var (least, leastOfTwin) = (Double.infinity, Double.infinity)
    for _ in 0..<5 {
      least = min(least, try clock.measure(mine) / .seconds(1))
      leastOfTwin = min(leastOfTwin, try clock.measure(twin) / .seconds(1))
    }
    self.mine = least
    self.twin = leastOfTwin
  }

  /// Both passes of a layer on eight times as many images as the last case has.
  init?<Mine: SingleInputLayer, Twin: SingleInputLayer>(of cases: [Case<Mine, Twin>]) throws {
    guard let last = cases.last else { return nil }
    let images = try last.input.withImages(8 * last.input.images)
    let entry = Case(title: last.title, mine: last.mine, twin: last.twin, input: images)
    let (input, parameters) = try entry.data()
    func run<L: SingleInputLayer<Double>>(_ layer: L) throws {
      let forward = try layer.forward(input, parameters: parameters)
      _ = try layer.backward(forward.output, input: input, parameters: parameters, after: forward)
    }
    try self.init(
      "both passes, \(entry.description)", mine: { try run(entry.mine) },
      twin: { try run(entry.twin) })
  }

  /// A line for the learner.
  var text: String {
    func short(_ seconds: Double) -> String {
      seconds < 1e-3
        ? String(format: "%.0f µs", seconds * 1e6) : String(format: "%.2f ms", seconds * 1e3)
    }
    return "Time of \(what), neither of them optimised by the compiler: yours \(short(mine)), "
      + "Reference's \(short(twin))."
  }
}
