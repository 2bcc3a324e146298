import CaffeFormats
import CaffeMessages
import CaffeTools
import Datasets
import Foundation
import NumPyFiles
import Tensors
import Testing

@testable import walkthrough

private let golden = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Fixtures/caffe/sgd_blobs")

/// The folder of a run: Caffe's fixed inputs as a database, and its net with a Data layer for them.
final class Workshop {
  let folder = FileManager.default.temporaryDirectory.appending(path: "solver-\(UUID())")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let images = try NumPyArray(contentsOf: golden.appending(path: "data.npy"))
      .tensor(as: Float.self)
    let labels = try NumPyArray(contentsOf: golden.appending(path: "label.npy"))
      .tensor(as: Float.self)
    let writer = try DatumDatabaseWriter(folder.appending(path: "db").path)
    let size = images.shape.imageCount
    for image in 0..<images.shape.images {
      let datum = try Datum(
        channels: 3, height: 35, width: 35,
        values: .floats(Array(images.elements[image * size..<(image + 1) * size])),
        label: Int(labels[image]))
      try writer.append(datum.message(), name: "\(image)")
    }
    try writer.finish()
    let net = try String(contentsOf: golden.appending(path: "net.prototxt"), encoding: .utf8)
    let layers = try #require(net.range(of: "layer { name: \"conv1\""))
    let loss = try #require(net.range(of: "layer { name: \"loss\""))
    let data = """
      name: "TinyCaffeNet"
      layer { name: "data" type: "Data" top: "data" top: "label"
        data_param { source: "db" batch_size: 4 backend: LMDB } }

      """
    let accuracy = """
      layer { name: "accuracy" type: "Accuracy" bottom: "fc3" bottom: "label" top: "accuracy"
        include { phase: TEST } }

      """
    try file(
      "net.prototxt",
      data + net[layers.lowerBound..<loss.lowerBound] + accuracy + net[loss.lowerBound...])
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  @discardableResult
  func file(_ name: String, _ text: some StringProtocol) throws -> URL {
    let url = folder.appending(path: name)
    try Data(text.utf8).write(to: url)
    return url
  }

  /// A solver: Caffe's own of these inputs, with more lines.
  func solver(_ more: String = "") throws -> URL {
    let text = try String(contentsOf: golden.appending(path: "solver.prototxt"), encoding: .utf8)
      .replacingOccurrences(of: "\"snap\"", with: "\"\(folder.path)/snap\"")
    return try file("solver.prototxt", text + "\n" + more)
  }

  /// Runs a solver from Caffe's start; returns what it said.
  func solve(_ more: String = "", resume: String? = nil) throws -> [String] {
    var lines: [String] = []
    let run = try SolverRun(solver(more)) { lines.append($0) }
    if let resume {
      try run.resume(from: folder.appending(path: resume))
    } else {
      try run.start(from: golden.appending(path: "init.caffemodel"))
    }
    try run.solve()
    return lines
  }
}

/// The parameters in a caffemodel or the history in a solverstate, by place.
private func values(_ url: URL) throws -> [String: [Float]] {
  var values: [String: [Float]] = [:]
  if url.pathExtension == "caffemodel" {
    for layer in try CaffeModel(contentsOf: url).message.layer {
      for (index, blob) in layer.blobs.enumerated() { values["\(layer.name)/\(index)"] = blob.data }
    }
  } else {
    let state = try SolverStateFile<Float>(contentsOf: url)
    for (index, tensor) in state.history.enumerated() { values["\(index)"] = tensor.elements }
  }
  return values
}

@Suite("walkthrough train --solver")
struct SolverTests {
  @Test("takes Caffe's ten steps, from its files to its files")
  func trajectory() throws {
    let workshop = try Workshop()
    let lines = try workshop.solve()
    for iteration in [5, 10] {
      for kind in ["caffemodel", "solverstate"] {
        let name = "snap_iter_\(iteration).\(kind)"
        let expected = try values(golden.appending(path: name))
        let found = try values(workshop.folder.appending(path: name))
        #expect(found.keys.sorted() == expected.keys.sorted())
        for (place, caffes) in expected {
          // Single precision, summed up in another order: Caffe differs from itself in double by
          // 6e-7 after one pass, and here are ten.
          let largest = caffes.reduce(0) { max($0, abs($1)) }
          let difference = zip(found[place] ?? [], caffes).reduce(0) { max($0, abs($1.0 - $1.1)) }
          #expect(difference <= 1e-5 * largest, "\(name), \(place)")
        }
      }
      let states = try [golden, workshop.folder].map {
        try SolverStateFile<Float>(
          contentsOf: $0.appending(path: "snap_iter_\(iteration).solverstate"))
      }
      #expect(states[0].iteration == states[1].iteration)
      #expect(states[0].currentStep == states[1].currentStep)
    }
    struct Losses: Decodable {
      var losses: [Float]
      var lr: [Float]
      enum CodingKeys: String, CodingKey {
        case losses = "loss_before_each_update"
        case lr
      }
    }
    let golden = try JSONDecoder().decode(
      Losses.self, from: Data(contentsOf: golden.appending(path: "losses.json")))
    for (iteration, (loss, rate)) in zip(golden.losses, golden.lr).enumerated() {
      let start = "Iteration \(iteration) ("
      let line = try #require(lines.first { $0.hasPrefix(start) })
      let shown = try #require(Float(line.components(separatedBy: "loss = ")[1]))
      #expect(abs(shown - loss) <= 2e-5 * loss, "six digits are shown")
      #expect(lines.contains("Iteration \(iteration), lr = \(NetworkTest.number(rate))"))
    }
    #expect(lines.first == "Finetuning from \(SolverTests.initial)")
    #expect(lines[1...2] == ["Solving TinyCaffeNet", "Learning Rate Policy: step"])
    #expect(lines.last == "Optimization Done.")
  }

  /// As above, with the additions in another order: the net has no dropout, so blocks change nothing else.
  @Test("takes them in blocks too", arguments: [2, 4])
  func blocks(blocks: Int) throws {
    let workshop = try Workshop()
    let run = try SolverRun(workshop.solver(), blocks: blocks) { _ in }
    try run.start(from: golden.appending(path: "init.caffemodel"))
    try run.solve()
    for kind in ["caffemodel", "solverstate"] {
      let expected = try values(golden.appending(path: "snap_iter_10.\(kind)"))
      let found = try values(workshop.folder.appending(path: "snap_iter_10.\(kind)"))
      for (place, caffes) in expected {
        let largest = caffes.reduce(0) { max($0, abs($1)) }
        let difference = zip(found[place] ?? [], caffes).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(difference <= 1e-5 * largest, "\(kind), \(place)")
      }
    }
    let error = #expect(throws: CaffeFileError.self) {
      try SolverRun(workshop.solver(), blocks: 3) { _ in }
    }
    #expect(error?.description.contains("a batch of 4 images can't be cut into 3 blocks") == true)
  }

  @Test("is reached from the command line, and checks what excludes each other")
  func command() throws {
    let workshop = try Workshop()
    let model = golden.appending(path: "init.caffemodel").path
    var command = try Walkthrough.parseAsRoot([
      "train", "--solver", workshop.solver().path, "--weights", model,
    ])
    try command.run()
    let written = try values(workshop.folder.appending(path: "snap_iter_5.caffemodel"))
    #expect(written.count == 6)
    for wrong in [
      ["train", "--weights", model],
      ["train", "--solver", "a", "--weights", "b", "--resume", "c"],
      ["train", "--test-dataset", "a"],
    ] {
      #expect(throws: (any Error).self) { try Walkthrough.parseAsRoot(wrong) }
    }
  }

  private static let initial = golden.appending(path: "init.caffemodel").relativePath

  @Test("goes on from a .solverstate with the same bits")
  func resuming() throws {
    let workshop = try Workshop()
    _ = try workshop.solve()
    let whole = try values(workshop.folder.appending(path: "snap_iter_10.caffemodel"))
    try FileManager.default.removeItem(
      at: workshop.folder.appending(path: "snap_iter_10.caffemodel"))
    let lines = try workshop.solve(resume: "snap_iter_5.solverstate")
    #expect(lines.contains { $0.hasPrefix("Iteration 5 (") })
    #expect(!lines.contains { $0.hasPrefix("Iteration 4 (") })
    #expect(try values(workshop.folder.appending(path: "snap_iter_10.caffemodel")) == whole)
  }

  @Test("interrupted, it leaves a snapshot from which it ends with the same bits")
  func interruption() throws {
    let workshop = try Workshop()
    _ = try workshop.solve()
    let model = workshop.folder.appending(path: "snap_iter_10.caffemodel")
    let whole = try values(model)
    try FileManager.default.removeItem(at: model)
    var lines: [String] = []
    let run = try SolverRun(workshop.solver()) { lines.append($0) }
    try run.start(from: golden.appending(path: "init.caffemodel"))
    let ending = try run.solve(isInterrupted: { run.solver.iteration == 3 })
    guard case .interrupted(let state?) = ending else {
      Issue.record("it went on to the end")
      return
    }
    #expect(state.lastPathComponent == "snap_iter_3.solverstate")
    #expect(lines.last == "Optimization stopped early.")
    _ = try workshop.solve(resume: "snap_iter_3.solverstate")
    #expect(try values(model) == whole)
  }

  @Test(
    "a signal ends it behind an iteration, with a snapshot and how to go on",
    .enabled(if: Tools.walkthrough != nil),
    arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
  func signals(signal: Int32, code: Int32) throws {
    let workshop = try Workshop()
    let solver = try workshop.solver()
    let text = try String(contentsOf: solver, encoding: .utf8)
      .replacingOccurrences(of: "max_iter: 10", with: "max_iter: 1000000")
      .replacingOccurrences(of: "snapshot: 5", with: "snapshot: 0")
    try #require(text.contains("max_iter: 1000000") && text.contains("snapshot: 0"))
    try workshop.file("solver.prototxt", text)
    let ended = try runProcess(
      try #require(Tools.walkthrough), ["train", "--solver", solver.path], interrupting: signal)
    #expect(ended.code == code)
    #expect(ended.output.last == "Optimization stopped early.")
    let names = try FileManager.default.contentsOfDirectory(atPath: workshop.folder.path)
    let state = try #require(names.first { $0.hasSuffix(".solverstate") })
    let path = workshop.folder.appending(path: state).path
    #expect(
      ended.errors.hasSuffix(
        "Go on with: walkthrough train --solver \(solver.path) --resume \(path)\n"))
    #expect(names.contains(state.replacing("solverstate", with: "caffemodel")))
    #expect(!names.contains { $0.hasSuffix(".tmp") })
  }

  @Test(
    "force_gray makes one plane of encoded records, and leaves raw ones as they are",
    arguments: [("jpg_lmdb", 1), ("png_lmdb", 1), ("raw_lmdb", 3)])
  func gray(name: String, channels: Int) throws {
    let workshop = try Workshop()
    let database = golden.deletingLastPathComponent().appending(path: "lmdb/\(name)").path
    try workshop.file(
      "net.prototxt",
      """
      layer { name: "data" type: "Data" top: "data" top: "label" transform_param { force_gray: true }
        data_param { source: "\(database)" batch_size: 3 backend: LMDB } }
      layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        inner_product_param { num_output: 20 } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
      """)
    let run = try SolverRun(workshop.solver()) { _ in }
    try run.training.step()
    let input = run.solver.network.input
    #expect(input.shape == Shape(3, channels, 32, 32))
    let expected = try DatumDatabase(database, colours: .gray)
    for image in 0..<3 {
      guard case .bytes(let bytes) = try expected.datum(image).values else {
        Issue.record("no bytes")
        continue
      }
      let size = bytes.count
      #expect(Array(input.elements[image * size..<(image + 1) * size]) == bytes.map(Float.init))
    }
  }

  @Test(
    "what is wrong with a Data layer has its place in the file, and names database and record",
    arguments: [
      (
        "transform_param { crop_size: 36 }", "backend: LMDB",
        ":2:50: layer \"data\": ", "db, key \"00000000_0\": a crop of 36 cannot be cut out of 35×35"
      ),
      (
        "", "backend: LEVELDB", ":3:43: layer \"data\": ",
        "LevelDB, Caffe's default, is not read here"
      ),
      ("", "", ":3:3: layer \"data\": ", "LevelDB, Caffe's default, is not read here"),
      (
        "transform_param { force_gray: true force_color: true }", "backend: LMDB",
        ":2:68: layer \"data\": ", "force_color and force_gray exclude each other"
      ),
      (
        "transform_param { mean_file: \"m\" mean_value: 104 }", "backend: LMDB",
        ":2:83: layer \"data\": ", "mean_file and mean_value exclude each other"
      ),
    ])
  func dataLayers(transform: String, database: String, place: String, problem: String) throws {
    let workshop = try Workshop()
    try workshop.file(
      "net.prototxt",
      """
      name: "net"
      layer { name: "data" type: "Data" top: "data"    \(transform)
        data_param { source: "db" batch_size: 2 \(database) } }
      """)
    let error = #expect(throws: CaffeFileError.self) { try SolverRun(workshop.solver()) { _ in } }
    let description = error?.description ?? ""
    #expect(description.contains("net.prototxt\(place)"), "\(description)")
    #expect(description.contains(problem), "\(description)")
  }

  @Test("tests as Caffe does: at its intervals, with the means of all outputs")
  func testing() throws {
    let lines = try Workshop().solve("test_iter: 2 test_interval: 5 average_loss: 3")
    let tests = lines.indices.filter { lines[$0].contains("Testing net") }
    #expect(
      tests.map { lines[$0] } == [0, 5, 10].map { "Iteration \($0), Testing net (#0)" })
    for index in tests {
      #expect(lines[index + 1].hasPrefix("    Test net output #0: accuracy = "))
      #expect(lines[index + 2].hasPrefix("    Test net output #1: loss = "))
      #expect(lines[index + 2].contains(" (* 1 = "))
    }
    // The test's two batches of the same four images: the loss before the first update.
    #expect(lines[tests[0] + 2].hasPrefix("    Test net output #1: loss = 4.4881"))
  }

  @Test(
    "says what a solver.prototxt can't be",
    arguments: [
      ("lr_policy: \"stairs\"", "lr_policy \"stairs\" must be fixed"),
      ("type: \"Adam\"", "\"Adam\" is not possible here"),
      ("solver_type: ADAM", "\"ADAM\" is not possible here"),
      ("iter_size: 0", "iter_size 0 must be at least 1"),
      ("train_net: \"net.prototxt\"", "net and train_net do"),
      ("test_iter: 1", "needs a test_interval"),
      ("regularization_type: \"L3\"", "must be L1 or L2"),
      ("snapshot_format: HDF5", "HDF5 is not possible here"),
    ])
  func refusals(line: String, problem: String) throws {
    let workshop = try Workshop()
    // Of a field that stands twice, protobuf's parser would only take one: the text has it once.
    let field = line.prefix { $0 != ":" }
    let text = try String(contentsOf: workshop.solver(), encoding: .utf8)
      .split(separator: "\n").filter { !$0.hasPrefix(field + ":") }.joined(separator: "\n")
    let url = try workshop.file("wrong.prototxt", text + "\n" + line + "\n")
    let error = #expect(throws: CaffeFileError.self) { try SolverRun(url) { _ in } }
    let description = error?.description ?? ""
    #expect(description.contains("wrong.prototxt:"))
    #expect(description.contains(problem), "\(description)")
  }
}
