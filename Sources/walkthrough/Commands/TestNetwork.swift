import ArgumentParser
import CaffeFormats
import CaffeTools
import Foundation
import Training
import Tuned
import WholeFiles

/// How right a network is.
struct TestNetwork: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Measures accuracy and loss of a network on an LMDB database, as caffe test does.",
    discussion: """
      Prints every output of every batch, then the means over all batches, in Caffe's words. The \
      database is that of the Data layer that the network has in its phase of testing, or that of \
      --dataset. A network without a Data layer, as a deploy.prototxt, gets the middle of each \
      picture, the mean subtracted; where it has no loss and no accuracy, those of its scores are \
      measured.

      Without --net and --solver, mini is tested on synthetic pictures: the trained one that comes with \
      the package, or that of --weights.
      """)

  @Option(
    help:
      "The network: a .prototxt, for example train_val.prototxt; mini without --solver if left out."
  )
  var net: String?

  @Option(help: "A solver.prototxt instead: its test nets, each with its test_iter.")
  var solver: String?

  @Option(help: "Its weights: a .caffemodel; if left out, those that come with mini.")
  var weights: String?

  @Option(help: "The LMDB database to test on, instead of the one that the Data layer names.")
  var dataset: String?

  @Option(
    help:
      "The mean for a network without a Data layer: a .binaryproto, an .npy, or numbers; 104,117,123 if not."
  )
  var mean: String?

  @Option(
    parsing: .unconditional,
    help:
      "What such a network's pixels are multiplied by; 1 if left out; mini was trained with 1/64.")
  var inputScale: Float?

  @Option(
    parsing: .unconditional,
    help: "How many batches; if left out, as many as it takes to see every record, or the solver's."
  )
  var iterations: Int?

  @Option(
    parsing: .unconditional,
    help:
      "Of mini: the seed of the pictures; 1 if left out. --seed 2012 gives those it learnt from.")
  var seed: UInt32?
  @OptionGroup var exactness: ExactOption

  @Flag(help: "Print JSON for programs.")
  var json = false

  func validate() throws {
    guard net == nil || solver == nil else {
      throw ValidationError("--net and --solver: give one of the two.")
    }
    guard net != nil || dataset == nil && mean == nil && inputScale == nil else {
      throw ValidationError(
        "--dataset, --mean and --input-scale go with --net: a solver's nets have their own, and mini "
          + "without --net is tested on synthetic pictures.")
    }
    guard net == nil && solver == nil || weights != nil else {
      throw ValidationError("--net and --solver need --weights: what the network has learnt.")
    }
    guard net == nil && solver == nil || seed == nil else {
      throw ValidationError("--seed is that of synthetic pictures: leave out --net and --solver.")
    }
    guard (inputScale ?? 1).isFinite else {
      throw ValidationError("--input-scale \(inputScale ?? 1): must be finite.")
    }
    guard (1...100_000_000).contains(iterations ?? 1) else {
      throw ValidationError("--iterations \(iterations ?? 1): must be from 1 to 100000000.")
    }
  }

  func run() throws {
    guard let weights = weights.map({ URL(fileNamed: $0) }), net != nil || solver != nil else {
      return try testMini()
    }
    let backend = TunedBackend(isExact: exactness.exact)
    let tests =
      if let net {
        [
          try NetworkTest(
            net: URL(fileNamed: net), weights: weights, dataset: dataset,
            preparation: mean == nil && inputScale == nil
              ? nil
              : .init(mean: mean.map { PictureMean($0) } ?? .caffenet, scale: inputScale ?? 1),
            iterations: iterations, backend: backend)
        ]
      } else {
        try NetworkTest.nets(
          ofSolver: URL(fileNamed: solver ?? ""), weights: weights, iterations: iterations,
          backend: backend)
      }
    if json { return print(try JSON.text(tests.map { Row($0, try $0.run()) })) }
    for (number, test) in tests.enumerated() {
      if solver != nil { print("Testing net (#\(number))") }
      print(Self.opening(test))
      let means = try test.run { batch, outputs in
        for output in outputs {
          print(
            "Batch \(batch), \(Escaping.visible(output.name)) = \(NetworkTest.number(output.value))"
          )
        }
        // Whoever follows through a pipe sees each line when it is written.
        fflush(nil)
      }
      print("Loss: \(NetworkTest.number(means.loss))")
      for output in means { print(Escaping.visible("\(output)")) }
    }
  }

  /// Tests mini on synthetic pictures, in the same words.
  private func testMini() throws {
    let model =
      try weights.map { try CaffeModel(contentsOf: URL(fileNamed: $0)) }
      ?? TrainedMini.model()
    let result = try TrainedMini.test(
      model, seed: seed ?? 1, batches: iterations ?? 20,
      backend: TunedBackend(isExact: exactness.exact))
    let images = result.confusion.joined().reduce(0, +)
    if json { return print(try JSON.text(MiniRow(result))) }
    print(
      "Tested \(model.file) on \(Format.grouped(images)) synthetic pictures of seed \(seed ?? 1).")
    print("Loss: \(NetworkTest.number(result.loss))")
    print("accuracy = \(NetworkTest.number(result.accuracy))")
    for (label, row) in result.confusion.enumerated() {
      let name = TrainedMini.classNames[label]
      print("  \(Format.padded(name, 16)) \(row[label]) of \(row.reduce(0, +))")
    }
  }

  /// What a test of mini found, for programs.
  private struct MiniRow: Encodable {
    var images: Int
    var loss: Double
    var accuracy: Double
    var classNames = TrainedMini.classNames
    /// Images by their class (row) and what they were taken for (column).
    var confusion: [[Int]]

    init(_ result: EvaluationResult) {
      images = result.confusion.joined().reduce(0, +)
      loss = result.loss
      accuracy = result.accuracy
      confusion = result.confusion
    }
  }

  /// How many iterations, and what they mean for the records where not each is seen equally often.
  private static func opening(_ test: NetworkTest) -> String {
    let images = test.iterations * test.batch
    let uneven = test.records > 0 && images % test.records != 0
    return "Running for \(test.iterations) iterations."
      + (uneven
        ? " \(Format.grouped(images)) images of \(Format.grouped(test.records)) records: "
          + (images < test.records ? "the first ones." : "the first ones count once more.") : "")
  }

  /// What a test found, for programs.
  private struct Row: Encodable {
    var iterations: Int
    var images: Int
    var records: Int
    var loss: Float
    var outputs: [NetworkTest.Output]

    init(_ test: NetworkTest, _ means: [NetworkTest.Output]) {
      iterations = test.iterations
      images = test.iterations * test.batch
      records = test.records
      loss = means.loss
      outputs = means
    }
  }
}
