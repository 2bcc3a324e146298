import Foundation
import NumPyFiles
import ONNXFiles
import ONNXMessages
import TensorFiles
import Tensors
import Testing

@Suite final class ModelTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "onnx-\(UUID())")

  init() throws {
    try FileManager.default.createDirectory(
      at: folder.appending(path: "model/data"), withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// PyTorch's exporter keeps the names of the state dict, and its numbers: four files, one network.
  @Test(arguments: ["tiny_tv_dynamo", "tiny_tv_legacy"])
  func givesTheWeightsByName(name: String) throws {
    let tensors = try ONNXModel(contentsOf: fixture("nets/\(name).onnx")).tensors()
    let expected = try SafeTensors(contentsOf: fixture("nets/tiny_tv.safetensors")).tensors
    #expect(try PyTorchFile(contentsOf: fixture("nets/tiny_tv.pth")).tensors.names.count == 16)
    for name in expected.names { #expect(tensors[name] == expected[name], "\(name)") }
  }

  /// A model with one initializer.
  private func model(_ change: (inout Onnx_TensorProto) -> Void) -> Onnx_ModelProto {
    var tensor = Onnx_TensorProto()
    tensor.name = "w"
    tensor.dims = [2]
    tensor.dataType = 1
    change(&tensor)
    var model = Onnx_ModelProto()
    model.irVersion = 8
    model.opsetImport = [Onnx_OperatorSetIdProto()]
    model.opsetImport[0].version = 13
    model.graph.initializer = [tensor]
    return model
  }

  private func tensors(_ change: (inout Onnx_TensorProto) -> Void) throws -> NumPyArchive {
    let bytes: [UInt8] = try model(change).serializedBytes()
    let url = folder.appending(path: "model/a.onnx")
    try Data(bytes).write(to: url)
    return try ONNXModel(contentsOf: url).tensors()
  }

  @Test func readsEveryFieldOfNumbers() throws {
    let cases: [(Int32, (inout Onnx_TensorProto) -> Void, String, [Double])] = [
      (1, { $0.floatData = [1.5, -2] }, "f4", [1.5, -2]),
      (11, { $0.doubleData = [0.1, -2] }, "f8", [0.1, -2]),
      (7, { $0.int64Data = [-1, 7] }, "i8", [-1, 7]),
      (13, { $0.uint64Data = [1, 7] }, "u8", [1, 7]),
      (12, { $0.uint64Data = [1, 4_294_967_295] }, "u4", [1, 4_294_967_295]),
      (6, { $0.int32Data = [-1, 7] }, "i4", [-1, 7]),
      (5, { $0.int32Data = [-1, 7] }, "i2", [-1, 7]),
      (3, { $0.int32Data = [-128, 7] }, "i1", [-128, 7]),
      (2, { $0.int32Data = [255, 7] }, "u1", [255, 7]),
      (4, { $0.int32Data = [65535, 7] }, "u2", [65535, 7]),
      (9, { $0.int32Data = [1, 0] }, "b1", [1, 0]),
      (10, { $0.int32Data = [0x3C00, 0xC000] }, "f4", [1, -2]),
      (16, { $0.int32Data = [0x3F80, 0xC000] }, "f4", [1, -2]),
      (1, { $0.rawData = Data([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]) }, "f4", [1, -2]),
    ]
    for (type, change, name, numbers) in cases {
      let array = try #require(
        tensors {
          $0.dataType = type
          change(&$0)
        }["w"])
      #expect(array.elementType.rawValue == name)
      #expect(array.tensor(as: Double.self).elements == numbers)
    }
  }

  private func reference(_ facts: [String: String]) -> (inout Onnx_TensorProto) -> Void {
    { tensor in
      tensor.dataLocation = .external
      tensor.externalData = facts.map { key, value in
        var entry = Onnx_StringStringEntryProto()
        (entry.key, entry.value) = (key, value)
        return entry
      }
    }
  }

  @Test func readsFilesInTheModelsFolderOnly() throws {
    let numbers = Data([9, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])
    try numbers.write(to: folder.appending(path: "model/data/w.bin"))
    try numbers.dropFirst().write(to: folder.appending(path: "outside.bin"))
    try numbers.dropFirst().write(to: folder.appending(path: "model/inside.bin"))
    for (link, target) in [("out", "../outside.bin"), ("in", "inside.bin")] {
      try FileManager.default.createSymbolicLink(
        atPath: folder.appending(path: "model/\(link)").path, withDestinationPath: target)
    }
    for facts in [
      ["location": "data/w.bin", "offset": "1"], ["location": "./data/w.bin", "offset": "1"],
      ["location": "data/w.bin", "offset": "1", "length": "8"], ["location": "in"],
    ] {
      let array = try tensors(reference(facts))["w"]
      #expect(array?.tensor(as: Float.self).elements == [1, -2], "\(facts)")
    }
    for (facts, message) in [
      (["location": "../outside.bin"], "no path inside"), (["location": ""], "no path inside"),
      (["location": "data/../../outside.bin"], "no path inside"),
      (["location": "/etc/hostname"], "no path inside"),
      (["location": "C:\\w.bin"], "no path inside"),
      (["location": "data//w.bin"], "no path inside"),
      (["location": "out"], "no file inside"), (["location": "data"], "no file inside"),
      (["location": "nowhere"], "which is missing"),
      (["location": "data/w.bin", "offset": "2"], "has 7 bytes in"),
      (["location": "data/w.bin", "offset": "10"], "begin at byte 10"),
      (["location": "data/w.bin", "offset": "-1"], "not a whole number"),
      (["location": "data/w.bin", "offset": "9223372036854775808"], "not a whole number"),
      (["location": "data/w.bin", "offset": "1", "length": "9"], "reach beyond"),
      (["location": "data/w.bin", "length": "9223372036854775807"], "reach beyond"),
    ] {
      let error = #expect(throws: TensorFileError.self) { try tensors(reference(facts)) }
      let text = error.map { "\($0)" } ?? ""
      #expect(text.contains(message), "\(text)")
      #expect(error?.part == "initializer \"w\"")
    }
    let bytes: [UInt8] = try model(reference(["location": "in"])).serializedBytes()
    let error = #expect(throws: TensorFileError.self) {
      try ONNXModel(decoding: bytes).tensors()
    }
    #expect(error?.problem.contains("has no folder") == true)
  }

  @Test(arguments: ["onnx/base.onnx", "nets/tiny_zoo_alexnet.onnx"])
  func everyTruncationIsAnError(path: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture(path)))
    for length in stride(from: 0, to: whole.count, by: 1 + whole.count / 2000) {
      #expect(throws: TensorFileError.self, "\(length)") {
        try ONNXNetwork(ONNXModel(decoding: Array(whole.prefix(length))))
      }
    }
  }

  /// Bytes changed, cut out, doubled: whatever comes of it, reading returns or throws.
  @Test(arguments: [
    "onnx/base.onnx", "onnx/nodes/matmul_add.onnx", "onnx/nodes/max_zoo_pad_after.onnx",
    "onnx/nodes/reshape_constant.onnx", "onnx/nodes/constant_of_shape.onnx",
  ])
  func mutatedFilesNeverTrap(path: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture(path)))
    var generator = SplitMix64(seed: 2012)
    var refused = 0
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let position = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
        case 2: bytes.remove(at: position)
        default: bytes.insert(bytes[position], at: position)
        }
      }
      do { _ = try ONNXNetwork(ONNXModel(decoding: bytes)) } catch { refused += 1 }
    }
    #expect(refused > 500)  // most of the mutations hit something that matters
  }
}
