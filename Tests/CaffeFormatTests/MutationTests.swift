import CaffeMessages
import Foundation
import Tensors
import Networks
import Testing

@testable import CaffeFormats

/// Small changes to a file, the same ones for the same seed.
private struct Mutator {
  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  private mutating func below(_ bound: Int) -> Int {
    Int(generator.next() % UInt64(max(bound, 1)))
  }

  /// Numbers that tend to break things: lengths, signs, the ends of strings.
  private static let spice: [[UInt8]] = [
    [0x00], [0xFF], [0x7F], [0x80], [0xFF, 0xFF, 0xFF, 0xFF, 0x07],
    Array(repeating: 0xFF, count: 10),
    Array("{".utf8), Array("}".utf8), Array("\"".utf8), Array(": -1 ".utf8), Array("[".utf8),
    Array("layer { ".utf8), Array("99999999999999999999".utf8), Array("1e999".utf8),
    Array("\\x".utf8),
    Array("num_output: 4294967295 ".utf8), Array("dim: 9223372036854775807 ".utf8),
  ]

  mutating func mutate(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0...below(4) {
      let place = below(bytes.count + 1)
      switch below(6) {
      case 0: if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: generator.next()) }
      case 1: if place < bytes.count { bytes[place] ^= 1 << UInt8(below(8)) }
      case 2: bytes.removeSubrange(place..<min(place + 1 + below(20), bytes.count))
      case 3: bytes.insert(contentsOf: Self.spice[below(Self.spice.count)], at: place)
      case 4:
        let end = min(place + 1 + below(60), bytes.count)
        bytes.insert(contentsOf: bytes[place..<end], at: below(bytes.count + 1))
      default: bytes.removeSubrange(min(place, bytes.count)...)
      }
    }
    return bytes
  }
}

/// Damaged files: each is refused with an error, or read, and never brings the program down.
@Suite("Damaged files")
struct MutationTests {
  private static let count = 10_000

  /// Runs every mutated file through a reader; how many of them it refused.
  private func refused(_ path: String, _ read: ([UInt8]) throws -> Void) throws -> Int {
    let original = try Fixture.bytes(path)
    try read(original)
    var mutator = Mutator(seed: 42)
    var refusals = 0
    for _ in 0..<Self.count {
      do {
        try read(mutator.mutate(original))
      } catch let error as CaffeFileError {
        // The file is named, and something is said of it.
        #expect(error.file == "file" && !error.problem.isEmpty)
        refusals += 1
      }
    }
    return refusals
  }

  @Test("of networks in text", arguments: ["tiny35/net.prototxt", "caffenet/test.upb.prototxt"])
  func prototxt(path: String) throws {
    let refusals = try refused(path) { bytes in
      let net = try NetPrototxt(Prototxt(decoding: bytes, file: "file"))
      _ = net.lint()
      _ = try net.network(phase: .training)
    }
    #expect(refusals > Self.count / 2)
  }

  @Test("of weights", arguments: ["weights.caffemodel", "weights_v1.caffemodel"])
  func caffemodel(name: String) throws {
    let definition = try NetPrototxt(contentsOf: Fixture.url("tiny35/net.prototxt"))
      .network(phase: .training).definition
    let plan = try NetworkPlan(definition)
    let refusals = try refused("tiny35/\(name)") { bytes in
      let model = try CaffeModel(decoding: bytes, file: "file")
      _ = try model.parameters(of: plan, as: Float.self)
    }
    #expect(refusals > Self.count / 10)
  }

  @Test("of solver states")
  func solverState() throws {
    let refusals = try refused("sgd_blobs/snap_iter_5.solverstate") { bytes in
      _ = try SolverStateFile<Float>(decoding: bytes, file: "file")
    }
    #expect(refusals > Self.count / 10)
  }

  @Test("of mean images")
  func mean() throws {
    let refusals = try refused("lmdb/mean.binaryproto") { bytes in
      _ = try MeanImage.decode(bytes, file: "file", as: Float.self)
    }
    #expect(refusals > Self.count / 10)
  }
}
