import Layers
import Networks
import Tensors
import Testing

/// The spatial sizes after conv1, pool1, pool2 and pool5.
private func sizes(_ definition: NetworkDefinition) throws -> [Int] {
  let layers = try NetworkPlan(definition).layers
  return ["conv1", "pool1", "pool2", "pool5"].compactMap { name in
    layers.first { $0.name == name }?.output.height
  }
}

/// The same network with another first convolution.
private func withConv1(
  _ definition: NetworkDefinition, _ change: (inout ConvolutionSpecification) -> Void
) -> NetworkDefinition {
  var definition = definition
  if var specification = definition.layers[0].specification as? ConvolutionSpecification {
    change(&specification)
    definition.layers[0].specification = specification
  }
  return definition
}

/// The same network with every pooling layer rounding in another way.
private func rounding(
  _ definition: NetworkDefinition, _ rounding: PoolingSpecification.Rounding
) -> NetworkDefinition {
  var definition = definition
  for index in definition.layers.indices {
    if var specification = definition.layers[index].specification as? PoolingSpecification {
      specification.rounding = rounding
      definition.layers[index].specification = specification
    }
  }
  return definition
}

@Suite("Variants of AlexNet")
struct VariantTests {
  @Test("Caffe at 227 and 224, normalised before or after pooling")
  func caffe() throws {
    #expect(try sizes(caffenet()) == [55, 27, 13, 6])
    #expect(try sizes(caffenet(inputSize: 224)) == [54, 27, 13, 6])
    #expect(try sizes(alexnet()) == [55, 27, 13, 6])
    #expect(try sizes(alexnet(inputSize: 224)) == [54, 27, 13, 6])
  }

  @Test("the 2012 code at 224 rounds its convolution up: one window more, over the border")
  func cudaConvnet() throws {
    // ⌈(224 − 11)/4⌉ + 1 = 55; three columns of zeros behind the border give the same windows.
    #expect(try sizes(caffenet(inputSize: 224 + 3)) == [55, 27, 13, 6])
  }

  @Test("torchvision at 224: pad 2, pools that round down")
  func torchvision() throws {
    let network = rounding(withConv1(caffenet(inputSize: 224)) { $0.pad = 2 }, .floor)
    #expect(try sizes(network) == [55, 27, 13, 6])
  }

  @Test("d2l at 224: pad 1, pools that round down")
  func d2l() throws {
    let network = rounding(withConv1(caffenet(inputSize: 224)) { $0.pad = 1 }, .floor)
    #expect(try sizes(network) == [54, 26, 12, 5])
  }

  @Test("at 227 both ways of rounding agree: the row alone proves neither")
  func exactDivisions() throws {
    #expect(try sizes(rounding(caffenet(), .floor)) == [55, 27, 13, 6])
    #expect(
      try sizes(rounding(caffenet(inputSize: 224), .floor))
        != sizes(caffenet(inputSize: 224)))
  }

  @Test("mini divides exactly too: 99→23→11→5→2")
  func miniSizes() throws {
    #expect(try sizes(mini()) == [23, 11, 5, 2])
    #expect(try sizes(rounding(mini(), .floor)) == [23, 11, 5, 2])
  }
}
