import CaffeMessages
import Foundation
import Networks
import SwiftProtobuf
import Testing

@testable import CaffeFormats

@Suite("Networks to prototxt")
struct NetworkWritingTests {
  @Test("are byte for byte what caffenet.py prints")
  func caffenetPy() throws {
    // print adds a line of its own.
    let train = try caffenet(lmdb: "/path/to/caffe-train-lmdb").prototxt() + "\n"
    #expect(try train == Fixture.text("caffenet/train.upb.prototxt"))
    let test =
      try caffenet(
        lmdb: "/path/to/caffe-val-lmdb", batchSize: 50, includeAccuracy: true
      ).prototxt() + "\n"
    #expect(try test == Fixture.text("caffenet/test.upb.prototxt"))
  }

  @Test("are the same in binary")
  func binary() throws {
    let train: [UInt8] = try caffenet(lmdb: "/path/to/caffe-train-lmdb").serializedBytes()
    #expect(try train == Fixture.bytes("caffenet/train.pb"))
  }

  @Test("have a form to train with, in which the linter finds nothing")
  func trainVal() throws {
    let form = caffenet().trainValForm(
      training: .init(source: "train", batchSize: 256), testing: .init(source: "val", batchSize: 50)
    )
    let net = try NetPrototxt(parsing: form.prototxt(), file: "train_val.prototxt")
    #expect(net.lint() == [])

    let training = try net.network(phase: .training)
    #expect(training.batch == 256)
    #expect(training.definition.layers.count == caffenet().layers.count)
    #expect(training.message.layer[0].transformParam.mirror)
    let testing = try net.network(phase: .testing)
    #expect(testing.batch == 50)
    #expect(testing.definition.layers.map(\.name).suffix(2) == ["accuracy", "loss"])
    #expect(!testing.message.layer[0].transformParam.mirror)
    #expect(try training.definition.summary() == caffenet().summary())
    #expect(
      training.definition.layers[0].parameters[0].filler
        == .gaussian(deviation: Double(Float(0.01))))
  }

  @Test("have a form to classify with, of Caffe's shapes")
  func deploy() throws {
    let net = try NetPrototxt(parsing: caffenet().deployForm(batch: 10).prototxt())
    #expect(net.lint() == [])
    let network = try net.network(phase: .testing)
    #expect(network.batch == 10)
    #expect(network.message.layer.map(\.name).last == "prob")
    #expect(try network.definition.summary().parameterCount == 60_965_224)
    #expect(try !net.message.prototxt().contains("filler"))
  }
}
