import Layers
import Tensors

/// Takes decisions from bytes, one after the other: the same bytes, the same decisions. Where they
/// end, zeros follow.
struct Choices {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func byte() -> Int { Int(rest.popFirst() ?? 0) }

  mutating func isTrue() -> Bool { byte() % 2 == 1 }

  mutating func one<Value>(of values: [Value]) -> Value { values[byte() % values.count] }

  /// A size from a range, now and then one that nobody would ask for.
  mutating func size(_ range: ClosedRange<Int>) -> Int {
    let choice = byte()
    let others = [
      0, -1, 64, 257, 1 << 16, Int(Int32.max) - 1, Int(Int32.max), 1 << 31, 1 << 32, .max, .min,
    ]
    let other = 255 - choice
    return other < others.count ? others[other] : range.lowerBound + choice % range.count
  }

  /// Rows and columns, one in two a square.
  mutating func extent(_ range: ClosedRange<Int>) -> Extent {
    let height = size(range)
    return Extent(height: height, width: isTrue() ? size(range) : height)
  }

  /// A shape, mostly of images; nil where it can't be one.
  mutating func shape(
    images: ClosedRange<Int> = 0...4, channels: ClosedRange<Int> = 1...7,
    rows: ClosedRange<Int> = 1...9
  ) -> Shape? {
    let rank = one(of: [4, 4, 4, 4, 4, 2, 0, 1, 3, 5])
    let axes = [images, channels, rows, rows, 1...2]
    return try? Shape(checking: axes.prefix(rank).map { size($0) })
  }

  /// A number such as formulas have, now and then any of all `Double`s.
  mutating func constant() -> Double {
    let usual = [0.75, 0, 1, 0.5, 2, 1e-4, 0.1, 1.25, -1, 5]
    let choice = byte()
    if choice < 200 { return usual[choice % usual.count] }
    return Double(bitPattern: (0..<8).reduce(0) { bits, _ in bits << 8 | UInt64(byte()) })
  }

  /// Whole numbers from −3 to 3, all of them from one seed. Their sums of products are exact in any
  /// order, in `Float` too as long as they stay below 2²⁴.
  mutating func numbers<Scalar: Tensors.Scalar>(_ shape: Shape) -> Tensor<Scalar> {
    var generator = SplitMix64(seed: UInt64(byte()))
    var tensor = Tensor<Scalar>(shape)
    for i in 0..<shape.count { tensor[i] = Scalar(Double(generator.next() % 7) - 3) }
    return tensor
  }

  /// Mostly a class for each image and position.
  mutating func labels(for scores: Shape) -> [Int] {
    let surplus = one(of: [0, 0, 0, 0, 0, 0, 1, -1])
    return (0..<max(scores.images * scores.spatialCount + surplus, 0)).map { _ in
      size(0...max(scores.channels - 1, 0))
    }
  }
}
