import RealModule
import Tensors

/// The distribution of a parameter's first values.
///
/// Source: Caffe's `filler.hpp`. Single values differ from Caffe's, whose generators are Boost's;
/// the distributions don't.
public enum Filler: Hashable, Sendable {
  /// The same value everywhere.
  case constant(Double)
  /// Evenly spread over [low, high].
  case uniform(low: Double, high: Double)
  /// Normal, by mean and standard deviation.
  case gaussian(mean: Double = 0, deviation: Double)
  /// Normal where a coin falls so, 0 elsewhere. The coin's probability is `nonzero` / shape[0]:
  /// over the outputs, each input keeps that many values on average. Caffe's `sparse`.
  case sparseGaussian(mean: Double = 0, deviation: Double, nonzero: Int)
  /// Uniform over ±√(3 / fan) (Glorot and Bengio 2010, in Caffe's reading).
  case xavier(Fan = .input)
  /// Normal with deviation √(2 / fan) (He et al. 2015).
  case msra(Fan = .input)

  /// The number that a variance is scaled by, Caffe's `variance_norm`.
  public enum Fan: Hashable, Sendable, CaseIterable {
    /// count / shape[0]: the values that are summed into one output.
    case input
    /// count / shape[1]: the outputs that one value is summed into. Caffe divides so whatever the
    /// groups and the stride.
    case output
    /// The mean of the two.
    case average

    func count(of shape: Shape) -> Double {
      let input = Double(shape.count) / Double(max(shape[0], 1))
      let output = Double(shape.count) / Double(max(shape[1], 1))
      return switch self {
      case .input: max(input, 1)
      case .output: max(output, 1)
      case .average: max((input + output) / 2, 1)
      }
    }
  }

  /// A parameter filled from a seed.
  ///
  /// - Complexity: O(count) random numbers, fewer for a constant; allocates the tensor.
  public func fill<Scalar: Tensors.Scalar>(
    _ shape: Shape, seed: UInt64, as type: Scalar.Type = Scalar.self
  ) -> Tensor<Scalar> {
    var generator = SplitMix64(seed: seed)
    switch self {
    case .constant(let value):
      return Tensor(shape, repeating: Scalar(value))
    case .uniform(let low, let high):
      return .uniform(shape, in: min(low, high)...max(low, high), using: &generator)
    case .gaussian(let mean, let deviation):
      return .normal(shape, mean: mean, deviation: deviation, using: &generator)
    case .sparseGaussian(let mean, let deviation, let nonzero):
      var tensor: Tensor<Scalar> = .normal(
        shape, mean: mean, deviation: deviation, using: &generator)
      let probability = Double(nonzero) / Double(max(shape[0], 1))
      for i in 0..<tensor.count where generator.nextUniform() >= probability { tensor[i] = 0 }
      return tensor
    case .xavier(let fan):
      let bound = Double.sqrt(3 / fan.count(of: shape))
      return .uniform(shape, in: -bound...bound, using: &generator)
    case .msra(let fan):
      return .normal(shape, deviation: Double.sqrt(2 / fan.count(of: shape)), using: &generator)
    }
  }
}
