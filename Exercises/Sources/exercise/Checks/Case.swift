import Layers
import Tensors

/// A layer of the learner's beside the naive version of the same, and what both are run on.
struct Case<Mine: SingleInputLayer, Twin: SingleInputLayer>: Sendable
where Mine.Scalar == Double, Twin.Scalar == Double {
  /// For example `3×3 kernels, stride 2`.
  let title: String
  /// The learner's.
  let mine: Mine
  /// The naive version.
  let twin: Twin
  /// The shape of the input.
  let input: Shape
  /// Whether the input is made of small whole numbers: windows then hold equal values, and some
  /// are 0.
  var isWhole = false
  /// What is added to all inputs. With −10, no input is positive.
  var shift = 0.0

  /// The title and the shape.
  var description: String {
    let numbers = isWhole ? "whole numbers, " : shift < 0 ? "negative numbers, " : ""
    return "\(title), on \(numbers)\(input)"
  }

  /// The same random input and parameters each time.
  func data() throws -> (input: Tensor<Double>, parameters: [Tensor<Double>]) {
    var generator = SplitMix64(seed: 1)
    var data = Tensor<Double>.normal(input, using: &generator)
    if isWhole {
      for i in 0..<data.count { data[i] = Double(Int.random(in: -2...2, using: &generator)) }
    }
    for i in 0..<data.count { data[i] += shift }
    let parameters = try twin.specification.parameters(for: input).map {
      Tensor<Double>.normal($0.shape, using: &generator)
    }
    return (data, parameters)
  }
}
