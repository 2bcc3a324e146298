import RealModule
import Tensors

/// The distribution of a parameter's first values.
///
/// Source: Caffe's `filler.hpp`. Fan-in is count / shape[0], the number of values summed into one
/// output. Single values differ from Caffe's, whose generators are Boost's; the distributions don't.
public enum Filler: Hashable, Sendable {
  /// The same value everywhere.
  case constant(Double)
  /// Evenly spread over [low, high].
  case uniform(low: Double, high: Double)
  /// Normal, by mean and standard deviation.
  case gaussian(mean: Double = 0, deviation: Double)
  /// Uniform over ±√(3 / fan-in) (Glorot and Bengio 2010, in Caffe's reading).
  case xavier
  /// Normal with deviation √(2 / fan-in) (He et al. 2015).
  case msra

  /// A parameter filled from a seed.
  public func fill<Scalar: Tensors.Scalar>(
    _ shape: Shape, seed: UInt64, as type: Scalar.Type = Scalar.self
  ) -> Tensor<Scalar> {
    var generator = SplitMix64(seed: seed)
    let fanIn = Double(max(shape.imageCount, 1))
    switch self {
    case .constant(let value):
      return Tensor(shape, repeating: Scalar(value))
    case .uniform(let low, let high):
      return .uniform(shape, in: min(low, high)...max(low, high), using: &generator)
    case .gaussian(let mean, let deviation):
      return .normal(shape, mean: mean, deviation: deviation, using: &generator)
    case .xavier:
      let bound = Double.sqrt(3 / fanIn)
      return .uniform(shape, in: -bound...bound, using: &generator)
    case .msra:
      return .normal(shape, deviation: Double.sqrt(2 / fanIn), using: &generator)
    }
  }
}
