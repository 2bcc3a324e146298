import CaffeMessages
import Foundation
import NumPyFiles
import Tensors
import Testing

@testable import CaffeFormats

@Suite("A file of another kind")
struct FileKindTests {
  @Test("is known by its content")
  func kinds() throws {
    let files: [(String, FileKind?)] = [
      ("tiny35/net.prototxt", .network), ("sgd_blobs/solver.prototxt", .solver),
      ("tiny35/weights.caffemodel", .model), ("tiny35/weights_v1.caffemodel", .model),
      ("sgd_blobs/snap_iter_5.solverstate", .solverState), ("lmdb/mean.binaryproto", .blob),
      ("tiny35/data.npy", .array), ("tiny35/params.npz", .archive), ("lmdb/facts.json", nil),
      ("../interop/nets/tiny35.onnx", .graph),
      ("lmdb/raw_lmdb/data.mdb", nil), ("situations/classify/a.png", .picture),
      ("situations/solvers/gamma_missing.prototxt", .solver),
      ("../interop/nets/light_alexnet.onnx", .graph),
    ]
    for (file, kind) in files { #expect(FileKind(of: try Fixture.bytes(file)) == kind, "\(file)") }
    let texts: [(String, FileKind?)] = [
      ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", .gitPointer),
      ("\n <!DOCTYPE html><html>", .page), ("", .empty), ("hello", nil),
      ("\u{89}HDF", nil),
    ]
    for (text, kind) in texts { #expect(FileKind(of: Array(text.utf8)) == kind, "\(text)") }
    #expect(FileKind(of: [0x1F, 0x8B, 8]) == .compressed)
    #expect(FileKind(of: [0x89, 0x48, 0x44, 0x46]) == .hdf5)
  }

  @Test("is named by the reader that wanted another one")
  func messages() throws {
    func problem(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "nothing"
      } catch {
        return (error as? CaffeFileError)?.problem ?? "\(error)"
      }
    }
    let solver = Fixture.url("sgd_blobs/solver.prototxt")
    let net = Fixture.url("tiny35/net.prototxt")
    let model = Fixture.url("tiny35/weights.caffemodel")
    #expect(
      problem { _ = try NetPrototxt(contentsOf: solver) }
        == "is a solver (.prototxt), which train --solver and test --solver take")
    #expect(
      problem { _ = try Prototxt<Caffe_SolverParameter>(contentsOf: net) }
        == "is a network (.prototxt), which lint, shapes and --net take")
    #expect(
      problem { _ = try SolverStateFile<Float>(contentsOf: model) }
        == "is Caffe's weights (.caffemodel), which --weights takes")
    #expect(
      problem { _ = try CaffeModel(contentsOf: Fixture.url("sgd_blobs/snap_iter_5.solverstate")) }
        == "is the state of Caffe's training (.solverstate), which train --solver --resume takes")
    #expect(problem { _ = try CaffeModel(contentsOf: net) }.hasPrefix("is a network (.prototxt)"))
    #expect(problem { _ = try NetPrototxt(contentsOf: model) }.hasPrefix("is Caffe's weights"))
    #expect(
      problem { _ = try MeanImage.read(Fixture.url("tiny35/data.npy"), as: Float.self) }
        .hasPrefix("is an array of numpy (.npy)"))
    #expect(
      problem { _ = try CaffeModel(decoding: Array("<html>".utf8)) }
        == "is a page in HTML: the download brought a message in place of the file")
  }

  @Test("names of the form of 2014 in a layer of today's are translated")
  func oldTypes() throws {
    for (old, today) in [
      ("CONVOLUTION", "Convolution"), ("SOFTMAX_LOSS", "SoftmaxWithLoss"),
      ("SoftmaxLoss", "SoftmaxWithLoss"),
      ("inner_product", "InnerProduct"),
    ] {
      let net = try NetPrototxt(
        parsing: """
          layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
          layer { name: "x" type: "\(old)" bottom: "d" top: "x" }
          """)
      let error = #expect(throws: CaffeFileError.self) { try net.network(phase: .testing) }
      #expect(error?.problem.contains("type \"\(old)\" is \"\(today)\" in a \"layer\"") == true)
    }
  }

  /// GBK of two Chinese characters, which is no UTF-8.
  @Test("names that aren't UTF-8 are read: equal ones stay equal, in texts and in binary files")
  func otherEncodings() throws {
    let name: [UInt8] = [0xCD, 0xBC, 0xCF, 0xF1]
    let text =
      Array("name: \"".utf8) + name + Array("\" layer { name: \"".utf8) + name + Array("\" }".utf8)
    let net = try Prototxt<Caffe_NetParameter>(decoding: text).message
    #expect(net.name == "\u{CD}\u{BC}\u{CF}\u{F1}" && net.layer[0].name == net.name)
    let layer = [0x0A, 4] + name + [0x12, 4] + Array("ReLU".utf8)
    let model = [0x0A, 4] + name + [0xA2, 0x06, UInt8(layer.count)] + layer
    let read = try CaffeModel(decoding: model).message
    #expect(read.name == net.name && read.layer[0].name == net.name && read.layer[0].type == "ReLU")
  }
}
