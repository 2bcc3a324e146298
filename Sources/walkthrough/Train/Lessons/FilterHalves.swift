import Tensors

/// The first and the second half of a layer's filters, compared: in AlexNet a GPU each.
struct FilterHalves {
  /// How much of the weights' squares is colour: of their distance from the mean of blue, green and
  /// red at the same place.
  let colour: Trait
  /// How much of the change from pixel to pixel runs from left to right, as across upright stripes;
  /// the rest runs from top to bottom.
  let uprightness: Trait

  /// Compares the halves of filters K×3×H×W.
  ///
  /// - Complexity: O(K·H·W).
  init(_ filters: Tensor<Float>) {
    let shape = filters.shape
    var (colour, uprightness) = (Trait(), Trait())
    for kernel in 0..<shape.images {
      var (coloured, all, across, down) = (0.0, 0.0, 0.0, 0.0)
      /// The mean of the channels: the filter in grey.
      func grey(_ y: Int, _ x: Int) -> Double {
        (0..<shape.channels).reduce(0) { $0 + Double(filters[kernel, $1, y, x]) }
          / Double(shape.channels)
      }
      for y in 0..<shape.height {
        for x in 0..<shape.width {
          let mean = grey(y, x)
          for channel in 0..<shape.channels {
            let weight = Double(filters[kernel, channel, y, x])
            coloured += (weight - mean) * (weight - mean)
            all += weight * weight
          }
          guard x > 0, y > 0 else { continue }
          across += (mean - grey(y, x - 1)) * (mean - grey(y, x - 1))
          down += (mean - grey(y - 1, x)) * (mean - grey(y - 1, x))
        }
      }
      colour.add(coloured, of: all)
      uprightness.add(across, of: across + down)
    }
    (self.colour, self.uprightness) = (colour, uprightness)
  }

  /// A part of a whole, for each filter: filters with large weights count more.
  struct Trait {
    private var parts: [(part: Double, whole: Double)] = []

    /// Adds a filter.
    mutating func add(_ part: Double, of whole: Double) {
      parts.append((part, whole))
    }

    /// The share of the part in the first half, between 0 and 1.
    var first: Double { Self.share(parts.prefix(parts.count / 2)) }
    /// The share in the second half.
    var second: Double { Self.share(parts.suffix(parts.count - parts.count / 2)) }

    /// A permutation test: of how many random deals of the filters into two halves the shares differ at
    /// least as much as those of the halves that there are.
    ///
    /// - Complexity: O(deals · K).
    func permutationTest(deals: Int = 10_000) -> PermutationTest {
      let difference = abs(first - second)
      var random = SplitMix64(seed: 1)
      var dealt = self
      var count = 0
      for _ in 0..<deals {
        dealt.parts.shuffle(using: &random)
        // Equal ones differ by rounding, when their sums are added in another order.
        if abs(dealt.first - dealt.second) >= difference - 1e-12 { count += 1 }
      }
      return PermutationTest(deals: deals, extreme: count)
    }

    private static func share(_ parts: ArraySlice<(part: Double, whole: Double)>) -> Double {
      let whole = parts.reduce(0) { $0 + $1.whole }
      return whole == 0 ? 0 : parts.reduce(0) { $0 + $1.part } / whole
    }
  }
}

/// What came of a permutation test.
struct PermutationTest: Equatable {
  /// How many deals were made, and how many of them differ at least as much.
  var deals: Int
  var extreme: Int

  /// The p-value: the probability of such a difference, were the halves dealt at random. The deal that
  /// there is counts as one of the deals (Phipson and Smyth 2010), so it is never 0.
  var p: Double { Double(extreme + 1) / Double(deals + 1) }
}
