import Datasets
import Layers
import Networks
import NumPyFiles
import Tensors
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The state of a training run in one file, an `.npz` archive that numpy reads too.
///
/// `parameter/<layer>/<i>` and `history/<layer>/<i>` are the weights (0) and bias (1) of a layer
/// and the solver's last step on them, in the precision of the run: `f4` or `f8`. A run with an update rule
/// other than SGD has `rule`, its name, and `state/<rule>/<layer>/<i>/<k>` in the place of `history`: what the
/// rule remembers, its tensors counted by k. `iteration`, `dropout_random`, `loader_random` and `next_record`
/// are where everything stands, `losses` and `tests` what was measured (a row of `tests` holds
/// iteration, loss, accuracy and the update ratio of each parameter), `settings` whatever the owner
/// of the run needs to set it up again.
public struct Snapshot: Sendable {
  /// How many iterations had been taken.
  public let iteration: Int
  /// Where the loader stood.
  public let loader: LoaderState
  /// What had been measured.
  public let log: TrainingLog
  /// The owner's settings.
  public let settings: [UInt8]
  /// The name of the update rule.
  public let rule: String

  private let random: MersenneTwister
  private let archive: NumPyArchive

  private static var format: Int { 1 }

  init<Scalar>(
    of solver: Solver<Scalar>, loader: LoaderState, log: TrainingLog, settings: [UInt8]
  ) {
    let network = solver.network
    iteration = solver.iteration
    rule = solver.rule.name
    self.loader = loader
    self.log = log
    self.settings = settings
    random = network.context.random
    var archive = NumPyArchive()
    archive["format"] = NumPyArray([Self.format])
    archive["iteration"] = NumPyArray([iteration])
    archive["dropout_random"] = NumPyArray(random.words.map(Int.init))
    archive["loader_random"] = NumPyArray(loader.random.words.map(Int.init))
    archive["next_record"] = NumPyArray([loader.nextRecord])
    archive["losses"] = NumPyArray(
      Tensor(Shape(log.losses.count), log.losses.map { Scalar($0) }), in: Scalar.self)
    archive["tests"] = NumPyArray(log.testTable)
    archive["settings"] = NumPyArray(settings)
    for (index, layer) in network.definition.layers.enumerated() {
      for number in network.parameters[index].indices {
        archive["parameter/\(layer.name)/\(number)"] = NumPyArray(
          network.parameters[index][number], in: Scalar.self)
        for (k, state) in solver.states[index][number].enumerated() {
          archive[Self.name(ofState: k, of: rule, "\(layer.name)/\(number)")] = NumPyArray(
            state, in: Scalar.self)
        }
      }
    }
    if rule != SGD().name { archive["rule"] = NumPyArray(Array(rule.utf8)) }
    self.archive = archive
  }

  /// Reads a snapshot; checksums are verified, so that a damaged file is never resumed from.
  ///
  /// - Throws: `SnapshotError` naming the file and what is wrong with it.
  /// - Complexity: O(length) of the file, which is held in memory whole.
  public init(contentsOf url: URL) throws(SnapshotError) {
    let archive: NumPyArchive
    do throws(FileError) {
      archive = try NumPyArchive(contentsOf: url)
    } catch {
      throw SnapshotError(error)
    }
    try self.init(archive, file: url.relativePath)
  }

  /// Reads the content of a snapshot.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - file: what error messages call it.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: O(length).
  public init(decoding bytes: [UInt8], file: String = "snapshot") throws(SnapshotError) {
    let archive: NumPyArchive
    do throws(FileError) {
      archive = try NumPyArchive(decoding: bytes, name: file)
    } catch {
      throw SnapshotError(error)
    }
    try self.init(archive, file: file)
  }

  private init(_ archive: NumPyArchive, file: String) throws(SnapshotError) {
    func error(_ problem: String) -> SnapshotError {
      SnapshotError(path: file, problem: problem)
    }
    func integers(_ name: String) throws(SnapshotError) -> [Int] {
      guard let array = archive[name] else {
        throw error("is no snapshot of a training run: it has no array \"\(name)\"")
      }
      do { return try array.integers() } catch let problem {
        throw error("array \"\(name)\": \(problem)")
      }
    }
    // No run comes near: so whatever goes on counting from here doesn't overflow.
    let greatest = 1 << 60
    func integer(_ name: String) throws(SnapshotError) -> Int {
      let values = try integers(name)
      guard values.count == 1, (0...greatest).contains(values[0]) else {
        throw error("array \"\(name)\" must be one number from 0 to 2^60")
      }
      return values[0]
    }
    func generator(_ name: String) throws(SnapshotError) -> MersenneTwister {
      let words = try integers(name).compactMap(UInt32.init(exactly:))
      guard let generator = MersenneTwister(words: words) else {
        throw error("array \"\(name)\" must hold the 625 words of a Mersenne Twister")
      }
      return generator
    }
    let format = try integer("format")
    guard format == Self.format else {
      throw error("has format \(format); this program reads format \(Self.format)")
    }
    iteration = try integer("iteration")
    random = try generator("dropout_random")
    loader = LoaderState(
      nextRecord: try integer("next_record"), random: try generator("loader_random"))
    var log = TrainingLog()
    log.losses = archive["losses"]?.tensor(as: Double.self).elements ?? []
    guard log.losses.count <= iteration else {
      throw error("array \"losses\" holds \(log.losses.count) numbers for \(iteration) iterations")
    }
    if let table = archive["tests"]?.tensor(as: Double.self) {
      guard let tests = TrainingLog.tests(table) else {
        throw error(
          "array \"tests\" must hold rows of iteration, loss, accuracy from 0 to 1, and update ratios"
        )
      }
      let last = iteration
      guard tests.allSatisfy({ $0.iteration <= last }) else {
        throw error("array \"tests\" holds a test after iteration \(last), the snapshot's own")
      }
      log.tests = tests
    }
    self.log = log
    settings = try integers("settings").map { UInt8(truncatingIfNeeded: $0) }
    rule =
      archive["rule"] == nil
      ? SGD().name
      : String(decoding: try integers("rule").map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    self.archive = archive
  }

  /// Writes the snapshot: synced to the disk, whole or not at all.
  ///
  /// - Throws: `SnapshotError` when the folder is missing, the disk full, and the like.
  /// - Complexity: O(length) of the file: 8 bytes for each parameter, with SGD in `Float`.
  public func write(to url: URL) throws(SnapshotError) {
    do throws(FileError) {
      try archive.write(to: url)
    } catch {
      throw SnapshotError(error)
    }
  }

  /// The content of the file that `write(to:)` writes.
  ///
  /// - Throws: `SnapshotError` when a layer has a name that can't be in a file.
  /// - Complexity: O(length): 8 bytes for each parameter, with SGD in `Float`.
  public func encoded() throws(SnapshotError) -> [UInt8] {
    do throws(FileError) {
      return try archive.encoded()
    } catch {
      throw SnapshotError(error)
    }
  }

  /// Gives a network the parameters and the source of randomness of the one that was saved.
  ///
  /// - Throws: `SnapshotError` naming layer, parameter and both shapes where they differ, or both
  ///   precisions.
  /// - Complexity: O(parameters), allocating them.
  public func restore<Scalar>(_ network: Network<Scalar>) throws(SnapshotError) {
    network.parameters = try tensors(for: network) { "parameter/\($0)" }
    network.context.random = random
  }

  /// What the update rule remembered, by layer and parameter in the order of a network's.
  ///
  /// - Throws: `SnapshotError` for another rule than the snapshot's; as `restore`.
  /// - Complexity: O(parameters), allocating the rule's tensors for each.
  public func states<Scalar>(
    of rule: any UpdateRule, for network: Network<Scalar>
  ) throws(SnapshotError) -> [[[Tensor<Scalar>]]] {
    guard rule.name == self.rule else {
      throw SnapshotError(
        path: nil,
        problem:
          "the snapshot is of a run with the update rule \(self.rule); this run has \(rule.name). "
          + "Go on with \(self.rule), or start a run of its own from the parameters (restore)")
    }
    var states = network.parameters.map { $0.map { _ in [Tensor<Scalar>]() } }
    for k in 0..<rule.stateCount {
      let tensors = try tensors(for: network) { Self.name(ofState: k, of: rule.name, $0) }
      for layer in states.indices {
        for index in states[layer].indices { states[layer][index].append(tensors[layer][index]) }
      }
    }
    return states
  }

  /// The name of an array, for SGD as it was before there were other rules.
  private static func name(ofState k: Int, of rule: String, _ parameter: String) -> String {
    rule == SGD().name ? "history/\(parameter)" : "state/\(rule)/\(parameter)/\(k)"
  }

  /// A tensor for each parameter, from the array that `name` makes of `<layer>/<number>`.
  private func tensors<Scalar>(
    for network: Network<Scalar>, name: (String) -> String
  ) throws(SnapshotError) -> [[Tensor<Scalar>]] {
    var all: [[Tensor<Scalar>]] = []
    for (layer, row) in zip(network.definition.layers, network.plan.layers) {
      var tensors: [Tensor<Scalar>] = []
      for (number, parameter) in row.parameters.enumerated() {
        let name = name("\(layer.name)/\(number)")
        guard let array = archive[name] else {
          throw SnapshotError(
            path: nil, problem: "the snapshot has no \(name); it is of another network")
        }
        guard array.shape == parameter.shape else {
          throw SnapshotError(
            path: nil,
            problem:
              "layer \(layer.name), \(name): the snapshot's shape is \(array.shape), that of "
              + "the network \(parameter.shape)")
        }
        let type = NumPyElementType(Scalar.self)
        guard array.elementType == type else {
          throw SnapshotError(
            path: nil,
            problem: "\(name) is of type \(array.elementType.rawValue), and this run computes with "
              + "\(type.rawValue) (f4 is Float, f8 is Double): go on in the precision of the snapshot"
          )
        }
        tensors.append(array.tensor())
      }
      all.append(tensors)
    }
    return all
  }
}

extension NumPyElementType {
  /// The type in which a run's numbers are stored.
  fileprivate init<Scalar: Tensors.Scalar>(_ type: Scalar.Type) {
    self = type == Float.self ? .float32 : .float64
  }
}

extension NumPyArray {
  /// An array of the numbers of a tensor, in the precision of a run.
  fileprivate init<Scalar: Tensors.Scalar>(_ tensor: Tensor<Scalar>, in type: Scalar.Type) {
    if let floats = tensor as? Tensor<Float> {
      self.init(floats)
    } else {
      self.init(tensor.converted(to: Double.self))
    }
  }
}

extension Communicator {
  /// The snapshot of rank 0, on every rank.
  ///
  /// - Parameter snapshot: what rank 0 has; of other ranks it doesn't count.
  /// - Throws: `SnapshotError` on a rank that can't read it; what the communicator throws.
  /// - Complexity: O(length), behind the slowest rank.
  /// - Precondition: rank 0 has one.
  public func broadcast(_ snapshot: Snapshot?) throws -> Snapshot {
    let bytes = try broadcast(size > 1 ? snapshot?.encoded() ?? [] : [])
    guard rank > 0 else {
      guard let snapshot else { preconditionFailure("rank 0 has no snapshot") }
      return snapshot
    }
    return try Snapshot(decoding: bytes)
  }
}

/// A snapshot that can't be written or read, or doesn't fit.
public struct SnapshotError: Error, Equatable, CustomStringConvertible {
  /// What is wrong, and in which file.
  public let description: String

  init(path: String?, problem: String) {
    description = path.map { "\($0): \(problem)" } ?? problem
  }

  /// The file is named in it already.
  init(_ error: FileError) {
    self.init(path: nil, problem: error.description)
  }
}
