import Foundation
import NumPyFiles
import Tensors
import TestTools
import Testing

@testable import TensorFiles

private let libraryIsPresent = Python.withLibraries.has("safetensors.numpy")

@Suite struct SafeTensorsTests {
  private static let cases = Cases.of("safetensors")

  @Test func thereAreCases() {
    #expect(Self.cases.good.count == 7)
    #expect(Self.cases.bad.count == 27)
  }

  @Test(arguments: cases.good)
  func readsWhatTheLibraryReads(test: Cases.Good) throws {
    let file = try SafeTensors(contentsOf: fixture("safetensors/\(test.file)"))
    try expect(file.tensors, toBe: test, of: "safetensors")
    #expect(file.metadata == test.metadata ?? [:])
  }

  @Test(arguments: cases.bad)
  func refusesWhatTheLibraryRefuses(test: Cases.Bad) {
    #expect(test.verdict == "refuse")
    let error = #expect(throws: TensorFileError.self) {
      try SafeTensors(contentsOf: fixture("safetensors/\(test.file)"))
    }
    #expect(error?.path.hasSuffix(test.file) == true)
    #expect(error?.problem.isEmpty == false)
  }

  /// A file with a given header, and zeros behind it.
  private static func file(_ header: String, data: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(UInt64(header.utf8.count))
    return bytes + Array(header.utf8) + [UInt8](repeating: 0, count: data)
  }

  @Test(arguments: [
    ("[]", "the header needs a '{' here"),
    ("{}x", "something follows the header's object"),
    ("{\"a\":3}", "the entry needs a '{' here"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "the entry is incomplete"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2]}}", "has \"shape\" twice"),
    ("{\"a\":{\"shape\":[2.0]}}", "must be a whole number"),
    ("{\"a\":{\"shape\":[02]}}", "must be a whole number"),
    ("{\"a\":{\"data_offsets\":[0,1,2]}}", "has more than 2 numbers"),
    (
      "{\"a\":{\"shape\":[\(Array(repeating: "1", count: 65).joined(separator: ","))]}}",
      "more than 64"
    ),
    ("{\"a\":{\"shape\":[4294967296],\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", "2^31 - 1"),
    (
      "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]}}", "F8_E4M3 are not read"
    ),
    ("{\"a\":{\"dtype\":\"f64\",\"shape\":[1],\"data_offsets\":[0,8]}}", "there is no type f64"),
    ("{\"a\\x\":{}}", "an escape that JSON doesn't know"),
    ("{\"a\\ud800\":{}}", "an escape that JSON doesn't know"),
    ("{\"a\n\":{}}", "a control character"),
    ("{\"a", "never ends"),
    ("{\"a\":{\"x\":nil}}", "needs a value here"),
    ("{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", "the metadata has the name \"a\" twice"),
    ("{\"__metadata__\":{},\"__metadata__\":{}}", "has the name \"__metadata__\" twice"),
  ])
  func namesWhatIsWrong(header: String, message: String) {
    let error = #expect(throws: TensorFileError.self) {
      try SafeTensors(decoding: Self.file(header, data: 8), name: "a.safetensors")
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(message), "\(text)")
    #expect(text.hasPrefix("a.safetensors, "), "\(text)")
    #expect(error?.offset != nil, "\(text)")
  }

  @Test func takesWhatTheFormatAllows() throws {
    let header = """
       {"a" : {"x":[1,{"y":-1.5e3}, true],"shape":[ 2 ,1],"data_offsets":[0,8],"dtype":"F32"},
       "\\ud83d\\ude00\\n\\/":{"dtype":"U8","shape":[0],"data_offsets":[8,8]}}\t
      """
    let file = try SafeTensors(decoding: Self.file(header, data: 8))
    #expect(file.tensors.names == ["a", "😀\n/"])
    #expect(file.tensors["a"]?.shape == Shape(2, 1))
  }

  @Test func tellsOtherFilesByTheirBeginning() {
    let others: [([UInt8], String)] = [
      (Array("version https://git-lfs.github.com/spec/v1\nsize 5\n".utf8), "Git LFS"),
      (Array("\n<!DOCTYPE html><html></html>".utf8), "HTML"),
      ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0], "HDF5"),
      ([0x93] + Array("NUMPY".utf8) + [1, 0, 0x76, 0], ".npy"),
      ([], "empty"),
    ]
    for (content, name) in others {
      let error = #expect(throws: TensorFileError.self) { try SafeTensors(decoding: content) }
      #expect(error?.problem.contains(name) == true)
      #expect(error?.remedy != nil)
    }
  }

  private static var sample: SafeTensors {
    var tensors = NumPyArchive()
    tensors["b \"ö\" \\ \n"] = NumPyArray(Tensor(Shape(2, 3), [0, 1, 2, 3, 4, 5] as [Float]))
    tensors["a"] = NumPyArray(Tensor(Shape(), [0.1] as [Float]))
    tensors["z"] = NumPyArray(Tensor(Shape(1, 2), [0.1, .nan] as [Double]))
    tensors["labels"] = NumPyArray([-1, 7])
    tensors["bytes"] = NumPyArray([1, 2, 3] as [UInt8])
    tensors["empty"] = NumPyArray(Tensor<Float>(Shape(0, 4)))
    return SafeTensors(tensors, metadata: ["network": "caffenet", "input": "BGR \"0..255\""])
  }

  @Test func readsWhatItWrites() throws {
    let bytes = try Self.sample.encoded()
    let again = try SafeTensors(decoding: bytes)
    #expect(again.metadata == Self.sample.metadata)
    // As the library orders them: 8 bytes, 4 bytes, 1 byte, and by name.
    #expect(again.tensors.names == ["labels", "z", "a", "b \"ö\" \\ \n", "empty", "bytes"])
    for name in again.tensors.names { #expect(again.tensors[name] == Self.sample.tensors[name]) }
    #expect(try bytes == again.encoded())
    let length = try #require(bytes.littleEndian(UInt64.self, at: 0))
    #expect(length % 8 == 0)
  }

  /// The order of `mixed.safetensors`, which the library wrote, without the two that are widened.
  @Test func ordersTensorsAsTheLibraryDoes() throws {
    var file = try SafeTensors(contentsOf: fixture("safetensors/mixed.safetensors"))
    for name in file.tensors.names where ["bf16", "f16"].contains(name) { file.tensors[name] = nil }
    let header = try #require(
      String(validating: try file.encoded().dropFirst(8).prefix { $0 != 0x20 }, as: UTF8.self))
    #expect(
      header == """
        {"__metadata__":{"format":"pt"},\
        "f64":{"dtype":"F64","shape":[3],"data_offsets":[0,24]},\
        "i64":{"dtype":"I64","shape":[2],"data_offsets":[24,40]},\
        "empty":{"dtype":"F32","shape":[0,3],"data_offsets":[40,40]},\
        "f32":{"dtype":"F32","shape":[2,3],"data_offsets":[40,64]},\
        "scalar":{"dtype":"F32","shape":[],"data_offsets":[64,68]},\
        "bool":{"dtype":"BOOL","shape":[3],"data_offsets":[68,71]},\
        "u8":{"dtype":"U8","shape":[2],"data_offsets":[71,73]}}
        """)
  }

  @Test(.enabled(if: libraryIsPresent, "script/python has not installed safetensors"))
  func theLibraryReadsWhatIsWrittenHere() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).safetensors")
    defer { try? FileManager.default.removeItem(at: file) }
    try Self.sample.write(to: file)
    let program = """
      import sys
      from safetensors import safe_open
      with safe_open(sys.argv[1], framework="numpy") as f:
          print(sorted(f.metadata().items()))
          for k in sorted(f.keys()):
              t = f.get_tensor(k)
              print(ascii(k), t.dtype, t.tolist())
      """
    #expect(
      Python.withLibraries.output(of: program, file.path) == """
        [('input', 'BGR "0..255"'), ('network', 'caffenet')]
        'a' float32 0.10000000149011612
        'b "\\xf6" \\\\ \\n' float32 [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
        'bytes' uint8 [1, 2, 3]
        'empty' float32 []
        'labels' int64 [-1, 7]
        'z' float64 [[0.1, nan]]

        """)
  }

  @Test(.enabled(if: libraryIsPresent, "script/python has not installed safetensors"))
  func theLibraryWritesTheSameBytes() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).safetensors")
    defer { try? FileManager.default.removeItem(at: file) }
    var sample = Self.sample
    sample.metadata["input"] = nil  // the library has no order for several
    try sample.write(to: file)
    let program = """
      import sys
      from safetensors.numpy import load_file, save
      data = open(sys.argv[1], "rb").read()
      print(save(load_file(sys.argv[1]), {"network": "caffenet"}) == data)
      """
    #expect(Python.withLibraries.output(of: program, file.path) == "True\n")
  }

  @Test func theNameOfTheMetadataIsTaken() throws {
    var tensors = NumPyArchive()
    tensors["__metadata__"] = NumPyArray([1])
    let error = #expect(throws: TensorFileError.self) { try SafeTensors(tensors).encoded() }
    #expect(error?.problem.contains("__metadata__") == true)
  }

  @Test func everyTruncationIsAnError() throws {
    let whole = [UInt8](try Data(contentsOf: fixture("safetensors/mixed.safetensors")))
    for length in whole.indices {
      #expect(throws: TensorFileError.self, "\(length)") {
        try SafeTensors(decoding: Array(whole.prefix(length)))
      }
    }
  }

  /// Bytes changed, cut out, doubled: whatever comes of it, reading returns or throws.
  @Test(arguments: ["mixed", "names", "order_back"])
  func mutatedFilesNeverTrap(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture("safetensors/\(name).safetensors")))
    var generator = SplitMix64(seed: 2012)
    var refused = 0
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &generator) { bytes.mutate(using: &generator) }
      do { _ = try SafeTensors(decoding: bytes) } catch { refused += 1 }
    }
    #expect(refused > 500)  // most of the mutations hit something that matters
  }
}
