import LayerCases
import Layers
import Networks
import Tensors
import Testing

/// Every case of the table: shapes and counts beside the same found in another way, by walking windows over
/// an axis instead of dividing.
@Suite("Shapes of the table of cases")
struct CaseTests {
  @Test(arguments: LayerCase.all)
  func shapes(_ testCase: LayerCase) throws {
    let specification = testCase.specification
    let output = try specification.outputShape(for: testCase.inputs)
    #expect(output.dimensions == testCase.walkedOutput)
    let parameters = try specification.parameters(for: testCase.inputs)
    #expect(parameters.map(\.shape.dimensions) == testCase.expectedParameters)
    // Each output is a sum over the elements of its row of weights.
    let weights = parameters.first?.shape
    #expect(
      try specification.multiplyAccumulates(for: testCase.inputs)
        == output.count * (weights.map { $0.dimensions.dropFirst().reduce(1, *) } ?? 0))
  }

  @Test("are those of a network of the one layer", arguments: LayerCase.all.filter(\.fitsNetwork))
  func plan(_ testCase: LayerCase) throws {
    let (first, specification) = (testCase.inputs[0], testCase.specification)
    var definition = NetworkDefinition(
      name: "net", imageShape: Array(first.dimensions.dropFirst()))
    definition.otherInputs = testCase.inputs.enumerated().dropFirst().map {
      InputDefinition(name: "input \($0.offset)", dimensions: $0.element.dimensions)
    }
    let bottoms = [definition.data] + definition.otherInputs.map(\.name)
    definition.layers = [
      LayerDefinition(
        name: "layer", specification: specification,
        bottoms: bottoms + (specification.takesLabels ? [definition.label] : []), top: "top")
    ]
    let plan = try NetworkPlan(definition, batch: first.images, gradients: .none)
    #expect(plan.layers[0].inputs == testCase.inputs)
    #expect(plan.output(ofLayer: 0).shape.dimensions == testCase.walkedOutput)
    #expect(plan.layers[0].parameters.map(\.shape.dimensions) == testCase.expectedParameters)
  }
}

extension LayerCase {
  /// Whether the first input is a batch.
  fileprivate var fitsNetwork: Bool { inputs[0].rank > 0 }

  /// How many windows there are along an axis: counted by walking.
  private func windows(
    _ size: Int, kernel: Int, stride: Int, pad: Int, overhangs: Bool, clips: Bool
  ) -> Int {
    var count = 0
    var start = -pad
    while true {
      let end = start + kernel
      let isInside = end <= size + pad
      // The first window that reaches the end is the last one; without overhang it must not pass it.
      if !isInside, !(overhangs && start - stride + kernel < size + pad) { break }
      if clips, count > 0, start >= size { break }
      count += 1
      start += stride
    }
    return count
  }

  fileprivate var walkedOutput: [Int] {
    let input = inputs[0]
    switch specification {
    case let layer as ConvolutionSpecification:
      func side(_ size: Int, _ kernel: Int, _ dilation: Int, _ stride: Int, _ pad: Int) -> Int {
        windows(
          size, kernel: (kernel - 1) * dilation + 1, stride: stride, pad: pad, overhangs: false,
          clips: false)
      }
      return [
        input.images, layer.outputChannels,
        side(
          input.height, layer.kernel.height, layer.dilation.height, layer.stride.height,
          layer.pad.height),
        side(
          input.width, layer.kernel.width, layer.dilation.width, layer.stride.width,
          layer.pad.width),
      ]
    case let layer as PoolingSpecification:
      let kernel = layer.kernel(for: input)
      func side(_ size: Int, _ kernel: Int, _ stride: Int, _ pad: Int) -> Int {
        windows(
          size, kernel: kernel, stride: stride, pad: pad, overhangs: layer.rounding == .ceiling,
          clips: layer.pad != 0)
      }
      return [
        input.images, input.channels,
        side(input.height, kernel.height, layer.stride.height, layer.pad.height),
        side(input.width, kernel.width, layer.stride.width, layer.pad.width),
      ]
    case let layer as AdaptiveAveragePoolingSpecification:
      return [input.images, input.channels, layer.output.height, layer.output.width]
    case let layer as InnerProductSpecification:
      return Array(input.dimensions.prefix(layer.axis)) + [layer.outputs]
    case let layer as ConcatSpecification:
      var dimensions = input.dimensions
      dimensions[layer.axis] = inputs.reduce(0) { $0 + $1[layer.axis] }
      return dimensions
    case is SoftmaxWithLossSpecification, is AccuracySpecification: return []
    default: return input.dimensions
    }
  }

  fileprivate var expectedParameters: [[Int]] {
    let input = inputs[0]
    switch specification {
    case let layer as ConvolutionSpecification:
      let weights = [
        layer.outputChannels, input.channels / layer.group, layer.kernel.height,
        layer.kernel.width,
      ]
      return layer.hasBias ? [weights, [layer.outputChannels]] : [weights]
    case let layer as InnerProductSpecification:
      let weights = [layer.outputs, input.dimensions[layer.axis...].reduce(1, *)]
      return layer.hasBias ? [weights, [layer.outputs]] : [weights]
    default: return []
    }
  }
}
