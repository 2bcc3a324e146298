import CaffeFormats
import CaffeMessages
import Foundation
import NumPyFiles
import Tensors
import TensorFiles
import Testing
import WholeFiles

@testable import walkthrough

@Suite("walkthrough convert-weights")
final class ConvertWeightsTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "weights-\(UUID())")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func fixture(_ path: String) -> String {
    Tools.tests.appending(path: "Fixtures").appending(path: path).path
  }

  @discardableResult
  private func convert(_ input: String, to name: String) throws -> URL {
    let output = folder.appending(path: name)
    var command = try Walkthrough.parseAsRoot(["convert-weights", input, output.path])
    try command.run()
    return output
  }

  /// Why a conversion fails, which has to leave nothing behind.
  private func refusal(_ input: String, to name: String) throws -> String {
    let before = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let error = #expect(throws: (any Error).self) { try convert(input, to: name) }
    let after = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(Set(after) == Set(before))
    return error.map { "\($0)" } ?? ""
  }

  private func write(_ name: String, _ arrays: [(String, NumPyArray)]) throws -> String {
    var archive = NumPyArchive()
    for (key, array) in arrays { archive[key] = array }
    let url = folder.appending(path: name)
    try archive.write(to: url)
    return url.path
  }

  private static func floats(_ shape: Shape) -> NumPyArray {
    NumPyArray(Tensor<Float>(shape, (0..<shape.count).map { Float($0) / 7 }))
  }

  @Test("turns Caffe's blobs into named tensors and back, through all formats")
  func caffe() throws {
    let expected = try NumPyArchive(
      contentsOf: URL(filePath: fixture("caffe/tiny35/params.npz")))
    let names = ["conv1_0", "conv1_1", "conv2_0", "conv2_1", "fc3_0", "fc3_1"]
    let tensors = try convert(fixture("caffe/tiny35/weights.caffemodel"), to: "a.safetensors")
    let numpy = try convert(tensors.path, to: "b.npz")
    let model = try convert(numpy.path, to: "c.caffemodel")
    let again = try convert(model.path, to: "d.npz")
    #expect(try SafeTensors(contentsOf: tensors).metadata == ["format": "pt"])
    for file in [numpy, again] {
      let archive = try NumPyArchive(contentsOf: file)
      #expect(Set(archive.names) == Set(names))
      for name in names { #expect(archive[name] == expected[name], "\(name)") }
    }
    let layers = try CaffeModel(contentsOf: model).message.layer
    #expect(layers.map(\.type).sorted() == ["Convolution", "Convolution", "InnerProduct"])
  }

  @Test("keeps the names and numbers of .pth files, prefixes too", arguments: ["pth", "PT"])
  func pytorch(ending: String) throws {
    let input = folder.appending(path: "checkpoint.\(ending)")
    try FileManager.default.copyItem(
      atPath: fixture("interop/pth/zip_checkpoint.pth"), toPath: input.path)
    let archive = try NumPyArchive(contentsOf: convert(input.path, to: "\(ending).npz"))
    let expected = try NumPyArchive(
      contentsOf: URL(filePath: fixture("interop/pth/expected.npz")))
    #expect(archive.names.count == 4)
    for name in archive.names {
      #expect(name.hasPrefix("module."))
      #expect(
        archive[name]?.tensor(as: Double.self)
          == expected["zip_checkpoint/\(name)"]?.tensor(as: Double.self))
    }
    // module.features.0.weight is blob 0 of the layer module.features.0.
    let model = try CaffeModel(contentsOf: convert(input.path, to: "\(ending).caffemodel"))
    #expect(model.message.layer.map(\.name) == ["module.features.0", "module.classifier.1"])
    #expect(model.message.layer.map(\.blobs.count) == [2, 2])
  }

  @Test("takes the initializers of .onnx files, also those in a file beside it")
  func onnx() throws {
    let expected = try SafeTensors(
      contentsOf: URL(filePath: fixture("interop/nets/tiny_tv.safetensors"))
    ).tensors
    for name in ["tiny_tv_dynamo", "tiny_tv_legacy"] {
      let archive = try NumPyArchive(
        contentsOf: convert(fixture("interop/nets/\(name).onnx"), to: "\(name).npz"))
      for name in expected.names { #expect(archive[name] == expected[name], "\(name)") }
    }
    let zoo = try convert(
      fixture("interop/nets/tiny_zoo_alexnet.onnx"), to: "zoo.safetensors")
    #expect(try SafeTensors(contentsOf: zoo).tensors.names.contains("OC2_DUMMY_1"))
  }

  @Test("widens halves, and keeps doubles and whole numbers")
  func types() throws {
    let archive = try NumPyArchive(
      contentsOf: convert(fixture("interop/safetensors/mixed.safetensors"), to: "a.npz"))
    let types = archive.names.map { "\($0) \(archive[$0]?.elementType.rawValue ?? "")" }
    #expect(
      Set(types) == [
        "bf16 f4", "bool b1", "empty f4", "f16 f4", "f32 f4", "f64 f8", "i64 i8", "scalar f4",
        "u8 u1",
      ])
    let halves = try NumPyArchive(
      contentsOf: convert(write("h.npz", [("h", try half())]), to: "b.npz"))
    #expect(halves["h"]?.elementType == .float32)
  }

  private func half() throws -> NumPyArray {
    try NumPyArray(
      contentsOf: URL(filePath: fixture("numpy/f2_big_fortran.npy")))
  }

  @Test(
    "takes other programs' names for blobs",
    arguments: [
      ("conv1.weight", "conv1", 0), ("conv1.bias", "conv1", 1), ("conv1_w_0", "conv1", 0),
      ("conv1_b_0", "conv1", 1), ("c_d_2", "c_d", 2),
    ])
  func names(name: String, layer: String, blob: Int) throws {
    let input = try write(
      "in.npz",
      (0...blob).map { ($0 == blob ? name : "\(layer)_\($0)", Self.floats(Shape(2, $0 + 1))) })
    let model = try CaffeModel(contentsOf: convert(input, to: "a.caffemodel"))
    #expect(model.message.layer.map(\.name) == [layer])
    #expect(model.message.layer[0].blobs[blob].shape.dim == [2, Int64(blob) + 1])
  }

  @Test("refuses what a .caffemodel can't hold")
  func refusals() throws {
    let weight = Self.floats(Shape(2, 3))
    for (arrays, message) in [
      ([("w", weight)], "w: a .caffemodel holds blobs of layers"),
      ([("_0", weight)], "_0: a .caffemodel holds blobs"),
      ([(".weight", weight)], ".weight: a .caffemodel holds blobs"),
      ([("a_0", NumPyArray([1]))], "a_0: a .caffemodel holds no numbers of type i8"),
      ([("a_0", weight), ("a.weight", weight)], "blob 0 of layer \"a\" has two tensors"),
      ([("a_1", weight)], "layer \"a\" has 1 blobs, but none for number 0"),
    ] {
      let text = try refusal(write("in.npz", arrays), to: "out.caffemodel")
      #expect(text.contains(message), "\(text)")
      #expect(text.contains("out.caffemodel"), "\(text)")
    }
  }

  @Test("refuses outputs that are the input, and endings that it doesn't know")
  func outputs() throws {
    let input = try write("in.npz", [("a", Self.floats(Shape(2)))])
    let link = folder.appending(path: "link.npz")
    try FileManager.default.createSymbolicLink(
      at: link, withDestinationURL: URL(filePath: input))
    let hard = folder.appending(path: "hard.npz")
    try FileManager.default.linkItem(at: URL(filePath: input), to: hard)
    for name in ["in.npz", "link.npz", "hard.npz", "../\(folder.lastPathComponent)/in.npz"] {
      #expect(try refusal(input, to: name).contains("is what is read"))
    }
    #expect(try refusal(input, to: "a.pth").contains("PyTorch reads .safetensors"))
    #expect(try refusal(input, to: "a.onnx").contains("give theirs with --net"))
    #expect(try refusal(input, to: "a.txt").contains("must end in .caffemodel"))
    #expect(try refusal(input, to: "npz").contains("must end in .caffemodel"))
    #expect(try refusal(fixture("caffe/README.md"), to: "a.npz").contains(".pt or .bin"))
    #expect(try refusal("/nowhere/a.pth", to: "a.npz").contains("No such file"))
  }

  @Test("names what a .pth asks for, and leaves nothing behind")
  func hostile() throws {
    let text = try refusal(fixture("interop/pth/bad_os_system.pth"), to: "a.safetensors")
    #expect(text.contains("posix.system"))
  }
}
