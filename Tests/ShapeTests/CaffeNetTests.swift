import Layers
import Networks
import Tensors
import Testing

/// One line of the table in the paper's order: what every implementation has to agree on.
struct Row: Sendable, CustomTestStringConvertible {
  var name: String
  var output: [Int]
  var parameters = 0
  var macs = 0
  var receptiveField: Int
  var stride: Int

  var testDescription: String { name }
}

let caffenetRows = [
  Row(
    name: "conv1", output: [96, 55, 55], parameters: 34_944, macs: 105_415_200,
    receptiveField: 11, stride: 4),
  Row(name: "relu1", output: [96, 55, 55], receptiveField: 11, stride: 4),
  Row(name: "pool1", output: [96, 27, 27], receptiveField: 19, stride: 8),
  Row(name: "norm1", output: [96, 27, 27], receptiveField: 19, stride: 8),
  Row(
    name: "conv2", output: [256, 27, 27], parameters: 307_456, macs: 223_948_800,
    receptiveField: 51, stride: 8),
  Row(name: "relu2", output: [256, 27, 27], receptiveField: 51, stride: 8),
  Row(name: "pool2", output: [256, 13, 13], receptiveField: 67, stride: 16),
  Row(name: "norm2", output: [256, 13, 13], receptiveField: 67, stride: 16),
  Row(
    name: "conv3", output: [384, 13, 13], parameters: 885_120, macs: 149_520_384,
    receptiveField: 99, stride: 16),
  Row(name: "relu3", output: [384, 13, 13], receptiveField: 99, stride: 16),
  Row(
    name: "conv4", output: [384, 13, 13], parameters: 663_936, macs: 112_140_288,
    receptiveField: 131, stride: 16),
  Row(name: "relu4", output: [384, 13, 13], receptiveField: 131, stride: 16),
  Row(
    name: "conv5", output: [256, 13, 13], parameters: 442_624, macs: 74_760_192,
    receptiveField: 163, stride: 16),
  Row(name: "relu5", output: [256, 13, 13], receptiveField: 163, stride: 16),
  Row(name: "pool5", output: [256, 6, 6], receptiveField: 195, stride: 32),
  Row(
    name: "fc6", output: [4096], parameters: 37_752_832, macs: 37_748_736,
    receptiveField: 355, stride: 32),
  Row(name: "relu6", output: [4096], receptiveField: 355, stride: 32),
  Row(name: "drop6", output: [4096], receptiveField: 355, stride: 32),
  Row(
    name: "fc7", output: [4096], parameters: 16_781_312, macs: 16_777_216,
    receptiveField: 355, stride: 32),
  Row(name: "relu7", output: [4096], receptiveField: 355, stride: 32),
  Row(name: "drop7", output: [4096], receptiveField: 355, stride: 32),
  Row(
    name: "fc8", output: [1000], parameters: 4_097_000, macs: 4_096_000,
    receptiveField: 355, stride: 32),
]

@Suite("CaffeNet at 227×227")
struct CaffeNetTests {
  @Test("has the published row", arguments: caffenetRows.indices)
  func row(index: Int) throws {
    let layer = try NetworkPlan(caffenet(), batch: 7).layers[index]
    let expected = caffenetRows[index]
    #expect(layer.name == expected.name)
    #expect(layer.output.dimensions == [7] + expected.output)
    #expect(layer.parameterCount == expected.parameters)
    #expect(layer.multiplyAccumulates == 7 * expected.macs)
    #expect(layer.floatingPointOperations == 14 * expected.macs)
    #expect(layer.receptiveField == expected.receptiveField)
    #expect(layer.stride == expected.stride)
  }

  @Test("ends in a scalar loss and has no other layers")
  func loss() throws {
    let layers = try NetworkPlan(caffenet()).layers
    #expect(layers.count == caffenetRows.count + 1)
    #expect(layers.last?.name == "loss")
    #expect(layers.last?.output == Shape())
  }

  @Test("has 60,965,224 parameters and does 724,406,816 multiply-accumulates an image")
  func totals() throws {
    let summary = try NetworkPlan(caffenet())
    #expect(summary.parameterCount == 60_965_224)
    #expect(summary.multiplyAccumulates == 724_406_816)
    #expect(summary.floatingPointOperations == 1_448_813_632)
  }

  @Test("holds 3.8 % of its parameters in convolutions, which do 91.9 % of the work")
  func shares() throws {
    let summary = try NetworkPlan(caffenet())
    let convolutions = summary.layers.filter { $0.type == "Convolution" }
    let parameters = convolutions.reduce(0) { $0 + $1.parameterCount }
    let work = convolutions.reduce(0) { $0 + $1.multiplyAccumulates }
    #expect(perMille(parameters, of: summary.parameterCount) == 38)
    #expect(perMille(work, of: summary.multiplyAccumulates) == 919)
  }

  /// Rounded to the nearest.
  private func perMille(_ part: Int, of whole: Int) -> Int {
    (1000 * part + whole / 2) / whole
  }

  @Test("without groups it would have 62,378,344 parameters and do 1,135,256,096 MACs")
  func ungrouped() throws {
    var definition = caffenet()
    for index in definition.layers.indices {
      if var specification = definition.layers[index].specification as? ConvolutionSpecification {
        specification.group = 1
        definition.layers[index].specification = specification
      }
    }
    let summary = try NetworkPlan(definition)
    #expect(summary.parameterCount == 62_378_344)
    #expect(summary.multiplyAccumulates == 1_135_256_096)
  }

  @Test("normalises 113,248 values an image; bvlc_alexnet, before pooling, 477,024")
  func normalisedValues() throws {
    func normalised(_ definition: NetworkDefinition) throws -> Int {
      try NetworkPlan(definition).layers.filter { $0.type == "LRN" }.reduce(0) {
        $0 + $1.output.count
      }
    }
    #expect(try normalised(caffenet()) == 113_248)
    #expect(try normalised(alexnet()) == 477_024)
  }

  @Test("appends accuracy when asked to, and nothing else")
  func accuracy() throws {
    let names = caffenet(includeAccuracy: true).layers.map(\.name)
    #expect(names.filter { $0 != "accuracy" } == caffenet().layers.map(\.name))
    #expect(names.contains("accuracy"))
  }
}
