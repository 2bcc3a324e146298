import Foundation
import Ladder
import Layers
import Reference
import Tensors
import Testing

@Suite("The rungs of the ladder")
struct LadderTests {
  /// Sizes at which loops may go wrong: no whole number of tiles, one kernel, one position, borders
  /// wider than the image's rest, strides that leave pixels out.
  static let cases: [(String, ConvolutionSpecification, Shape)] = [
    (
      "like conv2", ConvolutionSpecification(outputChannels: 16, kernel: 5, pad: 2, group: 2),
      Shape(2, 8, 13, 13)
    ),
    (
      "like conv1", ConvolutionSpecification(outputChannels: 10, kernel: 11, stride: 4),
      Shape(1, 3, 47, 35)
    ),
    (
      "like conv3", ConvolutionSpecification(outputChannels: 38, kernel: 3, pad: 1),
      Shape(3, 7, 13, 13)
    ),
    ("1×1", ConvolutionSpecification(outputChannels: 7, kernel: 1), Shape(2, 5, 6, 9)),
    (
      "one of everything", ConvolutionSpecification(outputChannels: 1, kernel: 1),
      Shape(1, 1, 1, 1)
    ),
    (
      "a border wider than the image",
      ConvolutionSpecification(outputChannels: 3, kernel: 3, stride: 3, pad: 2), Shape(1, 2, 2, 3)
    ),
    (
      "a stride that leaves pixels out",
      ConvolutionSpecification(outputChannels: 33, kernel: 2, stride: 3), Shape(2, 300, 8, 7)
    ),
    (
      "without a bias",
      ConvolutionSpecification(outputChannels: 4, kernel: 3, pad: 1, hasBias: false),
      Shape(1, 4, 5, 5)
    ),
  ]

  /// Each sum has at most 1,200 products, whose order differs. Rounding errors add up like a random walk,
  /// √1200 · 6e-8 = 2e-6 of the largest; the bound is 2.5 times that. The transforms of Winograd's rung
  /// enlarge them further, by a factor of 3 as chapter 18 measures it.
  private func bound(_ title: String) -> Double { title.hasPrefix("Winograd") ? 1.5e-5 : 5e-6 }

  @Test(arguments: cases.indices, [1, 3])
  func forward(_ index: Int, threads: Int) throws {
    let (name, specification, shape) = Self.cases[index]
    let data = try Example(specification, shape)
    for (number, rung) in ladder.enumerated() where rung.refusal(data.sizes) == nil {
      let scratch = Scratch(rung, data.sizes, threads: threads)
      data.work.run(rung, pass: .forward, scratch: scratch)
      let output = Tensor(data.output.shape, data.work.result(of: .forward))
      let difference = output.largestDifference(to: data.output) / data.output.largestMagnitude
      #expect(difference <= bound(rung.title), "\(name), rung \(number), \(rung.title)")
    }
  }

  @Test(arguments: cases.indices)
  func backward(_ index: Int) throws {
    let (name, specification, shape) = Self.cases[index]
    let data = try Example(specification, shape)
    for (number, rung) in Pass.input.rungs {
      let scratch = Scratch(rung, data.sizes, threads: 1)
      for (pass, expected) in [
        (Pass.weights, data.weightGradient), (.input, data.inputGradient),
      ] {
        // Twice: nothing of the first run may be left.
        for _ in 0..<2 { data.work.run(rung, pass: pass, scratch: scratch) }
        let gradient = Tensor(expected.shape, data.work.result(of: pass))
        let difference = gradient.largestDifference(to: expected) / expected.largestMagnitude
        #expect(difference <= bound(rung.title), "\(name), \(pass), rung \(number)")
      }
    }
  }

  @Test("All rungs but the last take conv1, and all take conv2")
  func refusals() throws {
    let strided = try #require(
      Sizes(
        ConvolutionSpecification(outputChannels: 96, kernel: 11, stride: 4),
        input: Shape(1, 3, 227, 227), output: Shape(1, 96, 55, 55)))
    #expect(ladder.dropLast().allSatisfy { $0.refusal(strided) == nil })
    #expect(ladder.last?.refusal(strided) != nil)
    let conv2 = try #require(
      Sizes(
        ConvolutionSpecification(outputChannels: 256, kernel: 5, pad: 2, group: 2),
        input: Shape(1, 96, 27, 27), output: Shape(1, 256, 27, 27)))
    #expect(ladder.allSatisfy { $0.refusal(conv2) == nil })
    #expect(conv2.operations == 2 * 128 * 1200 * 729)
  }

  @Test("A dilated kernel has no sizes here")
  func dilated() {
    let specification = ConvolutionSpecification(outputChannels: 1, kernel: 3, dilation: 2)
    #expect(Sizes(specification, input: Shape(1, 1, 9, 9), output: Shape(1, 1, 5, 5)) == nil)
  }

  @Test("The peak is a rate", .timeLimit(.minutes(1)))
  func peak() {
    let peak = Peak.operationsPerSecond(threads: 1, rounds: 1_000_000)
    #expect(peak.isFinite && peak > 0)
  }
}

/// A convolution, and what Reference makes of it.
private final class Example {
  let sizes: Sizes
  let work: Work
  private(set) var output: Tensor<Float>
  let weightGradient, inputGradient: Tensor<Float>

  init(_ specification: ConvolutionSpecification, _ shape: Shape) throws {
    var generator = SplitMix64(seed: 7)
    let outputShape = try specification.outputShape(for: shape)
    let input = Tensor<Float>.normal(shape, using: &generator)
    let parameters = try specification.parameters(for: shape).map {
      Tensor<Float>.normal($0.shape, using: &generator)
    }
    let outputGradient = Tensor<Float>.normal(outputShape, using: &generator)
    let layer = Reference.Convolution<Float>(specification)
    var (output, saved) = (Tensor<Float>(outputShape), NothingSaved())
    var context = RunContext(phase: .testing)
    layer.forward(
      input, parameters: parameters, context: &context, output: &output, saved: &saved)
    var inputGradient: Tensor<Float>? = Tensor(shape)
    var gradients = parameters.map { Tensor<Float>($0.shape) }
    layer.backward(
      outputGradient: outputGradient, input: input, output: output, parameters: parameters,
      saved: saved, inputGradient: &inputGradient, parameterGradients: &gradients,
      accumulating: false)
    self.output = output
    weightGradient = gradients[0]
    self.inputGradient = try #require(inputGradient)
    sizes = try #require(Sizes(specification, input: shape, output: outputShape))
    guard
      let work = Work(
        specification, input: input, parameters: parameters, outputGradient: outputGradient)
    else { throw Refused() }
    self.work = work
  }

  private struct Refused: Error {}
}
