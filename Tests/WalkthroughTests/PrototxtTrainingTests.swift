import CaffeTools
import Datasets
import Foundation
import Testing
import Training

@testable import walkthrough

/// What `prototxt --named` writes is what `train` trains.
@Suite("a network's own prototxt")
struct PrototxtTrainingTests {
  /// torchvision's network has a layer that Caffe has no type for.
  @Test(
    "trains as the built-in network does, bit for bit",
    arguments: NetworkChoice.allCases.filter { $0 != .torchvision })
  func sameRun(network: NetworkChoice) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "prototxt-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // As large as the crop, so that there is one way to crop.
    let side = network.definition().imageShape[1]
    let database = folder.appending(path: "db").path
    let writer = try DatumDatabaseWriter(database)
    let pictures = try SyntheticImages(seed: 3, side: side)
    for record in 0..<2 {
      try writer.append(try pictures.datum(record).message(), name: "\(record)")
    }
    try writer.finish()

    let text = try WritePrototxt.parse([
      "--named", "--network", network.rawValue, "--train-lmdb", database, "--test-lmdb", database,
    ]).files()[0].text
    #expect(text.contains("mirror: true") && text.contains("batch_size: 256"))
    // Both learn from the same two pictures, as they are.
    try Data(
      text.replacing("mirror: true", with: "mirror: false")
        .replacing("batch_size: 256", with: "batch_size: 2").utf8
    ).write(to: folder.appending(path: "train_val.prototxt"))
    let solver = folder.appending(path: "solver.prototxt")
    try Data(
      """
      net: "train_val.prototxt" base_lr: 0.005 lr_policy: "fixed" momentum: 0.9
      weight_decay: 0.0005 max_iter: 3 test_iter: 1 test_interval: 1000
      test_initialization: false snapshot_after_train: false snapshot_prefix: "none" random_seed: 7
      """.utf8
    ).write(to: solver)
    var settings = TrainSettings(network: network)
    (settings.dataset, settings.testDataset) = (database, database)
    (settings.batch, settings.seed, settings.isAugmented) = (2, 7, false)
    (settings.policy, settings.baseLearningRate, settings.testImages) = (.fixed, 0.005, 2)
    let builtIn = try TrainSession(settings, threads: nil).run

    let own = try SolverRun(solver) { _ in }
    for (mine, theirs) in zip(
      own.solver.network.parameters.joined(), builtIn.network.parameters.joined())
    {
      // A prototxt's numbers are floats, 0.01 for the deviation among them: so the first weights may be
      // one rounding apart, 2⁻²³ of each.
      #expect(mine.largestDifference(to: theirs) <= 0x1p-23 * theirs.largestMagnitude)
    }
    own.solver.network.parameters = builtIn.network.parameters
    try own.solve()
    for _ in 0..<3 { try builtIn.step() }
    #expect(own.training.log.losses == builtIn.log.losses)
    #expect(own.solver.network.parameterDigest == builtIn.network.parameterDigest)
  }
}
