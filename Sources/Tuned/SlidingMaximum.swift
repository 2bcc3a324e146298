import Layers
import Tensors

/// The maxima of the windows of a plane, sixteen windows at a time.
///
/// The windows of an output row are slid over the plane column by column. What lies between the
/// stride's positions is computed too, and not picked: half the work for a stride of 2, but all
/// loads are contiguous.
struct SlidingMaximum<Scalar: TunedScalar> {
  private typealias Values = SIMD16<Scalar>
  /// An integer as wide as the scalar, so that one mask chooses among both.
  private typealias Offset = Scalar.SIMDMaskScalar
  private typealias Offsets = SIMD16<Offset>

  private static var lanes: Int { 16 }
  /// Stands for "no element of the window".
  private static var nowhere: Offset { -1 }

  private let windows: PoolingWindows
  private let lowest: Scalar
  /// The columns at which windows of a row are computed: from the first to the last.
  private let across: Int
  private let frame: UnsafeMutablePointer<Scalar>
  /// The maxima of a row of windows and their offsets in the window; `slack` elements lie in front.
  private let values: UnsafeMutablePointer<Scalar>
  private let offsets: UnsafeMutablePointer<Offset>

  /// Elements in front of and behind a row that a whole vector may touch.
  private static var slack: Int { lanes }

  private static func across(_ windows: PoolingWindows) -> Int {
    (windows.outputWidth - 1) * windows.stride.width + 1
  }

  /// The first positions of a plane or frame from which a whole window lies in memory.
  private static func positions(_ windows: PoolingWindows) -> Int {
    windows.slidingCount - (windows.kernel.height - 1) * windows.slidingStride
      - (windows.kernel.width - 1)
  }

  /// Whether a plane has no room for one vector, or too much for the offsets.
  static func isTooSmall(_ windows: PoolingWindows) -> Bool {
    positions(windows) < lanes || windows.slidingCount > Int(Int32.max)
  }

  /// The numbers of working memory needed: a frame, a row of maxima, and one of offsets, which are
  /// as large as scalars.
  static func scratch(_ windows: PoolingWindows) -> Int {
    windows.slidingCount + 2 * (across(windows) + 3 * slack)
  }

  /// - Parameters:
  ///   - windows: of a plane that isn't too small.
  ///   - memory: for `scratch(windows)` numbers: the frame, the row of maxima, the row of offsets.
  ///   - lowest: what every maximum starts from.
  @inline(__always)
  init(_ windows: PoolingWindows, _ memory: UnsafeMutablePointer<Scalar>, lowest: Scalar) {
    self.windows = windows
    self.lowest = lowest
    across = Self.across(windows)
    frame = memory
    let row = across + 3 * Self.slack
    values = memory + windows.slidingCount
    offsets = UnsafeMutableRawPointer(values + row).bindMemory(to: Offset.self, capacity: row)
  }

  /// Writes the maxima of a plane and their positions in it, −1 where there is none: one of each for
  /// every window.
  @inline(__always)
  func run(
    _ plane: UnsafePointer<Scalar>, _ output: UnsafeMutablePointer<Scalar>,
    _ positions: UnsafeMutablePointer<Int32>
  ) {
    let source = windows.framed(plane, in: frame, filler: lowest)
    let last = Self.positions(windows) - Self.lanes
    for y in 0..<windows.outputHeight {
      let start = y * windows.stride.height * windows.slidingStride
      for x in stride(from: 0, to: across, by: Self.lanes) {
        // No further than where the last lane's window ends with the memory; `last` is at most a
        // vector before `start`, so that the row is written from within its slack on.
        let first = min(start + x, last)
        slide(source + first, to: Self.slack + first - start)
      }
      pick(y, output + y * windows.outputWidth, positions + y * windows.outputWidth)
    }
  }

  /// The maxima of sixteen windows side by side, of which `corner` is the first element.
  ///
  /// Only a greater value replaces the best one, from left to right and from top to bottom: of
  /// equal values the first in row-major order stays.
  @inline(__always)
  private func slide(_ corner: UnsafePointer<Scalar>, to target: Int) {
    var best = Values(repeating: lowest)
    var bestOffset = Offsets(repeating: Self.nowhere)
    for i in 0..<windows.kernel.height {
      let row = corner + i &* windows.slidingStride
      var offset = Offset(truncatingIfNeeded: i &* windows.width)
      for j in 0..<windows.kernel.width {
        let value = UnsafePointer(row).vector(at: j)
        let isGreater = Scalar.isGreater(value, than: best)
        best.replace(with: value, where: isGreater)
        bestOffset.replace(with: Offsets(repeating: offset), where: isGreater)
        offset &+= 1
      }
    }
    UnsafeMutableRawPointer(values + target).storeBytes(of: best, as: Values.self)
    UnsafeMutableRawPointer(offsets + target).storeBytes(of: bestOffset, as: Offsets.self)
  }

  /// Takes the windows at the stride's positions out of a row: (count − 1)·step + 1 = `across` values,
  /// behind which two vectors of slack lie.
  @inline(__always)
  private func pick(
    _ y: Int, _ output: UnsafeMutablePointer<Scalar>, _ positions: UnsafeMutablePointer<Int32>
  ) {
    let count = windows.outputWidth
    let step = windows.stride.width
    let (values, offsets) = (values + Self.slack, offsets + Self.slack)
    switch step {
    case 1: break
    case 2:
      // In place: what is written lies before what is read, and that up to 16 behind the row.
      for x in stride(from: 0, to: count, by: 8) {
        let even = UnsafePointer(values).vector(at: 2 * x).evenHalf
        UnsafeMutableRawPointer(values + x).storeBytes(of: even, as: SIMD8<Scalar>.self)
        let evenOffsets = UnsafeRawPointer(offsets + 2 * x).loadUnaligned(as: Offsets.self).evenHalf
        UnsafeMutableRawPointer(offsets + x).storeBytes(of: evenOffsets, as: SIMD8<Offset>.self)
      }
    default:
      for x in 0..<count {
        values[x] = values[x * step]
        offsets[x] = offsets[x * step]
      }
    }
    output.update(from: values, count: count)
    let corner =
      (y * windows.stride.height - windows.pad.height) * windows.width - windows.pad.width
    let (first, width) = (Int32(truncatingIfNeeded: corner), Int32(truncatingIfNeeded: step))
    for x in 0..<count {
      let offset = Int32(truncatingIfNeeded: offsets[x])
      let position = first &+ Int32(truncatingIfNeeded: x) &* width &+ offset
      positions[x] = offset < 0 ? -1 : position
    }
  }
}
