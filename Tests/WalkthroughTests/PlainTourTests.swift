import Layers
import Networks
import Tensors
import Testing

@testable import walkthrough

/// out = in³, a layer of one's own that the tour knows nothing of.
private struct CubeSpecification: SingleInputSpecification {
  static let typeName = "Cube"
  var inPlaceObstacle: String? { "its gradient needs the input" }

  func outputShape(for input: Shape) throws(LayerError) -> Shape { input }

  func layer<S>(on backend: some Backend<S>) throws(LayerError) -> any Layer<S> {
    Cube<S>(specification: self)
  }
}

private struct Cube<Scalar: Tensors.Scalar>: SingleInputLayer {
  var specification: CubeSpecification

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count { output[i] = input[i] * input[i] * input[i] }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for i in 0..<input.count { gradient[i] = outputGradient[i] * 3 * input[i] * input[i] }
    }
  }
}

@Suite("The tour of a layer of one's own")
struct PlainTourTests {
  @Test("shows what every layer has, checks its gradient, and doesn't break the others")
  func tour() throws {
    var net = NetworkBuilder(name: "own", channels: 3, height: 9, width: 9)
    let relu1 = net.convolutionReLU(
      "1", net.data, kernel: 3, outputs: 4, weights: .gaussian(deviation: 0.1), bias: 0)
    var definition = net.definition
    definition.layers.append(
      LayerDefinition(
        name: "cube", specification: CubeSpecification(), bottoms: [relu1], top: "cube"))
    definition.layers.append(
      LayerDefinition(
        name: "score", specification: InnerProductSpecification(outputs: 4), bottoms: ["cube"],
        top: "score"))
    definition.layers.append(
      LayerDefinition(
        name: "loss", specification: SoftmaxWithLossSpecification(), bottoms: ["score", "label"],
        top: "loss"))
    var generator = SplitMix64(seed: 5)
    let image = TourImage(
      tensor: .normal(try definition.inputShape(batch: 1), deviation: 1, using: &generator),
      label: 3, name: "noise")
    let report = try TourGuide(
      definition: definition, image: image, seed: 1, progress: Progress(steps: 1)
    ).run()
    let cube = try #require(report.layers.first { $0.name == "cube" })
    #expect(cube.type == "Cube" && cube.example == nil && cube.formula.isEmpty && cube.agrees)
    #expect(!cube.checks.isEmpty && cube.checks.allSatisfy(\.passed))
    #expect(cube.backward?.examples.isEmpty == true && cube.backward?.inputGradient != nil)
    let score = try #require(report.layers.first { $0.name == "score" })
    #expect(score.backward?.examples.count == 3)
    let text = TourText(
      report: report, terminal: Terminal(width: 80, isStyled: false, isInteractive: false))
    #expect(text.forward(cube).joined(separator: " ").contains("A layer of type Cube"))
    let page = try TourPage(report: report).document()
    #expect(page.contains("<section id=\"layer-cube\""))
  }
}
