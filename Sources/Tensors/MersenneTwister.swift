/// The generator that Caffe draws from: mt19937, the 32-bit Mersenne Twister.
///
/// Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998, with the seeding of
/// 2002. The same seed gives the numbers of C++'s `std::mt19937` and numpy's `RandomState`.
///
/// It is a `RandomNumberGenerator`, too: `Double.random(in: 0..<1, using: &generator)`.
public struct MersenneTwister: RandomNumberGenerator, Sendable, Equatable {
  private static let size = 624
  private static let shift = 397

  private var state: [UInt32]
  private var position: Int

  /// A generator that starts from a seed.
  ///
  /// - Complexity: O(s) for the s = 624 words of state.
  public init(seed: UInt32) {
    state = [seed]
    state.reserveCapacity(Self.size)
    for i in 1..<Self.size {
      let previous = state[i - 1]
      state.append(1_812_433_253 &* (previous ^ (previous >> 30)) &+ UInt32(i))
    }
    position = Self.size
  }

  /// Everything it remembers: 624 words of state and how many of them are used up.
  ///
  /// - Complexity: O(s), copying the s = 624 words of state.
  public var words: [UInt32] { state + [UInt32(position)] }

  /// A generator that goes on where another one's `words` were taken; `nil` for anything else.
  ///
  /// - Complexity: O(s), copying the s = 624 words of state.
  public init?(words: [UInt32]) {
    guard words.count == Self.size + 1, let used = words.last, used <= UInt32(Self.size) else {
      return nil
    }
    state = Array(words.dropLast())
    position = Int(used)
  }

  /// The next 32 random bits.
  ///
  /// - Complexity: O(1) on average: every 624th call makes 624 new words.
  public mutating func next() -> UInt32 {
    if position == Self.size { twist() }
    var y = state[position]
    position += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C_5680
    y ^= (y << 15) & 0xEFC6_0000
    return y ^ (y >> 18)
  }

  /// The next 64 random bits: the next 32 are the lower half, those after them the upper one.
  ///
  /// - Complexity: O(1) on average.
  public mutating func next() -> UInt64 {
    let lower: UInt32 = next()
    let upper: UInt32 = next()
    return UInt64(upper) << 32 | UInt64(lower)
  }

  private mutating func twist() {
    for i in 0..<Self.size {
      let joined = (state[i] & 0x8000_0000) | (state[(i + 1) % Self.size] & 0x7FFF_FFFF)
      let twisted = (joined >> 1) ^ (joined & 1 == 1 ? 0x9908_B0DF : 0)
      state[i] = state[(i + Self.shift) % Self.size] ^ twisted
    }
    position = 0
  }
}
