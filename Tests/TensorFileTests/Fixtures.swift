import Foundation
import NumPyFiles
import Tensors
import Testing

/// A file of `Tests/Fixtures/interop`.
func fixture(_ path: String) -> URL {
  URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/interop").appending(path: path)
}

/// What `cases.json` of a format says.
struct Cases: Decodable {
  struct Good: Decodable, CustomTestStringConvertible {
    struct Tensor: Decodable {
      var dtype: String
      var shape: [Int]
    }

    var name: String
    var file: String
    var inside: String?
    var metadata: [String: String]?
    var tensors: [String: Tensor]
    var testDescription: String { name }
  }

  struct Bad: Decodable, CustomTestStringConvertible {
    var name: String
    var file: String
    var verdict: String
    var messageShouldName: [String]?
    var testDescription: String { name }
  }

  var good: [Good]
  var bad: [Bad]

  /// The cases of a folder; none if the folder can't be read, which a test notices.
  static func of(_ format: String) -> Cases {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let data = try? Data(contentsOf: fixture("\(format)/cases.json")),
      let cases = try? decoder.decode(Cases.self, from: data)
    else { return Cases(good: [], bad: []) }
    return cases
  }
}

/// Compares what was read with what the program of the format says: shapes, types and every bit of
/// the numbers (NaN is NaN).
func expect(
  _ tensors: NumPyArchive, toBe test: Cases.Good, of format: String
) throws {
  let expected = try NumPyArchive(contentsOf: fixture("\(format)/expected.npz"))
  #expect(Set(tensors.names) == Set(test.tensors.keys))
  for (name, facts) in test.tensors {
    let array = try #require(tensors[name])
    #expect(array.shape.dimensions == facts.shape)
    let types = [
      "float32": "f4", "float16": "f4", "bfloat16": "f4", "float64": "f8", "int64": "i8",
      "int32": "i4", "int8": "i1", "uint8": "u1", "bool": "b1",
    ]
    #expect(array.elementType.rawValue == types[facts.dtype], "\(name)")
    let truth = try #require(expected["\(test.name)/\(name)"])
    if facts.dtype == "int64" {
      #expect(try array.integers() == truth.integers())
    } else {
      let (read, wanted) = (array.tensor(as: Double.self), truth.tensor(as: Double.self))
      #expect(read.shape == wanted.shape)
      for (x, y) in zip(read.elements, wanted.elements) {
        #expect(x.bitPattern == y.bitPattern || (x.isNaN && y.isNaN), "\(name)")
      }
    }
  }
}

extension [UInt8] {
  /// Flips a bit, sets a byte, writes a large number, or removes, doubles or cuts a stretch.
  mutating func mutate(using generator: inout SplitMix64) {
    guard !isEmpty else { return }
    let position = Int.random(in: 0..<count, using: &generator)
    let end = Swift.min(count, position + Int.random(in: 1...16, using: &generator))
    switch Int.random(in: 0..<7, using: &generator) {
    case 0: self[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1: self[position] = UInt8.random(in: 0...255, using: &generator)
    case 2: for i in position..<Swift.min(count, position + 4) { self[i] = 0xFF }
    case 3: self[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
    case 4: removeSubrange(position..<end)
    case 5: insert(contentsOf: Array(self[position..<end]), at: position)
    default: removeSubrange(position...)
    }
  }
}
