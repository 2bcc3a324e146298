import Datasets
import Foundation
import Layers
import Networks
import Training

/// Everything that decides what a training run does. A snapshot carries it along, so that a resumed
/// run needs no options.
struct TrainSettings: Codable, Equatable {
  var network = NetworkChoice.mini
  var version = Version.tuned
  var batch = 32
  var iterations = 2000
  var baseLearningRate: Float = 0.005
  var policy = Policy.poly
  var gamma: Float = 0.1
  var power: Float = 1
  var stepSize = 300
  var stepValues: [Int] = []
  var momentum: Float = 0.9
  var weightDecay: Float = 5e-4
  var regularization = Regularization.l2
  var gradientNormLimit: Float?
  var gradientAccumulationSteps = 1
  var seed: UInt32 = 1
  /// The pictures to learn from, again and again.
  var images = 8000
  /// The pictures to test on, if there are so many.
  var testImages = 500
  /// The database to learn from; `nil` draws synthetic pictures.
  var dataset: String?
  /// The database to test on; `nil` takes pictures that are split off the one to learn from.
  var testDataset: String?
  /// How many pictures were split off, drawn by the seed. `nil` in a run of two databases, and in one of
  /// an earlier release, which tested on pictures that it learnt from.
  var splitOff: Int?
  /// The fingerprints of the databases, by which a run that goes on notices that they have changed.
  var fingerprint: String?
  var testFingerprint: String?
  var testInterval = 200
  var snapshotInterval = 0
  /// Whether pictures are cropped and mirrored at random in training; otherwise as in testing.
  var isAugmented = true
  var change = NetworkChange.none
  /// Left out by programs of old, whose batches are one block.
  private var storedBlocks: Int?
  /// Left out by programs of old, which computed in `Float`.
  private var storedPrecision: Precision?

  /// Into how many blocks a batch is cut.
  var blocks: Int {
    get { storedBlocks ?? 1 }
    set { storedBlocks = newValue == 1 ? nil : newValue }
  }

  /// Left out where it is false, as by programs of old.
  private var storedExactness: Bool?

  /// Whether tuned's convolutions keep to the definition's products.
  var isExact: Bool {
    get { storedExactness ?? false }
    set { storedExactness = newValue ? true : nil }
  }

  /// What the run computes with.
  var precision: Precision {
    get { storedPrecision ?? .float }
    set { storedPrecision = newValue == .float ? nil : newValue }
  }

  /// The names in snapshots, which stay when a property gets another.
  private enum CodingKeys: String, CodingKey {
    case network, version, batch, iterations, baseLearningRate, policy, gamma, power, stepSize
    case stepValues, momentum, weightDecay, regularization, gradientNormLimit
    case gradientAccumulationSteps = "passesPerIteration"
    case seed, images, testImages, dataset, testDataset, testInterval, snapshotInterval
    case splitOff, fingerprint, testFingerprint, isAugmented, change
    case storedBlocks = "blocks"
    case storedExactness = "exact"
    case storedPrecision = "precision"
  }

  /// Caffe's names of the policies.
  enum Policy: String, Codable, CaseIterable {
    case fixed, step, exp, inv, multistep, poly, sigmoid
  }

  /// Caffe's names of the regularisations.
  enum Regularization: String, Codable, CaseIterable {
    case l1 = "L1"
    case l2 = "L2"
  }

  /// The solver that these settings describe.
  var solver: SolverSpecification {
    SolverSpecification(
      baseLearningRate: baseLearningRate, policy: learningRatePolicy, momentum: momentum,
      weightDecay: weightDecay, regularization: regularization == .l1 ? .l1 : .l2,
      gradientNormLimit: gradientNormLimit, gradientAccumulationSteps: gradientAccumulationSteps)
  }

  private var learningRatePolicy: LearningRatePolicy {
    switch policy {
    case .fixed: .fixed
    case .step: .step(gamma: gamma, stepSize: stepSize)
    case .exp: .exponential(gamma: gamma)
    case .inv: .inverse(gamma: gamma, power: power)
    case .multistep: .multistep(gamma: gamma, stepValues: stepValues)
    case .poly: .polynomial(power: power, maxIterations: iterations)
    case .sigmoid: .sigmoid(gamma: gamma, stepSize: stepSize)
    }
  }

  /// As a snapshot carries them: with whole paths, so that a run goes on from any folder.
  func encoded() throws -> [UInt8] {
    var settings = self
    settings.dataset = dataset.map(Self.wholePath)
    settings.testDataset = testDataset.map(Self.wholePath)
    return Array(try JSON.compact(settings).utf8)
  }

  /// A path from the root; the path itself where the current folder isn't known.
  private static func wholePath(_ path: String) -> String {
    guard path.utf8.first != UInt8(ascii: "/") else { return path }
    let folder = FileManager.default.currentDirectoryPath
    return folder.isEmpty ? path : "\(folder)/\(path)"
  }

  /// Those that a snapshot carries.
  ///
  /// - Throws: `SettingsError` when it carries none.
  init(_ snapshot: Snapshot) throws {
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(snapshot.settings))
    } catch {
      throw SettingsError(description: "the snapshot's settings are of another program: \(error)")
    }
  }

  /// What suits a network.
  init(network: NetworkChoice) {
    self.network = network
    guard network != .mini else { return }
    // Caffe's models/bvlc_reference_caffenet/solver.prototxt has a rate of 0.01 for batches of 256;
    // with it, batches of 32 pictures end in NaN.
    policy = .fixed
    baseLearningRate = 0.001
    iterations = 300
    images = 1000
    testImages = 100
  }

  /// Throws `SettingsError` unless every number can be worked with. What belongs to the solver is
  /// checked there.
  func validate() throws(SettingsError) {
    for (option, value, range) in [
      ("--batch", batch, 1...65_536), ("--iterations", iterations, 1...100_000_000),
      ("--images", images, 1...1_000_000), ("--test-images", testImages, 1...1_000_000),
      ("--test-interval", testInterval, 0...100_000_000),
      ("--snapshot", snapshotInterval, 0...100_000_000),
      ("--iter-size", gradientAccumulationSteps, 1...65_536), ("--blocks", blocks, 1...65_536),
    ] where !range.contains(value) {
      throw SettingsError(
        description: "\(option) \(value): must be from \(range.lowerBound) to \(range.upperBound)")
    }
    guard batch % blocks == 0 else {
      throw SettingsError(
        description:
          "--blocks \(blocks): must divide the batch, as all blocks have the same number of "
          + "images; --batch is \(batch)")
    }
    guard precision == .float || version.doubleBackend() != nil else {
      throw SettingsError(
        description:
          "--precision double: --version \(version.rawValue) computes in Float only; take --version "
          + "reference or fast")
    }
  }

  /// The network, with its change.
  var definition: NetworkDefinition {
    change.applied(to: network.definition(includeAccuracy: false))
  }
}

/// Settings that can't be read, or contradict each other.
struct SettingsError: Error, CustomStringConvertible {
  let description: String
}
