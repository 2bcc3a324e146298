import Layers
import Testing

@Suite("The worked examples in Docs")
struct ExampleTests {
  @Test("give what the text prints", arguments: ExampleName.allCases, Version.allCases)
  func example(name: ExampleName, version: Version) throws {
    let example = try Example(name)
    let backend = version.backend
    switch name {
    case .transformer: try example.checkTransformer()
    case .placement: try example.checkPlacement()
    case .convolution:
      try example.check(
        backend.convolution(ConvolutionSpecification(outputChannels: 1, kernel: 2)))
    case .convolutionWithPadding:
      try example.check(
        backend.convolution(
          ConvolutionSpecification(
            outputChannels: 1, kernel: 3, stride: 2, pad: 1, hasBias: false)))
    case .groups:
      try example.check(
        backend.convolution(ConvolutionSpecification(outputChannels: 4, kernel: 1, group: 2)))
    case .relu: try example.check(backend.relu(ReLUSpecification()))
    case .sigmoid: try example.check(backend.sigmoid(SigmoidSpecification()))
    case .tanh: try example.check(backend.tanh(TanHSpecification()))
    case .adaptiveAveragePooling:
      try example.check(
        backend.adaptiveAveragePooling(
          AdaptiveAveragePoolingSpecification(output: Extent(height: 1, width: 3))))
    case .maxPooling, .maxPoolingOverTheBorder:
      try example.check(backend.pooling(PoolingSpecification(.maximum, kernel: 3, stride: 2)))
    case .averagePoolingOverTheBorder:
      try example.check(backend.pooling(PoolingSpecification(.average, kernel: 3, stride: 2)))
    case .lrn: try example.check(backend.lrn(LRNSpecification(localSize: 3, alpha: 3)))
    case .runningSum: try example.checkRunningSum()
    case .innerProduct:
      try example.check(backend.innerProduct(InnerProductSpecification(outputs: 2)))
    case .dropout:
      try example.checkDraws(seed: 1)
      try example.check(
        backend.dropout(DropoutSpecification()), context: RunContext(phase: .training, seed: 1))
    case .softmaxLoss:
      try example.checkLoss(backend.softmaxWithLoss(SoftmaxWithLossSpecification()))
      try example.check(backend.softmax(SoftmaxSpecification()), input: "scores", output: "p")
    case .accuracy: try example.checkAccuracy(backend)
    case .network: try example.checkNetwork(backend)
    case .dual: try example.checkDual()
    case .columns: try example.checkColumns()
    case .stepPolicy: try example.checkStepPolicy()
    case .momentum: try example.checkMomentum(backend)
    case .fillers: try example.checkFillers()
    case .concat: try example.checkJoin(backend.concat(ConcatSpecification()))
    case .product: try example.checkJoin(backend.eltwise(EltwiseSpecification(.product)))
    case .maximum: try example.checkJoin(backend.eltwise(EltwiseSpecification(.maximum)))
    }
  }

  @Test("are all of them checked", arguments: Document.all)
  func completeness(document: Document) {
    for block in document.blocks("example") {
      #expect(
        ExampleName(rawValue: block.argument) != nil,
        "\(document.name):\(block.firstLine): no test recomputes \"\(block.argument)\"")
    }
  }
}
