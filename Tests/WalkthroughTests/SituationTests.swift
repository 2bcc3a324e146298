import CaffeFormats
import CaffeTools
import Datasets
import Foundation
import Layers
import Tensors
import Testing
import Training
import WholeFiles

private let situations = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Fixtures/caffe/situations")

/// What `train --solver` says of a solver file in which it once did something else than Caffe.
@Suite("Caffe's solver files in the field")
struct SituationTests {
  private let twoDatabases = situations.appending(path: "two_databases")
  private let solvers = situations.appending(path: "solvers")

  private func solve(_ url: URL, resume: String? = nil, blocks: Int = 1) throws -> [String] {
    var lines: [String] = []
    let run = try SolverRun(url, blocks: blocks) { lines.append($0) }
    if let resume { try run.resume(from: url.deletingLastPathComponent().appending(path: resume)) }
    try run.solve()
    return lines
  }

  /// The numbers behind a mark, in the order of the lines.
  private func numbers(_ lines: [String], behind mark: String) -> [Double] {
    lines.compactMap { line in
      line.range(of: mark).flatMap { Double(line[$0.upperBound...].prefix { $0 != " " }) }
    }
  }

  @Test("labels in a database of their own are learnt: Caffe's loss and accuracy")
  func labelsInASecondDatabase() throws {
    let lines = try solve(twoDatabases.appending(path: "solver.prototxt"))
    let losses = numbers(lines, behind: ", loss = ")
    let accuracies = numbers(lines, behind: "acc = ")
    // BVLC Caffe: 0.806 and 0.667 after 50 iterations.
    #expect(abs(losses[1] - 0.806) < 5e-4)
    #expect(abs(accuracies[1] - 0.667) < 5e-4)
  }

  @Test("in blocks, too, each database feeds its own blob", arguments: [2, 3])
  func labelsInBlocks(blocks: Int) throws {
    let url = twoDatabases.appending(path: "solver.prototxt")
    let (whole, cut) = (try solve(url), try solve(url, blocks: blocks))
    for mark in [", loss = ", "acc = ", ": loss = "] {
      let (expected, found) = (numbers(whole, behind: mark), numbers(cut, behind: mark))
      #expect(expected.count == found.count && expected.count >= 4)
      // As they are printed, six digits; additions in another order move the last ones.
      for (a, b) in zip(expected, found) { #expect(abs(a - b) <= 1e-5 * a) }
    }
    let error = #expect(throws: CaffeFileError.self) { try solve(url, blocks: 4) }
    #expect(
      error?.description.contains("a batch of 6 images can't be cut into 4 blocks") == true)
  }

  @Test("a second database of pictures feeds its own blob: Caffe's losses", arguments: [1, 2, 6])
  func secondInput(blocks: Int) throws {
    let lines = try solve(twoDatabases.appending(path: "solver2.prototxt"), blocks: blocks)
    let losses = numbers(lines, behind: ", loss = ")
    // To six digits, as Caffe prints them.
    for (loss, caffes) in zip(losses, [1.09861, 0.551402, 0.328968, 0.227775]) {
      #expect(abs(loss - caffes) < 5e-6 * caffes + 5e-7, "\(losses)")
    }
    #expect(losses.count == 4)
  }

  @Test("batches that differ are refused where a layer needs them equal")
  func batches() {
    let error = #expect(throws: CaffeFileError.self) {
      try solve(twoDatabases.appending(path: "solver3.prototxt"))
    }
    #expect(error?.description.contains("net3.prototxt:5:") == true)
    #expect(
      error?.problem
        == "layer \"loss\": compares scores \"ip\" of 6×3 with labels \"label\" of 3×1×1×1; there must be 6 "
        + "labels, one for each image and position")
  }

  @Test(
    "learning rates are Caffe's: 0⁰ is 1, one step in an iteration, current_step of a snapshot",
    arguments: [
      ("gamma_missing", nil, [0.001, 0.001, 0, 0]),
      ("equal_values", nil, [0.001, 0.001, 0.0005, 0.00025, 0.00025, 0.00025]),
      ("later_values", "first_iter_4.solverstate", [0.00025, 0.00025, 0.00025]),
    ] as [(String, String?, [Double])])
  func rates(name: String, state: String?, rates: [Double]) throws {
    let lines = try solve(solvers.appending(path: name + ".prototxt"), resume: state)
    #expect(numbers(lines, behind: ", lr = ") == rates)
    // In Caffe's log, too, a line tells of each step.
    #expect(
      lines.filter { $0.hasPrefix("MultiStep") }
        == (name == "equal_values"
          ? ["MultiStep Status: Iteration 2, step = 1", "MultiStep Status: Iteration 3, step = 2"]
          : []))
  }

  @Test("a snapshot_prefix that is a folder gets the solver's name")
  func prefix() throws {
    let workshop = try Situation(copying: solvers)
    let folder = workshop.folder.appending(path: "kept")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for prefix in [folder.path, folder.path + "/"] {
      _ = try solve(
        workshop.file(
          "s.prototxt",
          "net: \"net.prototxt\" base_lr: 0.1 lr_policy: \"fixed\" max_iter: 1 "
            + "snapshot_prefix: \"\(prefix)\""))
      let snapshot = folder.appending(path: "s_iter_1.caffemodel")
      #expect(FileManager.default.fileExists(atPath: snapshot.path))
      try FileManager.default.removeItem(at: snapshot)
    }
  }

  @Test("a rate that Caffe refuses is refused")
  func refusedRate() {
    let error = #expect(throws: SolverError.self) {
      try solve(solvers.appending(path: "gamma_negative.prototxt"))
    }
    #expect(error?.description == "solver: gamma -0.5 must be finite, not negative")
  }

  @Test("type and solver_type contradict each other")
  func typeTwice() {
    let error = #expect(throws: CaffeFileError.self) {
      try solve(solvers.appending(path: "type_twice.prototxt"))
    }
    #expect(error?.problem.contains("type and its older form solver_type") == true)
  }

  @Test("a folder without which no snapshot can be written is missed before the first iteration")
  func missingFolder() throws {
    var lines: [String] = []
    let run = try SolverRun(solvers.appending(path: "missing_folder.prototxt")) { lines.append($0) }
    let error = #expect(throws: FileError.self) { try run.solve() }
    #expect(error?.problem == "cannot be written: No such file or directory")
    #expect(lines.isEmpty && run.solver.iteration == 0)
  }

  @Test(
    "outputs are shown in the order of their names, labels and probabilities that nobody reads too")
  func outputs() throws {
    let workshop = try Situation(copying: solvers)
    let first = try solve(
      workshop.file(
        "s.prototxt",
        "net: \"accuracy.prototxt\" base_lr: 0.1 lr_policy: \"fixed\" max_iter: 1 display: 1 "
          + "snapshot_after_train: false"))
    let shown = first.filter { $0.contains("net output") }
    #expect(shown.count == 2)
    #expect(shown[0].hasPrefix("    Train net output #0: accuracy = "))
    #expect(shown[1].hasPrefix("    Train net output #1: loss = "))

    // A loss without a top counts, but isn't shown; each number of a blob that nobody reads is.
    try workshop.file(
      "net.prototxt",
      """
      layer { name: "data" type: "Data" top: "data" top: "label"
        data_param { source: "db" batch_size: 2 backend: LMDB } }
      layer { name: "z" type: "InnerProduct" bottom: "data" top: "z" inner_product_param { num_output: 3 } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "z" bottom: "label" }
      layer { name: "prob" type: "Softmax" bottom: "z" top: "a" }
      """)
    let lines = try solve(
      workshop.file(
        "s.prototxt",
        "net: \"net.prototxt\" base_lr: 0 lr_policy: \"fixed\" max_iter: 1 display: 1 "
          + "snapshot_after_train: false"))
    #expect(
      lines.filter { $0.contains("net output") }.map { String($0.dropFirst("    Train ".count)) }
        == (0..<6).map { "net output #\($0): a = 0.333333" })
    #expect(lines.contains { $0.hasPrefix("Iteration 0 (") && $0.hasSuffix("loss = 1.09861") })
    let debugged = try solve(
      workshop.file(
        "s.prototxt",
        "net: \"net.prototxt\" base_lr: 0 lr_policy: \"fixed\" max_iter: 1 debug_info: true "
          + "snapshot_after_train: false"))
    #expect(debugged.contains("    [Forward] Layer loss, top blob (automatic) data: 1.09861"))
  }

  @Test("a label that is no class names database and record")
  func badLabel() throws {
    let workshop = try Situation(copying: solvers)
    try FileManager.default.removeItem(at: workshop.folder.appending(path: "db"))
    try FileManager.default.moveItem(
      at: workshop.folder.appending(path: "bad_label_db"),
      to: workshop.folder.appending(path: "db"))
    let error = #expect(throws: LayerError.self) {
      try solve(workshop.folder.appending(path: "gamma_missing.prototxt"))
    }
    #expect(error?.description.contains("label 7 of ") == true)
    #expect(error?.description.contains("db, key \"00000004") == true)
    #expect(error?.rule == "must be a class from 0 to 2")
  }

  @Test("names in a list of weights are trimmed")
  func weights() {
    #expect(
      SolverRun.models("a.caffemodel, b c.caffemodel ,d").map(\.relativePath)
        == ["a.caffemodel", "b c.caffemodel", "d"])
  }

  @Test(
    "max_iter 0 takes no iteration; a net of DummyData trains; an input that nobody fills is refused"
  )
  func noDatabase() throws {
    let workshop = try Situation()
    func net(_ filler: String) -> String {
      """
      layer { name: "data" type: "DummyData" top: "data" top: "label"
        dummy_data_param { shape { dim: 4 dim: 5 } shape { dim: 4 }
          data_filler { \(filler) } data_filler { type: "constant" value: 1 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
      """
    }
    try workshop.file("net.prototxt", net("type: \"constant\" value: 1"))
    let solver =
      "net: \"net.prototxt\" base_lr: 0.1 lr_policy: \"fixed\" display: 1 snapshot_after_train: false"
    // Weights of 0, data of 1, label 1: the first steps can be followed by hand. Gradients of scores are
    // 1/3, -2/3, 1/3 over the batch; five weights and a bias make each score move by six times that.
    let losses = numbers(
      try solve(workshop.file("s.prototxt", solver + " max_iter: 2")), behind: ", loss = ")
    let step = 0.1 * 6.0
    let expected = -log(exp(2 * step / 3) / (exp(2 * step / 3) + 2 * exp(-step / 3)))
    #expect(abs(losses[0] - 1.09861) < 1e-5 && abs(losses[1] - expected) < 1e-5, "\(losses)")
    let none = try solve(workshop.file("s.prototxt", solver))
    #expect(numbers(none, behind: ", loss = ") == [1.09861])

    try workshop.file("net.prototxt", net("type: \"gaussian\""))
    let noise = try solve(workshop.file("s.prototxt", solver + " max_iter: 3"))
    #expect(numbers(noise, behind: ", loss = ").count == 4)
    // Only records are read block by block.
    let uncut = #expect(throws: CaffeFileError.self) {
      try solve(workshop.file("s.prototxt", solver + " max_iter: 3"), blocks: 2)
    }
    #expect(uncut?.description.contains("blob \"data\" is filled by a DummyData layer") == true)

    try workshop.file(
      "net.prototxt",
      net("type: \"gaussian\"").replacingOccurrences(of: "DummyData", with: "Input")
        .replacingOccurrences(of: "dummy_data_param", with: "input_param")
        .replacing(/data_filler \{[^}]*\}/, with: ""))
    let error = #expect(throws: CaffeFileError.self) {
      try solve(workshop.file("s.prototxt", solver))
    }
    #expect(error?.problem.hasPrefix("nothing fills blob \"data\"") == true)
  }
}

/// A folder of files that is gone when its user is.
private final class Situation {
  let folder = FileManager.default.temporaryDirectory.appending(path: "situation-\(UUID())")

  init(copying other: URL? = nil) throws {
    if let other {
      try FileManager.default.copyItem(at: other, to: folder)
    } else {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  @discardableResult
  func file(_ name: String, _ text: String) throws -> URL {
    let url = folder.appending(path: name)
    try Data(text.utf8).write(to: url)
    return url
  }
}

@Suite("ImageData layers")
struct ImageDataTests {
  private let workshop: Situation

  init() throws {
    workshop = try Situation()
    let pictures = situations.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "pictures")
    var list = ""
    for (label, name) in ["colour", "even", "resized_64x64", "resized_37x80", "small"].enumerated()
    {
      try FileManager.default.copyItem(
        at: pictures.appending(path: name + ".png"),
        to: workshop.folder.appending(path: name + ".png"))
      list += "\(name).png \(label)\n"
    }
    try workshop.file("list.txt", list)
  }

  /// Two ImageData layers and one of a database draw one after another, each in Caffe's order: transformer,
  /// order, skip, transformer.
  @Test("draw as Caffe's do")
  func draws() throws {
    let database = situations.deletingLastPathComponent().appending(path: "lmdb/raw_lmdb").path
    try workshop.file(
      "net.prototxt",
      """
      layer { name: "a" type: "Data" top: "a" transform_param { mirror: true crop_size: 30 }
        data_param { source: "\(database)" batch_size: 6 backend: LMDB } }
      layer { name: "plain" type: "ImageData" top: "plain" top: "plainlabel"
        image_data_param { source: "list.txt" batch_size: 6 new_height: 6 new_width: 7 } }
      layer { name: "b" type: "ImageData" top: "data" top: "label"
        transform_param { mirror: true crop_size: 5 mean_value: 100 scale: 0.5 }
        image_data_param { source: "list.txt" batch_size: 6 new_height: 8 new_width: 9 shuffle: true
          rand_skip: 4 is_color: false } }
      layer { name: "quiet" type: "Silence" bottom: "a" bottom: "plain" bottom: "plainlabel" }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
      """)
    let solver = try workshop.file(
      "s.prototxt",
      "net: \"net.prototxt\" base_lr: 0.1 lr_policy: \"fixed\" max_iter: 1 random_seed: 77")
    let run = try SolverRun(solver) { _ in }
    try run.training.step()
    let network = run.solver.network

    var seeds = MersenneTwister(seed: 77)
    let outputs = (0..<6).map { _ in seeds.next() as UInt32 }
    func batch(
      _ source: any RecordSource, _ transformer: DataTransformer, first: Int, seed: UInt32
    ) throws -> Batch {
      var loader = try BatchLoader(
        source, transformer: transformer, images: 6, isTraining: true,
        state: LoaderState(nextRecord: first, random: MersenneTwister(seed: seed)))
      var batch = loader.makeBatch()
      try loader.fill(&batch)
      return batch
    }
    let list = workshop.folder.appending(path: "list.txt")
    let folder = workshop.folder.path + "/"
    let a = try batch(
      DatumDatabase(database), DataTransformer(cropSize: 30, mirror: true), first: 0,
      seed: outputs[1])
    let plain = try batch(
      ListedPictures(list, folder: folder, size: (6, 7)), DataTransformer(), first: 0, seed: 0)
    let b = try batch(
      ListedPictures(
        list, folder: folder, size: (8, 9), isGray: true,
        shuffledBy: MersenneTwister(seed: outputs[3])),
      DataTransformer(cropSize: 5, mean: .perChannel([100]), scale: 0.5, mirror: true),
      first: Int(outputs[4] % 4), seed: outputs[5])
    let blobs = ["a", "plain", "data"].map { network.blob($0)?.elements }
    #expect(blobs == [a.images.elements, plain.images.elements, b.images.elements])
    #expect(network.labels == b.labels)
    #expect(network.blob("plainlabel")?.elements == plain.labels.map(Float.init))
  }

  @Test("fine-tune: weights by name, a new last layer, pictures from a list")
  func fineTuning() throws {
    let tiny = situations.deletingLastPathComponent().appending(path: "tiny35")
    let net = try String(contentsOf: tiny.appending(path: "net.prototxt"), encoding: .utf8)
    let layers = try #require(net.range(of: "layer { name: \"conv1\""))
    try workshop.file(
      "net.prototxt",
      """
      layer { name: "data" type: "ImageData" top: "data" top: "label" include { phase: TRAIN }
        transform_param { crop_size: 35 mirror: true mean_value: 104 mean_value: 117 mean_value: 123 }
        image_data_param { source: "list.txt" batch_size: 5 new_height: 40 new_width: 40 shuffle: true } }
      layer { name: "data" type: "ImageData" top: "data" top: "label" include { phase: TEST }
        transform_param { crop_size: 35 mean_value: 104 mean_value: 117 mean_value: 123 }
        image_data_param { source: "list.txt" batch_size: 5 new_height: 40 new_width: 40 } }

      """ + net[layers.lowerBound...].replacingOccurrences(of: "fc3", with: "fc3_style"))
    let solver = try workshop.file(
      "s.prototxt",
      """
      net: "net.prototxt" base_lr: 3e-6 lr_policy: "fixed" momentum: 0.9 max_iter: 20 random_seed: 1
      test_iter: 1 test_interval: 20 snapshot_prefix: "\(workshop.folder.path)/tuned"
      """)
    var lines: [String] = []
    let run = try SolverRun(solver) { lines.append($0) }
    try run.start(from: tiny.appending(path: "weights.caffemodel"))
    #expect(lines.contains("Ignoring source layer fc3"))
    let start = try CaffeModel(contentsOf: tiny.appending(path: "weights.caffemodel"))
    let conv1 = try #require(start.message.layer.first { $0.name == "conv1" })
    #expect(run.solver.network.parameters[0][0].elements == conv1.blobs[0].data)
    try run.solve()
    let tests = lines.filter { $0.hasPrefix("    Test net output") && $0.contains("loss = ") }
      .compactMap { Double($0.components(separatedBy: "loss = ")[1].prefix { $0 != " " }) }
    #expect(tests.count == 2)
    // From ln 10 of a last layer of zeros; four of the five pictures are one in several sizes, so that
    // little more can be learnt than that there are five.
    #expect(abs(tests[0] - 2.30259) < 1e-4 && tests[1] < 1.5, "\(tests)")
    #expect(
      FileManager.default.fileExists(
        atPath: workshop.folder.appending(path: "tuned_iter_20.caffemodel").path))
  }

  @Test(
    "what is wrong has its place",
    arguments: [
      (
        "source: \"none.txt\" batch_size: 2 new_height: 8 new_width: 8",
        "none.txt: cannot be opened"
      ),
      ("source: \"list.txt\" batch_size: 2 new_height: 8", "new_height and new_width go together"),
      ("source: \"list.txt\" batch_size: 0", "\"batch_size\" must be at least 1"),
    ])
  func refusals(parameters: String, problem: String) throws {
    try workshop.file(
      "net.prototxt",
      """
      layer { name: "data" type: "ImageData" top: "data" top: "label" image_data_param { \(parameters) } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
      """)
    let solver = try workshop.file(
      "s.prototxt", "net: \"net.prototxt\" base_lr: 0.1 lr_policy: \"fixed\" max_iter: 1")
    let error = #expect(throws: CaffeFileError.self) { try SolverRun(solver) { _ in } }
    #expect(error?.description.contains("net.prototxt:1:") == true, "\(error?.description ?? "")")
    #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
  }

  @Test("pictures of other sizes than the first are refused with their line")
  func sizes() throws {
    try workshop.file(
      "net.prototxt",
      """
      layer { name: "data" type: "ImageData" top: "data" top: "label"
        image_data_param { source: "list.txt" batch_size: 2 } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
      """)
    let solver = try workshop.file(
      "s.prototxt", "net: \"net.prototxt\" base_lr: 0.1 lr_policy: \"fixed\" max_iter: 1")
    let run = try SolverRun(solver) { _ in }
    let error = #expect(throws: DatasetError.self) { try run.training.step() }
    #expect(error?.description.contains("list.txt:2, ") == true, "\(error?.description ?? "")")
  }
}
