// The code of Sources/Fast/Documentation.docc/CompareVersions.md.
import Fast
import Layers
import Reference
import Tensors

/// The greatest difference of both versions' outputs, as a share of the greatest output.
func compareConvolutions() throws -> Double {
  let specification = ConvolutionSpecification(outputChannels: 8, kernel: 3, pad: 1, group: 2)
  let shape = Shape(2, 4, 9, 9)
  var generator = SplitMix64(seed: 1)
  let input = Tensor<Float>.normal(shape, using: &generator)
  let parameters = try specification.parameters(for: shape).map {
    Tensor<Float>.normal($0.shape, using: &generator)
  }
  let naive = try Reference.Convolution<Float>(specification)
    .forward(input, parameters: parameters).output
  let fast = try Fast.Convolution<Float>(specification)
    .forward(input, parameters: parameters).output
  return naive.largestDifference(to: fast) / naive.largestMagnitude
}
