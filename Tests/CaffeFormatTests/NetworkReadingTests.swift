import CaffeMessages
import Layers
import Networks
import Tensors
import Testing

@testable import CaffeFormats

@Suite("Networks from prototxt")
struct NetworkReadingTests {
  private let head = """
    layer { name: "data" type: "Input" top: "data" top: "label"
      input_param { shape { dim: 2 dim: 3 dim: 9 dim: 9 } shape { dim: 2 } } }

    """

  @Test("reads the small network of the fixtures")
  func tiny() throws {
    let net = try NetPrototxt(contentsOf: Fixture.url("tiny35/net.prototxt"))
    let network = try net.network(phase: .training)
    #expect(network.batch == 4)
    #expect(network.definition.name == "TinyCaffeNet")
    #expect(network.definition.imageShape == [3, 35, 35])
    #expect(network.definition.data == "data")
    #expect(network.definition.label == "label")
    #expect(network.numbers == Array(1...9))
    #expect(network.definition.layers.map(\.name).last == "loss")
    #expect(network.definition.layers[0].parameters.map(\.learningRateMultiplier) == [1, 2])
    #expect(network.definition.layers[0].parameters.map(\.decayMultiplier) == [1, 0])
  }

  @Test("knows phases, levels and stages")
  func rules() throws {
    let net = try NetPrototxt(
      parsing: head + """
        layer { name: "a" type: "Softmax" bottom: "data" top: "a" include { phase: TRAIN } }
        layer { name: "b" type: "Softmax" bottom: "data" top: "b" exclude { phase: TRAIN } }
        layer { name: "c" type: "Softmax" bottom: "data" top: "c" include { stage: "deploy" } }
        layer { name: "d" type: "Softmax" bottom: "data" top: "d" include { min_level: 2 } }
        layer { name: "e" type: "Softmax" bottom: "data" top: "e" exclude { not_stage: "deploy" } }
        """)
    func names(_ phase: Phase, _ level: Int = 0, _ stages: [String] = []) throws -> String {
      try net.network(phase: phase, level: level, stages: stages).definition.layers.map(\.name)
        .joined()
    }
    #expect(try names(.training) == "a")
    #expect(try names(.testing) == "b")
    #expect(try names(.testing, 3, ["deploy"]) == "bcde")
  }

  @Test("takes every way of writing sizes")
  func sizes() throws {
    let net = try NetPrototxt(
      parsing: head + """
        layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param {
          num_output: 2 kernel_h: 3 kernel_w: 2 stride: 2 stride: 1 pad_w: 1 dilation: 1
          bias_term: false weight_filler { type: "xavier" variance_norm: AVERAGE } } }
        layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
          pooling_param { pool: AVE kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 round_mode: FLOOR } }
        layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc"
          inner_product_param { num_output: 3 axis: -3 } }
        """)
    let layers = try net.network(phase: .testing).definition.layers
    #expect(
      layers[0].specification as? ConvolutionSpecification
        == .init(
          outputChannels: 2, kernel: Extent(height: 3, width: 2),
          stride: Extent(height: 2, width: 1), pad: Extent(height: 0, width: 1),
          hasBias: false))
    #expect(layers[0].parameters == [ParameterDefinition(filler: .xavier(.average))])
    #expect(
      layers[1].specification as? PoolingSpecification
        == .init(
          .average, kernel: Extent(height: 2, width: 3), stride: Extent(height: 2, width: 1),
          rounding: .floor))
    #expect(
      layers[2].specification as? InnerProductSpecification
        == InnerProductSpecification(outputs: 3))
  }

  @Test("reads Data, DummyData and several inputs")
  func inputs() throws {
    let net = try NetPrototxt(
      parsing: """
        layer { name: "d" type: "Data" top: "pictures" top: "classes"
          transform_param { crop_size: 5 } data_param { source: "db" batch_size: 7 backend: LMDB } }
        layer { name: "e" type: "DummyData" top: "more"
          dummy_data_param { shape { dim: 7 dim: 4 } data_filler { type: "gaussian" } } }
        layer { name: "fc" type: "InnerProduct" bottom: "pictures" top: "fc"
          inner_product_param { num_output: 4 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "classes"
          top: "loss" top: "prob" }
        layer { name: "loss2" type: "SoftmaxWithLoss" bottom: "more" bottom: "classes" }
        layer { name: "quiet" type: "Silence" bottom: "prob" }
        """)
    let network = try net.network(phase: .training)
    #expect(network.batch == 7)
    #expect(network.definition.data == "pictures")
    #expect(network.definition.label == "classes")
    #expect(network.definition.otherInputs == [InputDefinition(name: "more", dimensions: [7, 4])])
    #expect(network.definition.layers[1].probabilities == "prob")
    #expect(network.definition.layers[2].top == "loss2")
    #expect(network.numbers == [2, 3, 4])
    guard case .database(let data, _)? = network.images?.source else {
      Issue.record("the images come from no database")
      return
    }
    #expect(data.source == "db")
    #expect(network.labels?.shape == Shape(7))
    let records = try net.network(phase: .training) { _ in [1, 32, 32] }
    #expect(records.definition.imageShape == [1, 5, 5])
  }

  private static let loss = """
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
      inner_product_param { num_output: 4 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" }
    """

  @Test(
    "refuses what can't be run, with line and reason",
    arguments: [
      (
        "layer { name: \"x\" type: \"Slice\" bottom: \"data\" top: \"x\" slice_param { axis: 1 } }",
        "3:19: layer \"x\": type \"Slice\" is none of this project's: Accuracy, Concat, Convolution, Data, "
          + "Dropout, DummyData, Eltwise, ImageData, InnerProduct, Input, LRN, Pooling, ReLU, Sigmoid, "
          + "Silence, Softmax, SoftmaxWithLoss, TanH"
      ),
      (
        "layer { name: \"x\" type: \"ReLU\" bottom: \"y\" top: \"x\" }\n"
          + "layer { name: \"y\" type: \"ReLU\" bottom: \"x\" top: \"y\" }",
        "3:32: layer \"x\": blob \"y\" is written only later, by layer \"y\" (line 4): layers run "
          + "in the order of the file, and there are no cycles"
      ),
      (
        "layer { name: \"x\" type: \"ReLU\" bottom: \"dat\" top: \"x\" }",
        "3:32: layer \"x\": no layer in this phase writes blob \"dat\"; did you mean \"data\"?"
      ),
      (
        "layer { name: \"x\" type: \"ReLU\" bottom: \"data\" top: \"label\" }",
        "3:47: layer \"x\": blob \"label\" is written by an earlier layer already"
      ),
      (
        "layer { name: \"x\" type: \"Convolution\" bottom: \"data\" top: \"x\"\n"
          + "convolution_param { num_output: 4 kernel_size: 11 } }",
        "3:1: layer \"x\": kernel 11×11 must not be larger than the padded input 9×9"
      ),
      (
        "layer { name: \"x\" type: \"Convolution\" bottom: \"data\" top: \"x\" }",
        "3:1: layer \"x\": \"num_output\" is missing"
      ),
      (
        "layer { name: \"x\" type: \"Silence\" bottom: \"dat\" }",
        "3:35: layer \"x\": no layer in this phase writes blob \"dat\"; did you mean \"data\"?"
      ),
      (
        "layer { name: \"x\" type: \"InnerProduct\" bottom: \"data\" top: \"x\"\n"
          + "inner_product_param { num_output: 4 weight_filler { type: \"xaver\" } } }",
        "4:37: layer \"x\": filler \"xaver\" is none of this project's: constant, gaussian, msra, "
          + "uniform, xavier; did you mean \"xavier\"?"
      ),
      (
        "layer { name: \"x\" type: \"LRN\" bottom: \"data\" top: \"data\" }",
        "3:46: layer \"x\": top equal to its bottom is not possible: a LRN layer can't work in place"
      ),
      (
        "layer { name: \"x\" type: \"Convolution\" bottom: \"data\" top: \"x\"\n"
          + "convolution_param { num_output: 4 kernel_size: 3 group: 2 } }",
        "4:50: layer \"x\": group 2 must divide the 3 input channels"
      ),
    ])
  func refusals(text: String, message: String) {
    let error = #expect(throws: CaffeFileError.self) {
      _ = try NetPrototxt(parsing: head + text, file: "net").network(phase: .testing)
    }
    #expect(error?.description == "net:" + message)
  }

  @Test(
    "refuses to write over what a backward pass needs, in training",
    arguments: [
      (
        "layer { name: \"a\" type: \"Softmax\" bottom: \"data\" top: \"a\" }\n"
          + "layer { name: \"x\" type: \"ReLU\"\n  bottom: \"data\" top: \"data\" }\n" + loss,
        "5:18: layer \"x\": top \"data\" must not be written over: layer \"a\" reads it and needs it "
          + "again backwards"
      ),
      (
        "layer { name: \"a\" type: \"LRN\" bottom: \"data\" top: \"a\" }\n"
          + "layer { name: \"x\" type: \"Dropout\" bottom: \"a\" top: \"a\" }\n" + loss,
        "4:47: layer \"x\": top \"a\" must not be written over: layer \"a\" needs its output again "
          + "backwards"
      ),
    ])
  func overwriting(text: String, message: String) {
    let error = #expect(throws: CaffeFileError.self) {
      _ = try NetPrototxt(parsing: head + text, file: "net").network(phase: .training)
    }
    #expect(error?.description == "net:" + message)
    #expect(throws: Never.self) {
      try NetPrototxt(parsing: head + text, file: "net").network(phase: .testing)
    }
  }

  @Test(
    "refuses what no machine can hold, naming the layer",
    arguments: [
      "layer { name: \"x\" type: \"InnerProduct\" bottom: \"data\" top: \"x\" "
        + "inner_product_param { num_output: 2147483647 } }",
      "layer { name: \"x\" type: \"Convolution\" bottom: \"data\" top: \"x\" "
        + "convolution_param { num_output: 1000 kernel_size: 1 pad: 20000 } }",
      "layer { name: \"x\" type: \"Input\" top: \"x\" "
        + "input_param { shape { dim: 2147483647 dim: 2147483647 } } }",
    ])
  func memory(text: String) {
    let error = #expect(throws: CaffeFileError.self) {
      _ = try NetPrototxt(parsing: head + text, file: "net").network(phase: .testing)
    }
    #expect(error?.description.hasPrefix("net:3:1: layer \"x\": ") == true)
    #expect(error?.problem.contains("more than this machine's") == true)
  }

  @Test("reads the form of 2014, with its inputs, into the network of today's")
  func oldForm() throws {
    let old = try NetPrototxt(
      parsing: """
        input: "data" input_dim: 2 input_dim: 3 input_dim: 9 input_dim: 9
        layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1 blobs_lr: 2
          weight_decay: 1 weight_decay: 0 convolution_param { num_output: 4 kernel_size: 3 } }
        layers { name: "p" type: SOFTMAX bottom: "c" top: "p" }
        """, file: "old")
    let new = try NetPrototxt(
      parsing: """
        layer { name: "input" type: "Input" top: "data"
          input_param { shape { dim: 2 dim: 3 dim: 9 dim: 9 } } }
        layer { name: "c" type: "Convolution" bottom: "data" top: "c"
          param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
          convolution_param { num_output: 4 kernel_size: 3 } }
        layer { name: "p" type: "Softmax" bottom: "c" top: "p" }
        """)
    #expect(old.message == new.message)
    #expect(
      try old.network(phase: .testing).definition == new.network(phase: .testing).definition)
    #expect(old.position(ofLayer: 0) == nil)
    #expect(old.position(ofLayer: 1) == TextPosition(line: 2, column: 1))
  }

  /// `loss_layer.cpp`: the older `normalize` counts only where the newer field is absent.
  @Test(
    "reads what a loss is divided by, in its two forms",
    arguments: [
      ("", .valid), ("normalization: FULL", .full), ("normalization: BATCH_SIZE", .batchSize),
      ("normalization: NONE", .none), ("normalize: true", .valid), ("normalize: false", .batchSize),
      ("normalize: false normalization: FULL", .full),
    ] as [(String, SoftmaxWithLossSpecification.Normalization)])
  func normalization(
    text: String, expected: SoftmaxWithLossSpecification.Normalization
  ) throws {
    let net = try NetPrototxt(
      parsing: head.replacingOccurrences(of: "shape { dim: 2 } }", with: "shape { dim: 162 } }")
        + """
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "data" bottom: "label" top: "loss"
          loss_param { \(text) } }
        """)
    #expect(
      try net.network(phase: .training).definition.layers.map {
        $0.specification as? SoftmaxWithLossSpecification
      } == [SoftmaxWithLossSpecification(normalization: expected)])
  }

  /// `dummy_data_layer.cpp`: what is given once serves all.
  @Test("reads the older sizes of DummyData")
  func dummyData() throws {
    let net = try NetPrototxt(
      parsing: head + """
        layer { name: "dummy" type: "DummyData" top: "a" top: "b" dummy_data_param {
          num: 2 num: 3 channels: 4 height: 5 height: 6 width: 7 } }
        """)
    let inputs = try net.network(phase: .testing).inputs
    #expect(inputs.map(\.name) == ["data", "label", "a", "b"])
    #expect(inputs.map(\.shape).suffix(2) == [Shape(2, 4, 5, 7), Shape(3, 4, 6, 7)])
  }

  @Test("moves what belonged to an old database of images into its transformation")
  func oldImages() throws {
    let old = try NetPrototxt(
      parsing: """
        layers { name: "d" type: IMAGE_DATA top: "d" top: "l" image_data_param {
          source: "list" batch_size: 2 scale: 0.5 mean_file: "mean" crop_size: 5 mirror: true } }
        layers { name: "c" type: CONVOLUTION bottom: "d" top: "c" param: "w" param: "b"
          blob_share_mode: PERMISSIVE blob_share_mode: STRICT }
        """)
    let new = try NetPrototxt(
      parsing: """
        layer { name: "d" type: "ImageData" top: "d" top: "l"
          transform_param { scale: 0.5 mean_file: "mean" crop_size: 5 mirror: true }
          image_data_param { source: "list" batch_size: 2 } }
        layer { name: "c" type: "Convolution" bottom: "d" top: "c"
          param { name: "w" share_mode: PERMISSIVE } param { name: "b" share_mode: STRICT } }
        """)
    #expect(old.message == new.message)
  }

  @Test("says of a layer that the file doesn't have no more than is known")
  func strangers() throws {
    let network = try NetPrototxt(
      parsing: head + "layer { name: \"a\" type: \"Softmax\" bottom: \"data\" top: \"a\" }",
      file: "net"
    ).network(phase: .testing)
    let error = LayerError(layer: "b", value: "kernel 0", rule: "must be positive")
    #expect(network.located(error).description == "net: \(error)")
  }

  @Test("refuses a network without an input, naming the phase")
  func noInput() {
    let error = #expect(throws: CaffeFileError.self) {
      _ = try NetPrototxt(parsing: "", file: "net").network(phase: .testing)
    }
    #expect(
      error?.description.hasPrefix("net: the network has no input for images when testing") == true)
  }

  @Test(
    "writes what it reads back", arguments: [caffenet(), alexnet(), mini(includeAccuracy: true)])
  func roundTrip(definition: NetworkDefinition) throws {
    let text = try definition.netParameter(batch: 2, phase: .training).prototxt()
    let network = try NetPrototxt(parsing: text).network(phase: .training)
    #expect(network.batch == 2)
    #expect(try network.definition.netParameter(batch: 2, phase: .training).prototxt() == text)
    #expect(try NetworkPlan(network.definition) == NetworkPlan(definition))
  }
}
