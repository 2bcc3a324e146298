import CaffeMessages
import Foundation
import Layers
import Networks
import NumPyFiles
import Reference
import SwiftProtobuf
import Tensors
import Testing

@testable import CaffeFormats

/// The small network of the fixtures, in a precision of choice.
private func tinyNetwork<Scalar>(
  _ backend: some Backend<Scalar>
) throws -> Network<Scalar> {
  let net = try NetPrototxt(contentsOf: Fixture.url("tiny35/net.prototxt"))
  let network = try net.network(phase: .training)
  return try Network(network.definition, backend: backend, batch: network.batch)
}

/// A change to conv1 after which it doesn't fit any more.
struct Misfit: Sendable, CustomTestStringConvertible {
  var problem: String
  var change: @Sendable (inout Caffe_LayerParameter) -> Void

  var testDescription: String { problem }

  static let all = [
    Misfit(problem: "blob 0 (weights) has shape 8×3×25 in the file but 8×3×5×5 in the network") {
      $0.blobs[0].shape.dim = [8, 3, 25]
    },
    Misfit(problem: "blob 1 (bias) has shape 1×8 in the file but 8 in the network") {
      $0.blobs[1].shape.dim = [1, 8]
    },
    Misfit(problem: "has 1 blobs where the network's layer has 2") { $0.blobs.removeLast() },
    Misfit(problem: "blob 1 (bias) has 7 values where its shape 8 needs 8") {
      $0.blobs[1].data.removeLast()
    },
    Misfit(problem: "blob 1 (bias): shape -8: no extent may be negative") {
      $0.blobs[1].shape.dim = [-8]
    },
    Misfit(
      problem: "blob 1 (bias): shape 1099511627776×1099511627776: no extent may exceed 2^31 - 1"
    ) {
      $0.blobs[1].shape.dim = [1 << 40, 1 << 40]
    },
  ]
}

@Suite("caffemodel files")
struct ModelTests {
  @Test(
    "are read in the forms of today and of 2014",
    arguments: ["weights.caffemodel", "weights_v1.caffemodel"])
  func reading(name: String) throws {
    let network = try tinyNetwork(ReferenceBackend<Float>())
    let report = try CaffeModel(contentsOf: Fixture.url("tiny35/\(name)")).copy(into: network)
    #expect(report.copied == ["conv1", "conv2", "fc3"])
    #expect(report.ignored.isEmpty && report.untouched.isEmpty)
    let expected = try Fixture.archive("tiny35/params.npz")
    for (index, layer) in network.definition.layers.enumerated() {
      for (number, tensor) in network.parameters[index].enumerated() {
        let array = try #require(expected["\(layer.name)_\(number)"])
        #expect(array.tensor() == tensor)
      }
    }
  }

  @Test("give a network in Double the same numbers")
  func double() throws {
    let network = try tinyNetwork(ReferenceBackend<Double>())
    try CaffeModel(contentsOf: Fixture.url("tiny35/weights.caffemodel")).copy(into: network)
    let array = try #require(Fixture.archive("tiny35/params.npz")["fc3_0"])
    #expect(network.parameters[try network.definition.index(of: "fc3")][0] == array.tensor())
    // And back: Double goes into double_data.
    let model = CaffeModel(of: network)
    let fc3 = try #require(model.message.layer.first { $0.name == "fc3" })
    #expect(fc3.blobs[0].doubleData.count == 10 * 12 * 16)
    let bytes: [UInt8] = try model.message.serializedBytes()
    let again = try tinyNetwork(ReferenceBackend<Double>())
    try CaffeModel(decoding: bytes).copy(into: again)
    #expect(again.parameters == network.parameters)
  }

  @Test("are written as Caffe writes them, byte for byte")
  func writing() throws {
    // Caffe's own file of this network, and what it says of the layers without their numbers.
    let original = try Fixture.bytes("sgd_blobs/snap_iter_5.caffemodel")
    let net = try NetPrototxt(contentsOf: Fixture.url("sgd_blobs/net.prototxt"))
    let caffe = try net.network(phase: .training)
    let network = try Network(
      caffe.definition, backend: ReferenceBackend<Float>(), batch: caffe.batch)
    try CaffeModel(decoding: original).copy(into: network)
    let folder = try TemporaryFolder()
    let file = try folder.file("a.caffemodel")
    try CaffeModel(of: network, description: caffe.message).write(to: file)
    #expect(try [UInt8](Data(contentsOf: file)) == original)
  }

  @Test("copy by name, and leave alone what has no namesake")
  func names() throws {
    let network = try tinyNetwork(ReferenceBackend<Float>())
    let before = network.parameters
    var message = try CaffeModel(contentsOf: Fixture.url("tiny35/weights.caffemodel")).message
    for index in message.layer.indices where message.layer[index].name == "conv2" {
      message.layer[index].name = "other"
    }
    let report = try CaffeModel(decoding: message.serializedBytes()).copy(into: network)
    #expect(report.copied == ["conv1", "fc3"])
    #expect(report.ignored == ["other"])
    #expect(report.untouched == ["conv2"])
    let conv2 = try network.definition.index(of: "conv2")
    #expect(network.parameters[conv2] == before[conv2])
  }

  @Test("refuse what doesn't fit, with layer, blob and both shapes", arguments: Misfit.all)
  func misfits(misfit: Misfit) throws {
    let network = try tinyNetwork(ReferenceBackend<Float>())
    let before = network.parameters
    var message = try CaffeModel(contentsOf: Fixture.url("tiny35/weights.caffemodel")).message
    let conv1 = try #require(message.layer.firstIndex { $0.name == "conv1" })
    misfit.change(&message.layer[conv1])
    let model = try CaffeModel(decoding: message.serializedBytes(), file: "w")
    let error = #expect(throws: CaffeFileError.self) { try model.copy(into: network) }
    #expect(error?.description == "w: layer \"conv1\": \(misfit.problem)")
    #expect(network.parameters == before)
  }

  @Test(
    "say at which byte they are damaged",
    arguments: [
      ([0xA2, 0x06, 0xFF, 0xFF, 0xFF, 0xFF, 0x07], "0: field 100 claims 2147483647 bytes"),
      ([0xA2, 0x06, 0x02, 0x0A, 0x05], "3: field 1 claims 5 bytes where only 0 are left"),
      ([0x0B], "0: field 1 has wire type 3"), ([0x00], "0: there is no field with number 0"),
      ([0x08, 0xFF], "1: a number is cut off"),
      (Array(repeating: 0xFF, count: 11), "0: a number has more than 10 bytes"),
    ] as [([UInt8], String)])
  func damage(bytes: [UInt8], problem: String) {
    let error = #expect(throws: CaffeFileError.self) { try CaffeModel(decoding: bytes, file: "w") }
    #expect(error?.description.hasPrefix("w: at byte \(problem)") == true)
  }

  @Test("refuse HDF5, and say how to get the other form")
  func hdf5() {
    let bytes: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    let error = #expect(throws: CaffeFileError.self) { try CaffeModel(decoding: bytes) }
    #expect(error?.problem.contains("HDF5") == true)
  }

  @Test("refuse more messages than any network has, before they take memory")
  func manyMessages() {
    let layers = [UInt8](repeatElement([0xA2, 0x06, 0x00], count: 300_000).joined())
    let error = #expect(throws: CaffeFileError.self) { try CaffeModel(decoding: layers) }
    #expect(error?.problem == "there are more than 200000 messages")
  }
}

@Suite("solverstate and binaryproto files")
struct StateTests {
  @Test("are read: iteration, model and history", arguments: [5, 10])
  func solverState(iteration: Int) throws {
    let file = Fixture.url("sgd_blobs/snap_iter_\(iteration).solverstate")
    let state = try SolverStateFile<Float>(contentsOf: file)
    #expect(state.iteration == iteration)
    #expect(state.learnedNet == "snap_iter_\(iteration).caffemodel")
    #expect(state.currentStep == iteration / 5)
    let trajectory = try Fixture.archive("sgd_blobs/trajectory.npz")
    let names = ["conv1_0", "conv1_1", "conv2_0", "conv2_1", "fc3_0", "fc3_1"]
    #expect(state.history.count == names.count)
    for (tensor, name) in zip(state.history, names) {
      let key = "it\(iteration < 10 ? "0" : "")\(iteration)__history__\(name)"
      let expected = try #require(trajectory[key], "no \(key)")
      #expect(tensor == expected.tensor())
    }
    let folder = try TemporaryFolder()
    let copy = try folder.file("copy.solverstate")
    try state.write(to: copy)
    let again = try SolverStateFile<Float>(contentsOf: copy)
    #expect(again.history == state.history)
    #expect(again.iteration == state.iteration && again.learnedNet == state.learnedNet)
  }

  @Test("fit the network or say what doesn't")
  func historyShapes() throws {
    let state = SolverStateFile<Float>(
      iteration: 1, learnedNet: "", history: [Tensor(Shape(2)), Tensor(Shape(3))])
    #expect(try state.history(for: [[Shape(2)], [], [Shape(3)]]).map(\.count) == [1, 0, 1])
    let error = #expect(throws: CaffeFileError.self) {
      try state.history(for: [[Shape(2), Shape(4)]])
    }
    #expect(error?.problem == "history 1 has shape 3 in the file but 4 in the network")
    #expect(throws: CaffeFileError.self) { try state.history(for: [[Shape(2)]]) }
  }

  @Test("a mean image is read and written as Caffe does")
  func mean() throws {
    let file = Fixture.url("lmdb/mean.binaryproto")
    let mean: Tensor<Float> = try MeanImage.read(file)
    let expected = try NumPyArray(contentsOf: Fixture.url("lmdb/mean.npy")).tensor(as: Float.self)
    #expect(mean.shape == Shape(3, 32, 32))
    #expect(mean.elements == expected.elements)
    let folder = try TemporaryFolder()
    let copy = try folder.file("copy.binaryproto")
    try MeanImage.write(mean, to: copy)
    #expect(try [UInt8](Data(contentsOf: copy)) == Fixture.bytes("lmdb/mean.binaryproto"))
  }

  @Test("a mean image is channels, rows and columns, and nothing else")
  func meanShapes() throws {
    func mean(_ dimensions: [Int64]) throws -> Tensor<Float> {
      let blob = Caffe_BlobProto.with {
        $0.shape.dim = dimensions
        $0.data = [1, 2, 3, 4]
      }
      return try MeanImage.decode(blob.serializedBytes())
    }
    #expect(try mean([1, 2, 2]) == Tensor(Shape(1, 2, 2), [1, 2, 3, 4]))
    #expect(try mean([1, 4, 1, 1]) == Tensor(Shape(4, 1, 1), [1, 2, 3, 4]))
    for (dimensions, problem) in [
      ([2, 2], "mean: shape 2×2 must be channels×rows×columns, or that behind a 1"),
      ([2, 2, 1, 1], "mean: shape 2×2×1×1 must be channels×rows×columns, or that behind a 1"),
      ([2, 2, 2], "mean: shape 2×2×2 needs 8 values, not 4"),
      ([-1, 2, 2], "mean: shape -1×2×2: no extent may be negative"),
    ] as [([Int64], String)] {
      let error = #expect(throws: CaffeFileError.self) { try mean(dimensions) }
      #expect(error?.problem == problem)
    }
    let file = try TemporaryFolder().file("flat.binaryproto")
    let error = #expect(throws: CaffeFileError.self) {
      try MeanImage.write(Tensor<Float>(Shape(4)), to: file)
    }
    #expect(error?.problem == "mean: shape 4 must be channels×rows×columns")
  }

  @Test("can't be of an iteration before the first")
  func negativeIteration() throws {
    let bytes: [UInt8] = try Caffe_SolverState.with { $0.iter = -1 }.serializedBytes()
    let error = #expect(throws: CaffeFileError.self) {
      try SolverStateFile<Float>(decoding: bytes)
    }
    #expect(error?.problem == "iteration -1 and step 0 must not be negative")
  }

  @Test("a snapshot has Caffe's names, and reads back")
  func snapshot() throws {
    let folder = try TemporaryFolder()
    let network = try tinyNetwork(ReferenceBackend<Float>())
    let history = network.parameters
    let files = try CaffeSnapshot.write(
      prefix: folder.url.appending(path: "tiny").path, iteration: 7, network: network,
      history: history)
    #expect(files.model.lastPathComponent == "tiny_iter_7.caffemodel")
    #expect(files.state.lastPathComponent == "tiny_iter_7.solverstate")
    let other = try tinyNetwork(ReferenceBackend<Float>())
    try CaffeModel(contentsOf: files.model).copy(into: other)
    #expect(other.parameters == network.parameters)
    let state = try SolverStateFile<Float>(contentsOf: files.state)
    #expect(state.learnedNet == files.model.path)
    #expect(try state.history(for: history.map { $0.map(\.shape) }) == history)
  }

  @Test("leave no half file where they can't be written")
  func failedWrite() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "missing/a.caffemodel")
    let network = try tinyNetwork(ReferenceBackend<Float>())
    let error = #expect(throws: CaffeFileError.self) { try CaffeModel(of: network).write(to: file) }
    #expect(error?.description.contains("missing/a.caffemodel") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }
}
