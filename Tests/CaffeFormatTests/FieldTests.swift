import CaffeMessages
import Fast
import Foundation
import GradientChecking
import Layers
import NetworkChecking
import Networks
import Reference
import Tensors
import Testing

@testable import CaffeFormats

/// A network from `Tests/Fixtures/networks`.
private func fixture(_ name: String) throws -> NetPrototxt {
  try NetPrototxt(
    contentsOf: Fixture.folder.deletingLastPathComponent()
      .appending(path: "networks/\(name).prototxt"))
}

private let data = """
  layer { name: "data" type: "Input" top: "data" top: "label"
    input_param { shape { dim: 2 dim: 4 dim: 7 dim: 7 } shape { dim: 2 } } }

  """

@Suite("Networks of branches from prototxt")
struct BranchingNetworkTests {
  private static let names = ["googlenet", "squeezenet", "resnet"]

  @Test("have Caffe's shapes")
  func shapes() throws {
    func shape(_ network: CaffeNetwork, _ blob: String) throws -> Shape {
      let plan = try NetworkPlan(network.definition, batch: network.batch)
      return plan.blobs[try #require(plan.position(ofBlob: blob))].shape
    }
    let google = try fixture("googlenet").network(phase: .testing)
    // ⌈(20 − 3)/2⌉ + 1 = 10 and ⌈(10 − 3)/2⌉ + 1 = 5: both pools round up.
    #expect(try shape(google, "pool1/3x3_s2") == Shape(2, 4, 10, 10))
    #expect(try shape(google, "pool3/3x3_s2") == Shape(2, 11, 5, 5))
    #expect(try shape(google, "inception_3a/output") == Shape(2, 3 + 4 + 2 + 2, 10, 10))
    #expect(try shape(google, "pool5/7x7_s1") == Shape(2, 10, 1, 1))
    let squeeze = try fixture("squeezenet").network(phase: .testing)
    #expect(try shape(squeeze, "fire3/concat") == Shape(2, 8, 8, 8))
    #expect(try shape(squeeze, "pool10") == Shape(2, 6, 1, 1))
    let residual = try fixture("resnet").network(phase: .training)
    #expect(try shape(residual, "res3a") == Shape(2, 6, 3, 3))
  }

  @Test("run, learn, and have the gradients of their difference quotients", arguments: names)
  func gradients(name: String) throws {
    let caffe = try fixture(name).network(phase: .training)
    var losses: [Double] = []
    for backend in [ReferenceBackend<Double>(), FastBackend<Double>()] as [any Backend<Double>] {
      let network = try network(caffe, backend)
      let report = try check(
        network, exact: ReferenceBackend<Dual<Double>>(),
        options: CheckOptions(mode: .sampled(3), exactElements: 2, seed: 3))
      #expect(report.passed, "\(report.explanation)")
      // The check has moved parameters since: once more, where the first pass began.
      network.context = RunContext(seed: 3)
      losses.append(try network.forward())
      for (layer, planned) in network.plan.layers.enumerated() {
        for number in planned.parameters.indices {
          #expect(network.parameterGradients[layer][number].largestMagnitude > 0, "\(planned.name)")
        }
      }
    }
    // Sums in other orders, through some ten layers.
    #expect(abs(losses[0] - losses[1]) <= 1e-13 * abs(losses[0]))
  }

  private func network<S>(
    _ caffe: CaffeNetwork, _ backend: some Backend<S>
  ) throws -> Network<S> {
    let network = try Network(caffe.definition, backend: backend, batch: caffe.batch, seed: 3)
    var generator = SplitMix64(seed: 4)
    try network.load(images: .normal(network.input.shape, using: &generator), labels: [1, 4])
    return network
  }

  @Test("are written as they are read", arguments: names)
  func writing(name: String) throws {
    let definition = try fixture(name).network(phase: .training).definition
    let text = try definition.netParameter(batch: 2, phase: .training).prototxt()
    #expect(try NetPrototxt(parsing: text).network(phase: .training).definition == definition)
  }
}

@Suite("Layers over several inputs in prototxt")
struct JoinReadingTests {
  @Test("take Caffe's fields, old and new")
  func fields() throws {
    let net = try NetPrototxt(
      parsing: data + """
        layer { name: "sigmoid" type: "Sigmoid" bottom: "data" top: "sigmoid" }
        layer { name: "tanh" type: "TanH" bottom: "data" top: "tanh" }
        layer { name: "old" type: "Concat" bottom: "sigmoid" bottom: "tanh" top: "old"
          concat_param { concat_dim: 2 } }
        layer { name: "new" type: "Concat" bottom: "sigmoid" bottom: "tanh" top: "new"
          concat_param { axis: -1 } }
        layer { name: "sum" type: "Eltwise" bottom: "sigmoid" bottom: "tanh" top: "sum"
          eltwise_param { coeff: 1 coeff: -0.5 } }
        layer { name: "product" type: "Eltwise" bottom: "sigmoid" bottom: "tanh" top: "product"
          eltwise_param { operation: PROD stable_prod_grad: false } }
        layer { name: "maximum" type: "Eltwise" bottom: "sigmoid" bottom: "tanh" top: "maximum"
          eltwise_param { operation: MAX coeff: 3 coeff: 2 } }
        """)
    let definition = try net.network(phase: .testing).definition
    let expected: [any LayerSpecification] = [
      SigmoidSpecification(), TanHSpecification(), ConcatSpecification(axis: 2),
      ConcatSpecification(axis: 3), EltwiseSpecification(coefficients: [1, -0.5]),
      EltwiseSpecification(.product, hasStableProductGradient: false),
      EltwiseSpecification(.maximum),
    ]
    #expect(
      definition.layers.map { AnyHashable($0.specification) } == expected.map { AnyHashable($0) })
    let again = try NetPrototxt(
      parsing: definition.netParameter(batch: 2, phase: .testing).prototxt())
    #expect(try again.network(phase: .testing).definition == definition)
  }
}

/// What Caffe takes, and real files have.
@Suite("What harmless networks may have")
struct HarmlessTests {
  private func definition(_ text: String, _ phase: Phase = .testing) throws -> NetworkDefinition {
    try NetPrototxt(parsing: data + text).network(phase: phase).definition
  }

  @Test(
    "in a layer",
    arguments: [
      "layer { name: \"p\" type: \"Pooling\" bottom: \"data\" top: \"p\" pooling_param { kernel_size: 1 stride: 3 } }",
      "layer { name: \"p\" type: \"Pooling\" bottom: \"data\" top: \"p\" pooling_param { kernel_size: 3 kernel_h: 1 } }",
      "layer { name: \"d\" type: \"Dropout\" bottom: \"data\" top: \"data\" dropout_param { dropout_ratio: 0 } }",
      "layer { name: \"c\" type: \"Convolution\" bottom: \"data\" top: \"c\" convolution_param { num_output: 2 kernel_size: 3 axis: -3 } }",
      "layer { name: \"prob\" type: \"Softmax\" bottom: \"data\" top: \"prob\" loss_weight: 0.5 }",
      """
      layer { name: "n" type: "LRN" bottom: "data" top: "n" lrn_param { local_size: 3 } }
      layer { name: "r" type: "ReLU" bottom: "n" top: "n" }
      """,
      """
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" propagate_down: false inner_product_param { num_output: 3 } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" propagate_down: 1 propagate_down: 0 }
      """,
    ])
  func layers(text: String) throws {
    let network = try Network(
      definition(text), backend: ReferenceBackend<Float>(), batch: 2, gradients: .none)
    try network.load(images: Tensor(network.input.shape, repeating: 1), labels: [0, 1])
    try network.forward()
  }

  @Test("an in-place layer over what only a backward pass needs is refused where there is one")
  func inPlace() {
    let text = """
      layer { name: "n" type: "LRN" bottom: "data" top: "n" lrn_param { local_size: 3 } }
      layer { name: "r" type: "ReLU" bottom: "n" top: "n" }
      layer { name: "fc" type: "InnerProduct" bottom: "n" top: "fc" inner_product_param { num_output: 4 } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" }
      """
    let error = #expect(throws: CaffeFileError.self) {
      try definition(text, .training)
    }
    #expect(error?.problem.contains("needs its output again backwards") == true)
    #expect(throws: Never.self) { try definition(text, .testing) }
  }

  @Test("two layers of one name")
  func names() throws {
    let layers = try definition(
      """
      layer { name: "a" type: "ReLU" bottom: "data" top: "data" }
      layer { name: "a (2)" type: "ReLU" bottom: "data" top: "data" }
      layer { name: "a" type: "Softmax" bottom: "data" top: "prob" }
      """
    ).layers
    #expect(layers.map(\.name) == ["a", "a (2)", "a (3)"])
  }

  /// As in Caffe, whose `CopyTrainedLayersFrom` looks for the first layer of the name.
  @Test("of two layers of one name with weights, a file's last goes to the network's first")
  func weightsOfOneName() throws {
    let net = try NetPrototxt(
      parsing: data + """
        layer { name: "a" type: "InnerProduct" bottom: "data" top: "b"
          inner_product_param { num_output: 2 weight_filler { type: "constant" value: 1 } } }
        layer { name: "a" type: "InnerProduct" bottom: "data" top: "c"
          inner_product_param { num_output: 2 weight_filler { type: "constant" value: 2 } } }
        """)
    func network() throws -> (CaffeNetwork, Network<Float>) {
      let caffe = try net.network(phase: .testing)
      return (caffe, try Network(caffe.definition, backend: FastBackend<Float>(), batch: 2))
    }
    let (caffe, first) = try network()
    let written = CaffeModel(of: first, description: caffe.message)
    #expect(written.message.layer.map(\.name).suffix(2) == ["a", "a"])
    #expect(written.message.layer.suffix(2).map { $0.blobs[0].data.first } == [1, 2])
    let (_, second) = try network()
    let report = try written.copy(into: second)
    #expect(second.parameters.map { $0[0].elements.first } == [2, 2])
    #expect(report.copied == ["a", "a"] && report.untouched == ["a (2)"])
    let findings = net.lint().filter { $0.rule == .sameName }
    #expect(
      findings.map(\.message) == ["layer \"a\" has the name of an earlier layer with weights"])
  }

  @Test("weights that layers share, with what one of them says of their learning")
  func sharing() throws {
    let definition = try definition(
      """
      layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" param { name: "w" }
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
      layer { name: "b" type: "InnerProduct" bottom: "data" top: "b" param { name: "w" lr_mult: 3 }
        inner_product_param { num_output: 2 } }
      """)
    #expect(definition.layers[0].parameters[0].learningRateMultiplier == 3)
    let network = try Network(definition, backend: FastBackend<Float>(), batch: 2)
    var generator = SplitMix64(seed: 4)
    try network.load(images: .normal(network.input.shape, using: &generator), labels: [])
    try network.forward()
    #expect(network.blob("a") == network.blob("b"))
    #expect(network.blob("a")?.largestMagnitude ?? 0 > 0)
    let again = try NetPrototxt(
      parsing: definition.netParameter(batch: 2, phase: .testing).prototxt())
    #expect(
      try again.network(phase: .testing).definition.layers.map { $0.parameters.first?.name }
        == ["w", "w"])
    let error = #expect(throws: CaffeFileError.self) {
      try self.definition(
        """
        layer { name: "a" type: "InnerProduct" bottom: "data" top: "a" param { name: "w" lr_mult: 1 }
          inner_product_param { num_output: 2 } }
        layer { name: "b" type: "InnerProduct" bottom: "data" top: "b" param { name: "w" lr_mult: 3 }
          inner_product_param { num_output: 2 } }
        """)
    }
    #expect(
      error?.problem
        == "layer \"b\": shares parameter \"w\" with lr_mult 3, but an earlier layer has 1")
  }
}

@Suite("Phases and states in prototxt")
struct PhaseTests {
  @Test("A layer's own phase holds for it, the file's state for what it says")
  func phases() throws {
    let net = try NetPrototxt(
      parsing: data + """
        state { phase: TEST stage: "deploy" }
        layer { name: "drop" type: "Dropout" bottom: "data" top: "drop" phase: TEST }
        layer { name: "deployed" type: "ReLU" bottom: "drop" top: "d" include { stage: "deploy" } }
        layer { name: "tested" type: "ReLU" bottom: "drop" top: "t" include { phase: TEST } }
        """)
    let network = try net.network(phase: .training)
    #expect(network.phase == .training)
    #expect(network.definition.layers.map(\.name) == ["drop", "deployed"])
    #expect(network.definition.layers.map(\.phase) == [.testing, nil])
    #expect(network.inputs.map(\.phase) == [.training, .training])
    // A solver starts from its own phase, which the file's state and the solver's may change.
    #expect(try net.network(in: net.state(solving: .training, .init())).phase == .testing)
    let trained = Caffe_NetState.with { $0.phase = .train }
    let solved = try net.network(in: net.state(solving: .training, trained))
    #expect(solved.phase == .training)
    #expect(solved.definition.layers.map(\.name) == ["drop", "deployed"])
    let text = try network.definition.netParameter(batch: 2, phase: .training).prototxt()
    #expect(text.contains("phase: TEST"))
  }
}

@Suite("The form of 2013")
struct Form2013Tests {
  @Test("is upgraded as Caffe does it, text and places")
  func text() throws {
    let net = try fixture("imagenet2013")
    #expect(
      net.message.layer.map(\.type) == [
        "Data", "Convolution", "ReLU", "Pooling", "LRN", "Convolution", "ReLU", "InnerProduct",
        "Dropout", "SoftmaxWithLoss",
      ])
    let layers = net.message.layer
    #expect(layers[0].dataParam.source == "train_leveldb")
    #expect(layers[0].dataParam.batchSize == 2)
    #expect(layers[0].transformParam.cropSize == 33)
    #expect(layers[0].transformParam.mirror)
    #expect(layers[0].transformParam.meanFile == "mean.binaryproto")
    #expect(layers[1].param.map(\.lrMult) == [1, 2])
    #expect(layers[1].param.map(\.decayMult) == [1, 0])
    #expect(layers[5].bottom == ["norm1"])
    #expect(layers[5].convolutionParam.pad == [2])
    #expect(layers[5].convolutionParam.group == 2)
    #expect(layers[8].dropoutParam.dropoutRatio == 0.4)
    // Behind the layer that is gone, places are still those of the layers.
    let line = try #require(net.position(ofLayer: 5)?.line)
    let written = try String(
      contentsOf: URL(filePath: net.file), encoding: .utf8
    ).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(written[line - 1].contains("\"conv2\""))
    let network = try net.network(phase: .training)
    #expect(network.definition.imageShape == [3, 33, 33])
    #expect(network.definition.layers[4].parameters[1].filler == .constant(1))
  }

  @Test("holds weights, which are copied by name")
  func binary() throws {
    let text = """
      layers { layer { name: "fc" type: "innerproduct" num_output: 1
        blobs { num: 1 channels: 1 height: 1 width: 2 data: 3 data: 4 }
        blobs { num: 1 channels: 1 height: 1 width: 1 data: 5 } } bottom: "data" top: "fc" }
      """
    let message = try Prototxt<Caffe_NetParameter>(parsing: text).message
    let model = try CaffeModel(decoding: message.serializedBytes())
    let net = try NetPrototxt(
      parsing: """
        input: "data" input_dim: 1 input_dim: 2 input_dim: 1 input_dim: 1
        layers { layer { name: "fc" type: "innerproduct" num_output: 1 } bottom: "data" top: "fc" }
        """)
    let network = try Network(
      net.network(phase: .testing).definition, backend: ReferenceBackend<Float>())
    try model.copy(into: network)
    #expect(network.parameters[0].map(\.elements) == [[3, 4], [5]])
  }
}
