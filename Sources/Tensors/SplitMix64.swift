import RealModule

/// A small seeded generator: the same seed gives the same numbers everywhere.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
/// Used for weights and synthetic data; what must agree with Caffe bit for bit draws from
/// `MersenneTwister` instead.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64
  private var spareNormal: Double?

  /// A generator that starts from a seed.
  public init(seed: UInt64) {
    state = seed
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in [0, 1), a multiple of 2⁻⁵³.
  ///
  /// - Complexity: O(1).
  public mutating func nextUniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A number from the normal distribution of mean 0 and deviation 1, by Box and Muller's method.
  ///
  /// - Complexity: O(1). Every second call is spared the logarithm and the root.
  public mutating func nextNormal() -> Double {
    if let spare = spareNormal {
      spareNormal = nil
      return spare
    }
    let radius = Double.sqrt(-2 * Double.log(1 - nextUniform()))
    let angle = 2 * Double.pi * nextUniform()
    spareNormal = radius * Double.sin(angle)
    return radius * Double.cos(angle)
  }
}

extension Tensor {
  /// A tensor of normally distributed numbers.
  ///
  /// - Complexity: O(count) numbers drawn; allocates the tensor.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func normal(
    _ shape: Shape, mean: Double = 0, deviation: Double = 1, using generator: inout SplitMix64
  ) -> Tensor {
    var tensor = Tensor(shape)
    for i in tensor.elements.indices {
      tensor.elements[i] = Element(mean + deviation * generator.nextNormal())
    }
    return tensor
  }

  /// A tensor of numbers spread evenly over a range.
  ///
  /// - Complexity: O(count) numbers drawn; allocates the tensor.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public static func uniform(
    _ shape: Shape, in range: ClosedRange<Double>, using generator: inout SplitMix64
  ) -> Tensor {
    var tensor = Tensor(shape)
    let width = range.upperBound - range.lowerBound
    for i in tensor.elements.indices {
      tensor.elements[i] = Element(range.lowerBound + width * generator.nextUniform())
    }
    return tensor
  }
}
