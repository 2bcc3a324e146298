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

  /// As pycaffe's `NetSpec` numbers what nobody has named.
  @Test("name each of several tops, and the layer after the first")
  func severalTops() {
    var net = NetSpecification()
    let tops = net.add("Split", ["data"], tops: 2)
    #expect(tops == ["Split1", "Split2"])
    #expect(net.message.layer.map(\.name) == ["Split1"])
    #expect(net.message.layer.map(\.bottom) == [["data"]])
    #expect(net.message.layer.map(\.top) == [tops])
  }

  @Test("are the same in binary")
  func binary() throws {
    let train: [UInt8] = try caffenet(lmdb: "/path/to/caffe-train-lmdb").serializedBytes()
    #expect(try train == Fixture.bytes("caffenet/train.pb"))
  }

  @Test("have a form to train with, in which the linter finds nothing")
  func trainVal() throws {
    let form = try caffenet().trainValForm(
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
    #expect(try NetworkPlan(training.definition) == NetworkPlan(caffenet()))
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
    #expect(try NetworkPlan(network.definition).parameterCount == 60_965_224)
    #expect(try !net.message.prototxt().contains("filler"))
  }

  /// Every field that is left out at Caffe's default with another value, and the rest as it is.
  @Test("keep all that a layer can be told")
  func everything() throws {
    let text = """
      layer { name: "data" type: "Input" top: "data" top: "label" top: "other" input_param {
        shape { dim: 2 dim: 3 dim: 9 dim: 9 } shape { dim: 2 } shape { dim: 2 dim: 4 } } }
      layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        param { lr_mult: 2 decay_mult: 0 } param { lr_mult: 3 decay_mult: 4 }
        convolution_param { num_output: 3 pad: 1 pad: 2 kernel_size: 3 kernel_size: 2 stride: 2 stride: 1
          dilation: 1 dilation: 2 group: 3
          weight_filler { type: "gaussian" mean: 1 std: 0.5 sparse: 2 }
          bias_filler { type: "uniform" min: -1 max: 2 } } }
      layer { name: "plain" type: "Convolution" bottom: "conv" top: "plain"
        param { lr_mult: 1 decay_mult: 1 } convolution_param {
        num_output: 2 kernel_size: 1 bias_term: false
        weight_filler { type: "xavier" variance_norm: AVERAGE } } }
      layer { name: "relu" type: "ReLU" bottom: "plain" top: "relu" relu_param { negative_slope: 0.25 } }
      layer { name: "lrn" type: "LRN" bottom: "relu" top: "lrn" lrn_param {
        local_size: 3 alpha: 0.5 beta: 0.25 k: 2 } }
      layer { name: "within" type: "LRN" bottom: "lrn" top: "within" lrn_param {
        local_size: 5 alpha: 1 beta: 0.75 norm_region: WITHIN_CHANNEL } }
      layer { name: "uneven" type: "Pooling" bottom: "within" top: "uneven" pooling_param {
        pool: AVE kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0 round_mode: FLOOR } }
      layer { name: "even" type: "Pooling" bottom: "uneven" top: "even" pooling_param {
        pool: MAX kernel_size: 2 stride: 2 pad: 1 } }
      layer { name: "rows" type: "InnerProduct" bottom: "even" top: "rows"
        param { lr_mult: 1 decay_mult: 1 } inner_product_param {
        num_output: 4 bias_term: false axis: 3
        weight_filler { type: "msra" variance_norm: FAN_OUT } } }
      layer { name: "global" type: "Pooling" bottom: "even" top: "global" pooling_param {
        pool: AVE global_pooling: true } }
      layer { name: "dropout" type: "Dropout" bottom: "global" top: "dropout" dropout_param {
        dropout_ratio: 0.25 } }
      layer { name: "accuracy" type: "Accuracy" bottom: "dropout" bottom: "label" top: "accuracy"
        accuracy_param { top_k: 2 ignore_label: 1 } }
      layer { name: "full" type: "SoftmaxWithLoss" bottom: "dropout" bottom: "label" top: "full"
        loss_weight: 0.5 loss_param { normalization: FULL ignore_label: 1 } }
      layer { name: "batch" type: "SoftmaxWithLoss" bottom: "other" bottom: "label" top: "batch"
        loss_param { normalization: BATCH_SIZE } }
      layer { name: "none" type: "SoftmaxWithLoss" bottom: "other" bottom: "label" top: "none"
        loss_param { normalization: NONE } }

      """
    let net = try NetPrototxt(parsing: text)
    let definition = try net.network(phase: .training).definition
    let written = definition.netParameter(batch: 2, phase: .training)
    for (before, after) in zip(net.message.layer, written.layer) {
      #expect(try after.prototxt() == before.prototxt())
    }
    let again = try NetPrototxt(parsing: written.prototxt()).network(phase: .training)
    #expect(again.batch == 2)
    #expect(again.definition == definition)
  }
}
