import CaffeTools
import Foundation
import Testing

private let frozen = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Fixtures/caffe/frozen")

/// The lines of a run of the fixture, with more lines in its solver or its network.
private func lines(_ more: String = "", net: String = "") throws -> [String] {
  let folder = FileManager.default.temporaryDirectory.appending(path: "frozen-\(UUID())")
  try FileManager.default.copyItem(at: frozen, to: folder)
  defer { try? FileManager.default.removeItem(at: folder) }
  let solver = folder.appending(path: "solver.prototxt")
  let text = try String(contentsOf: solver, encoding: .utf8)
    .replacing("snapshot_prefix: \"x\"", with: "snapshot_prefix: \"\(folder.path)/x\"")
  try Data((text + "\n" + more).utf8).write(to: solver)
  let network = folder.appending(path: "net.prototxt")
  try Data((net + String(contentsOf: network, encoding: .utf8)).utf8).write(to: network)
  var lines: [String] = []
  let run = try SolverRun(solver) { lines.append($0) }
  try run.start(from: folder.appending(path: "w.caffemodel"))
  try run.solve()
  return lines
}

@Suite("Frozen layers in a solver's run")
struct FrozenLayerTests {
  /// With `force_backward` Caffe computes the gradients of frozen parameters too.
  @Test(
    "count for nothing in clip_gradients, but with force_backward: the losses are Caffe's",
    arguments: [
      ("", [5.01712, 4.93209, 4.84731, 4.7628, 4.67858]),
      ("force_backward: true\n", [5.01712, 5.0167, 5.01627, 5.01585, 5.01542]),
    ])
  func clipping(net: String, caffes: [Double]) throws {
    let losses = try lines(net: net).filter {
      $0.hasPrefix("Iteration ") && $0.contains("loss = ")
    }.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
    #expect(losses.count == caffes.count)
    for (loss, caffe) in zip(losses, caffes) {
      // Six digits of numbers in single precision.
      #expect(abs(loss - caffe) <= 1.5e-5, "\(loss) instead of \(caffe)")
    }
  }

  @Test("debug_info prints what Caffe prints, in its order")
  func debugInfo() throws {
    let all = try lines("debug_info: true")
    let start = try #require(all.firstIndex { $0.hasPrefix("    [Forward]") })
    let end = try #require(all.firstIndex { $0.contains("All net params") })
    let first = all[start...end]
    /// The line up to its number.
    func subject(_ line: String) -> String {
      line.components(separatedBy: ": ").dropLast().joined(separator: ": ")
        .trimmingCharacters(in: .whitespaces)
    }
    #expect(
      first.dropLast().map(subject) == [
        "[Forward] Layer data, top blob data data", "[Forward] Layer data, top blob label data",
        "[Forward] Layer frozen, top blob h data", "[Forward] Layer frozen, param blob 0 data",
        "[Forward] Layer frozen, param blob 1 data", "[Forward] Layer ip, top blob ip data",
        "[Forward] Layer ip, param blob 0 data", "[Forward] Layer ip, param blob 1 data",
        "[Forward] Layer loss, top blob loss data", "[Backward] Layer loss, bottom blob ip diff",
        "[Backward] Layer ip, param blob 0 diff", "[Backward] Layer ip, param blob 1 diff",
      ])
    // The loss as the first line of the iteration has it.
    #expect(first.contains("    [Forward] Layer loss, top blob loss data: 5.01712"))
    let norms = try #require(first.last)
    #expect(norms.hasPrefix("    [Backward] All net params (data, diff): L1 norm = ("))
    #expect(norms.contains("); L2 norm = ("))
    // Of four iterations.
    #expect(all.count { $0.contains("All net params") } == 4)
  }

  @Test("debug_info is said of the iterations that are displayed, and of none unless asked for")
  func displayed() throws {
    #expect(try !lines().contains { $0.contains("[Forward]") })
  }
}
