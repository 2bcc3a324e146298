import CaffeFormats
import Datasets
import Fast
import Foundation
import Networks
import NumPyFiles
import Tensors
import Testing
import Training

@testable import walkthrough

private let root = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

/// A folder that goes when the test does.
private final class Folder {
  let url = FileManager.default.temporaryDirectory.appending(path: "train-\(UUID().uuidString)")

  deinit { try? FileManager.default.removeItem(at: url) }

  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
  }
}

private let small = [
  "--batch", "4", "--images", "40", "--test-images", "20", "--threads", "2",
]

@Suite("walkthrough train", .enabled(if: Tools.walkthrough != nil))
struct TrainTests {
  private let folder = Folder()

  private func train(_ arguments: [String], interrupting signal: Int32? = nil) throws -> Ended {
    try runProcess(try #require(Tools.walkthrough), ["train"] + arguments, interrupting: signal)
  }

  private func keys(_ line: String) throws -> Set<String> {
    let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
    return Set(try #require(value as? [String: Any]).keys)
  }

  @Test("has the names that programs rely on, a line each")
  func jsonLines() throws {
    let ended = try train(
      ["--iterations", "6", "--test-interval", "3", "--json", "--output", folder.url.path] + small)
    #expect(ended.code == 0, "\(ended.errors)")
    let step: Set = ["iteration", "loss", "learningRate", "imagesPerSecond"]
    let test: Set = ["iteration", "testLoss", "testAccuracy"]
    let expected: [Set] = [
      step, step, step, test, step, step, step, test,
      ["final", "iteration", "testAccuracy", "digest", "ranks", "blocks"],
    ]
    #expect(try ended.output.map(keys) == expected)
  }

  @Test("the digest is the same on 1, 2 and 3 threads")
  func digests() throws {
    var last: Set<String> = []
    for threads in 1...3 {
      let ended = try train(
        ["--iterations", "5", "--json", "--output", folder.url.path] + small.dropLast()
          + ["\(threads)"])
      last.insert(try #require(ended.output.last))
    }
    #expect(last.count == 1)
    #expect(last.first?.contains("\"final\":true") == true)
  }

  @Test("leaves curves and filters, and says what it learnt")
  func files() throws {
    let ended = try train(
      ["--iterations", "4", "--test-interval", "2", "--output", folder.url.path] + small)
    #expect(ended.code == 0, "\(ended.errors)")
    #expect(
      folder.names == [
        "accuracy.svg", "conv1-after.png", "conv1-before.png", "loss.svg", "mini.caffemodel",
      ])
    #expect(
      ended.output.last?.hasSuffix(
        "script/walkthrough tour --network mini --weights \(folder.url.path)/mini.caffemodel")
        == true)
    // The file holds the network whose digest was printed.
    let network = try Network(mini(), backend: FastBackend<Float>())
    _ = try CaffeModel(contentsOf: folder.url.appending(path: "mini.caffemodel"))
      .copy(into: network)
    #expect(ended.output.contains { $0.hasSuffix(network.parameterDigest) })
    for name in ["loss.svg", "accuracy.svg"] {
      let parser = XMLParserCheck()
      #expect(parser.accepts(try Data(contentsOf: folder.url.appending(path: name))))
    }
    for part in ["test accuracy", "Confusion matrix", "Mistaken most often", "fc8", "digest of"] {
      #expect(ended.output.contains { $0.contains(part) }, "\(part)")
    }
    #expect(!ended.output.contains { $0.contains("\u{1B}") })
  }

  @Test(
    "a signal ends it behind an iteration, and it goes on to the same bits",
    arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGUSR1, 138)] as [(Int32, Int32)])
  func interruption(signal: Int32, code: Int32) throws {
    let settings = ["--iterations", "150", "--test-interval", "0", "--json"] + small
    let straight = try train(settings + ["--output", folder.url.appending(path: "a").path])
    let other = folder.url.appending(path: "b").path
    let stopped = try train(settings + ["--output", other], interrupting: signal)
    // A machine may take all iterations before the signal arrives.
    guard stopped.code != 0 else { return }
    #expect(stopped.code == code)
    #expect(stopped.errors.contains("walkthrough train --resume"))
    let resumed = try train(["--json", "--resume", other])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(resumed.output.last == straight.output.last)
  }

  @Test("writes Caffe's files beside each snapshot, and again where a killed run left them out")
  func caffeFiles() throws {
    let settings = ["--snapshot", "2", "--policy", "step", "--step-size", "2"] + small
    let ended = try train(["--iterations", "4", "--output", folder.url.path] + settings)
    #expect(ended.code == 0, "\(ended.errors)")
    let kinds = ["caffemodel", "npz", "solverstate"]
    let expected = [2, 4].flatMap { iteration in kinds.map { "snapshot_iter_\(iteration).\($0)" } }
    #expect(folder.names.filter { $0.hasPrefix("snapshot") } == expected)

    let snapshots = SnapshotFolder(folder.url)
    for iteration in [2, 4] {
      let snapshot = try Snapshot(contentsOf: snapshots.file(iteration: iteration))
      let network = try Network(mini(), backend: FastBackend<Float>())
      try snapshot.restore(network)
      let files = CaffeSnapshot.files(prefix: snapshots.caffePrefix, iteration: iteration)
      let copy = try Network(mini(), backend: FastBackend<Float>(), seed: 2)
      let report = try CaffeModel(contentsOf: files.model).copy(into: copy)
      #expect(report.untouched.isEmpty && report.ignored.isEmpty)
      #expect(copy.parameters == network.parameters)
      let state = try SolverStateFile<Float>(contentsOf: files.state)
      #expect(state.iteration == iteration)
      #expect(state.currentStep == (iteration - 1) / 2)
      #expect(state.learnedNet == files.model.relativePath)
      #expect(
        try state.history(for: network.parameters.map { $0.map(\.shape) })
          == snapshot.states(of: SGD(), for: network).map { $0.map { $0[0] } })
    }

    let lost = CaffeSnapshot.files(prefix: snapshots.caffePrefix, iteration: 4)
    let written = try [lost.model, lost.state].map { try Data(contentsOf: $0) }
    try FileManager.default.removeItem(at: lost.model)
    try FileManager.default.removeItem(at: lost.state)
    #expect(try train(["--resume", folder.url.path]).code == 0)
    #expect(try [lost.model, lost.state].map { try Data(contentsOf: $0) } == written)
  }

  @Test("classify and dump take its .caffemodel, and dump still goes by its old name")
  func caffeReaders() throws {
    let trained = try train(
      ["--iterations", "2", "--snapshot", "2", "--output", folder.url.path] + small)
    #expect(trained.code == 0, "\(trained.errors)")
    let walkthrough = try #require(Tools.walkthrough)
    let deploy = try runProcess(
      walkthrough,
      ["prototxt", "--deploy", "--network", "mini", "--output", folder.url.path])
    #expect(deploy.code == 0, "\(deploy.errors)")
    func path(_ name: String) -> String { folder.url.appending(path: name).path }
    let files = [
      "--net", path("deploy.prototxt"), "--weights", path("snapshot_iter_2.caffemodel"),
    ]
    let picture = try SyntheticImages(seed: 5, side: 140).picture(0)
    try picture.writePNG(to: URL(filePath: path("picture.png")))
    let classified = try runProcess(
      walkthrough, ["classify"] + files + ["--input-scale", "0.015625", path("picture.png")])
    #expect(classified.code == 0, "\(classified.errors)")
    #expect(classified.output.count == 6)

    let images = Tensor<Float>(try mini().inputShape(batch: 3))
    try NumPyArray(images).write(to: URL(filePath: path("images.npy")))
    let dumped = try runProcess(
      walkthrough,
      ["evaluate"] + files + ["--input", path("images.npy"), "--output", path("blobs.npz")])
    #expect(dumped.code == 0, "\(dumped.errors)")
    let blobs = try NumPyArchive(contentsOf: URL(filePath: path("blobs.npz")))
    #expect(blobs.names.contains { $0.hasSuffix("/prob") })
  }

  @Test("trains in Double, on any number of threads, and goes on in Double only")
  func precision() throws {
    let settings =
      ["--precision", "double", "--version", "fast", "--snapshot", "2", "--json"] + small
    let straight = try train(
      ["--iterations", "4", "--output", folder.url.path] + settings)
    #expect(straight.code == 0, "\(straight.errors)")
    let weights = try NumPyArchive(contentsOf: SnapshotFolder(folder.url).file(iteration: 2))
    #expect(weights["parameter/conv1/0"]?.elementType == .float64)
    try FileManager.default.removeItem(at: SnapshotFolder(folder.url).file(iteration: 4))
    let resumed = try train(["--json", "--threads", "1", "--resume", folder.url.path])
    #expect(resumed.output.last == straight.output.last)
    let other = try train(["--precision", "float", "--resume", folder.url.path])
    #expect(other.code == 1)
    #expect(other.errors.contains("--precision: not as in the run of the snapshot"))
    let tuned = try train(["--precision", "double"] + small)
    #expect(tuned.code == 1)
    #expect(
      tuned.errors.contains(
        "--precision double: --version tuned computes in Float only; take --version reference or fast"
      ))
  }

  @Test("survives being killed twenty times")
  func kills() throws {
    let script = root.appending(path: "script/kill-and-resume")
    let ended = try runProcess(script, ["20", try #require(Tools.walkthrough).path])
    #expect(ended.code == 0, "\(ended.errors)")
    #expect(ended.output.last?.hasPrefix("20 kills") == true)
  }

  @Test("passes over a torn snapshot, and says so")
  func torn() throws {
    let settings = ["--snapshot", "2", "--json", "--output", folder.url.path] + small
    let straight = try train(["--iterations", "6"] + settings)
    let newest = SnapshotFolder(folder.url).file(iteration: 6)
    let bytes = try Data(contentsOf: newest)
    try bytes.prefix(bytes.count / 2).write(to: newest)
    let resumed = try train(["--json", "--resume", newest.path])
    #expect(resumed.errors.contains("passed over: ") && resumed.errors.contains("iteration 4"))
    #expect(resumed.output.last == straight.output.last)
  }

  @Test("stops where the loss is no number, and keeps the last good snapshot")
  func divergence() throws {
    let ended = try train(
      ["--iterations", "50", "--lr", "1e20", "--snapshot", "1", "--output", folder.url.path]
        + small)
    #expect(ended.code == 1)
    #expect(ended.errors.contains("the loss is"))
    #expect(ended.errors.contains("Try a learning rate ten times smaller"))
    for file in SnapshotFolder(folder.url).files {
      #expect(throws: Never.self) { try Snapshot(contentsOf: file) }
    }
  }

  @Test("goes on with --exact where it began so, to the same bits")
  func exactness() throws {
    let settings = ["--iterations", "4", "--snapshot", "2"] + small
    func digest(_ arguments: [String], into name: String) throws -> String {
      let ended = try train(
        arguments + ["--json", "--output", folder.url.appending(path: name).path])
      #expect(ended.code == 0, "\(ended.errors)")
      let line = try #require(ended.output.last)
      return try #require(line.firstMatch(of: /"digest":"([0-9a-f]+)"/)).1.description
    }
    func middle(of name: String) -> String {
      folder.url.appending(path: "\(name)/snapshot_iter_2.npz").path
    }
    let exact = try digest(settings + ["--exact"], into: "exact")
    #expect(try digest(["--resume", middle(of: "exact")], into: "resumed") == exact)
    let minimal = try digest(settings, into: "minimal")
    #expect(minimal != exact)
    // As --version, it may be taken up on the way.
    let turned = try digest(["--resume", middle(of: "minimal"), "--exact"], into: "turned")
    #expect(turned != minimal && turned != exact)
  }

  @Test("a lesson explains, trains and compares")
  func lesson() throws {
    let ended = try train(["--lesson", "zero-weights", "--output", folder.url.path])
    #expect(ended.code == 0, "\(ended.errors)")
    #expect(ended.output.contains("- The loss started at 6.9078; ln 1000 is 6.9078."))
    #expect(
      ended.output.contains {
        $0.hasPrefix("- Moved in 10 iterations: fc8's bias; 15 of 16 parameters")
      })
    #expect(ended.output.count { $0 == "  As expected." } == 2)
    // The last line has the folder's path, however long.
    #expect(ended.output.last?.hasPrefix("files in ") == true)
    #expect(ended.output.dropLast().allSatisfy { $0.count <= 80 })
    #expect(folder.names == ["lesson-zero-weights.svg"])
  }

  @Test(
    "refuses what can't be",
    arguments: [
      (["--batch", "0"], "--batch 0: must be from 1 to 65536"),
      (["--iterations", "-3"], "--iterations -3: must be from 1 to"),
      (["--lr", "nan"], "base learning rate nan must be finite"),
      (["--policy", "step", "--step-size", "0"], "step size 0 must be at least 1"),
      (["--resume", "/nowhere/at/all"], "there is no such file or folder"),
      (["--threads", "0"], "--threads 0: must be from 1 to 1024"),
      (["--lesson", "zero-weights", "--json"], "--lesson goes with none of"),
      (["--lesson", "no-lrn", "--lr", "1"], "--lr: a lesson has its own settings"),
      (["--output", "/dev/null/x"], "/dev/null/x: "),
      (["--policy", "multistep"], "give --step-value once for each iteration"),
      (["--policy", "multistep", "--step-value", "3", "--step-value", "2"], "from the first"),
      (["--gamma", "0.5"], "--gamma: the policy poly has none"),
      (["--overlap"], "go with --distributed"),
    ])
  func refuses(arguments: [String], message: String) throws {
    let ended = try train(["--output", folder.url.path] + arguments)
    #expect(ended.code != 0)
    #expect(ended.errors.contains(message), "\(ended.errors)")
  }

  @Test("refuses a folder of another run, and another run's settings")
  func otherRuns() throws {
    let settings = ["--iterations", "2", "--snapshot", "1", "--output", folder.url.path] + small
    #expect(try train(settings).code == 0)
    let again = try train(settings)
    #expect(again.code == 1)
    #expect(again.errors.contains("holds snapshots of another run"))
    let changed = try train(["--resume", folder.url.path, "--lr", "0.5"])
    #expect(changed.code == 1)
    #expect(changed.errors.contains("--lr: not as in the run of the snapshot"))
    // Any version goes on from any version's snapshot.
    let further = try train(["--resume", folder.url.path, "--version", "fast", "--iterations", "3"])
    #expect(further.code == 0, "\(further.errors)")
    #expect(further.output.first?.hasSuffix(", fast") == true)
  }

  @Test("a batch in blocks has bits of its own, on any number of threads, and goes on in as many")
  func blocks() throws {
    let settings = ["--iterations", "6", "--json", "--test-interval", "0"] + small.dropLast(2)
    let plain = try train(settings + ["--output", folder.url.path])
    let one = try train(settings + ["--blocks", "1", "--output", folder.url.path])
    #expect(plain.output.last == one.output.last)
    #expect(plain.output.last?.contains("\"blocks\":1") == true)
    #expect(plain.output.last?.contains("\"ranks\":1") == true)
    var last: Set<String?> = []
    for threads in ["1", "3"] {
      let cut = try train(
        settings + ["--blocks", "4", "--threads", threads, "--output", folder.url.path])
      #expect(cut.code == 0, "\(cut.errors)")
      last.insert(cut.output.last)
    }
    let other = folder.url.appending(path: "resumed").path
    let first = try train(
      settings + ["--blocks", "4", "--snapshot", "3", "--output", other])
    #expect(first.code == 0)
    for name in ["npz", "caffemodel", "solverstate"] {
      try FileManager.default.removeItem(atPath: "\(other)/snapshot_iter_6.\(name)")
    }
    last.insert(try train(["--json", "--resume", other]).output.last)
    #expect(last.count == 1)
    #expect(last.first??.contains("\"blocks\":4") == true)
    #expect(last.first != plain.output.last)
    let changed = try train(["--resume", other, "--blocks", "2"])
    #expect(changed.errors.contains("--blocks: not as in the run of the snapshot"))
  }

  @Test(
    "says how to get a program with MPI, and doesn't train beside processes that it doesn't know")
  func withoutMPI() throws {
    let refused = try train(["--distributed"])
    #if !MPI
      #expect(refused.code != 0)
      #expect(refused.errors.contains("script/walkthrough-mpi -n 2 train"))
    #endif
    let process = Process()
    process.executableURL = Tools.walkthrough
    process.arguments = ["train", "--iterations", "1", "--output", folder.url.path]
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["OMPI_COMM_WORLD_SIZE": "3"], uniquingKeysWith: { $1 })
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let said = String(
      decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
    #expect(said.contains("mpirun has started 3 processes"))
    #expect(folder.names.isEmpty)
  }

  @Test(
    "refuses blocks that can't be",
    arguments: [
      ("3", "--blocks 3: must divide the batch"), ("0", "--blocks 0: must be from 1 to 65536"),
      ("-4", "--blocks -4: must be from 1 to 65536"),
    ])
  func impossibleBlocks(blocks: String, message: String) throws {
    let ended = try train(["--blocks", blocks, "--output", folder.url.path] + small)
    #expect(ended.code == 1)
    #expect(ended.errors.contains(message), "\(ended.errors)")
  }
}

@Suite("The display of training")
struct TrainingDisplayTests {
  @Test("sparklines rise from the lowest block to the highest")
  func sparklines() {
    #expect(Bars.curve([0, 1, 2, 3, 4, 5, 6, 7], width: 8) == "▁▂▃▄▅▆▇█")
    #expect(Bars.curve([0, 0, 7, 7], width: 2) == "▁█")
    #expect(Bars.curve([1, .nan, 1], width: 3, range: 0...1) == "█ █")
    #expect(Bars.curve([], width: 5) == "")
    #expect(Bars.curve([3, 3], width: 5) == "▁▁")
  }

  @Test("the commonest mistakes are the largest counts beside the diagonal")
  func mistakes() {
    func text(_ confusion: [[Int]]) -> [[Int]] {
      TrainingText.commonestMistakes(confusion).map { [$0.label, $0.predicted, $0.count] }
    }
    #expect(text([[9, 1, 0], [3, 9, 2], [2, 0, 9]]) == [[1, 0, 3], [1, 2, 2], [2, 0, 2]])
    #expect(text([[5, 0], [0, 5]]).isEmpty)
    #expect(text([]).isEmpty)
  }

  @Test(
    "a smoothed curve lies on the line that it smooths, not behind it", arguments: [10, 200, 1999])
  func smoothing(count: Int) {
    let losses = (1...count).map { 3 - Float($0) / 1000 }
    for point in SVGCurves.smoothed(losses) {
      // The middle of an even number of iterations is half an iteration away from any.
      #expect(abs(point.value - (3 - Double(point.iteration) / 1000)) < 0.51e-3 + 1e-6)
    }
  }

  @Test("the last loss is one and the same in display, page and lessons")
  func lastLoss() {
    var outcome = LessonOutcome(label: "", testImages: 0)
    outcome.log.losses = (0..<50).map { Double($0) }
    #expect(outcome.lastLoss == 39.5)
    #expect(outcome.log.losses.meanOfLast == 39.5)
    #expect([1.0, 2].meanOfLast == 1.5 && [Double]().meanOfLast == nil)
  }

  @Test("no line is wider than the terminal", arguments: [40, 80, 200])
  func widths(width: Int) {
    var log = TrainingLog()
    log.losses = (0..<500).map { 2.3 / Double($0 + 1) }
    log.tests = [.init(iteration: 500, loss: 0.1, accuracy: 0.96)]
    let display = TrainingDisplay(
      terminal: Terminal(width: width, isStyled: false, isInteractive: false), isLive: true,
      iterations: 1000, images: 32, log: log)
    let lines = display.liveLines(
      .init(iteration: 500, loss: 0.1, learningRate: 0.01, imagesPerSecond: 800))
    #expect(lines.count == 4)
    #expect(lines.allSatisfy { $0.count <= width })
    #expect(lines[0].contains("500/1,000") && lines[0].contains("0:20 left"))
    #expect(lines[2].contains("96.0 %"))
  }
}

/// Whether a document is well-formed.
private final class XMLParserCheck {
  func accepts(_ data: Data) -> Bool {
    let text = String(decoding: data, as: UTF8.self)
    // Tags open and close in pairs; Foundation's parser is another library on Linux.
    var open: [Substring] = []
    for piece in text.split(separator: "<").dropFirst(text.hasPrefix("<") ? 0 : 1) {
      guard let end = piece.firstIndex(of: ">") else { return false }
      let tag = piece[..<end]
      let name = tag.prefix { $0 != " " && $0 != "/" }
      if tag.hasPrefix("/") {
        guard open.popLast() == tag.dropFirst() else { return false }
      } else if !tag.hasSuffix("/") {
        open.append(name)
      }
    }
    return open.isEmpty && text.contains("<svg")
  }
}
