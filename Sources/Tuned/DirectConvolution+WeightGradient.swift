import Fast
import Layers

/// The gradient of a group's filters over some output positions, by a range of its channels.
///
///     gradient[i, j, c, k] = Σ_{n, y, x} in[n, y·s + i, x·s + j, c] · upstream[n, y, x, k]
///
/// The rows of a tile are the next MR of the weights (i, j, c) of a filter. Positions from which all
/// of them lie in the padding are left out.
struct DirectWeightGradient: TiledWork {
  /// Of the range of channels.
  let convolution: DirectConvolution
  let images: Int
  /// Output rows.
  let rows: Range<Int>
  /// (images, frame for `rows`), each `frameStride` from the next
  let frames: UnsafePointer<Float>
  let frameStride: Int
  /// Pixel (x, y) of image n at n·`upstreamStride` + y·`lineStride` + x·`pixelStride`, for y in
  /// `rows`: the panel's numbers.
  let upstream: UnsafePointer<Float>
  let upstreamStride, lineStride, pixelStride: Int
  /// (depth, and what fills up the last tile; panel's width)
  let gradient: UnsafeMutablePointer<Float>
  /// Whether it holds something to add to.
  let adding: Bool

  @inline(never)
  func run<let r: Int, let v: Int>(_ kernel: Microkernel<r, v>.Type) {
    let (channels, kernel) = (convolution.channels, convolution.kernel)
    // The next row of a tile.
    var (i, j, c) = (0, 0, 0)
    for first in Swift.stride(from: 0, to: convolution.filters.depth, by: r) {
      let start = (i: i, j: j)
      var last = start
      let offsets = Microkernel<r, v>.Offsets { row in
        last = (i, j)
        let offset = (i * convolution.frameWidth + j) * channels + c
        // The last weight stands in for those beyond it.
        if first + row + 1 < convolution.filters.depth {
          c += 1
          if c == channels {
            (c, j) = (0, j + 1)
            if j == kernel.width { (j, i) = (0, i + 1) }
          }
        }
        return offset
      }
      let across = start.i == last.i ? start.j...last.j : 0...kernel.width - 1
      let target = gradient + first * Microkernel<r, v>.columns
      var sums: Microkernel<r, v> = sums(offsets, taps: start.i...last.i, across)
      if adding { sums.add(target, stride: Microkernel<r, v>.columns) }
      // ← ∂w ∂L/∂w
      sums.store(target, stride: Microkernel<r, v>.columns)
    }
  }

  /// Σ_{n, y, x}, in a function of its own so that the tile stays in registers.
  @inline(__always)
  private func sums<let r: Int, let v: Int>(
    _ offsets: Microkernel<r, v>.Offsets, taps down: ClosedRange<Int>, _ across: ClosedRange<Int>
  ) -> Microkernel<r, v> {
    let (stride, pad) = (convolution.stride, convolution.pad)
    let lines = positions(
      seeing: down, stride: stride.height, pad: pad.above, limit: convolution.outputHeight,
      inside: convolution.height
    ).clamped(to: rows)
    let columns = positions(
      seeing: across, stride: stride.width, pad: pad.left, limit: convolution.outputWidth,
      inside: convolution.width)
    let step = stride.width * convolution.channels
    let pixelStride = pixelStride
    var sums = Microkernel<r, v>()
    for n in 0..<images {
      // ← ∂w Σ_y
      for y in lines {
        let frame =
          frames + n * frameStride + convolution.frameOffset(ofRow: y - rows.lowerBound)
          + columns.lowerBound * step
        let upstream =
          upstream + n * upstreamStride + y * lineStride + columns.lowerBound * pixelStride
        sums.add(inner: columns.count, frame, offsets, step: step) { x in
          Microkernel<r, v>.row(upstream + x * pixelStride)
        }
      }
    }
    return sums
  }

  /// The output rows (or columns) from which at least one of some taps lies inside of the input.
  private func positions(
    seeing taps: ClosedRange<Int>, stride: Int, pad: Int, limit: Int, inside size: Int
  ) -> Range<Int> {
    let first = steps(from: taps.upperBound - pad, by: stride, limit: limit, inside: size)
      .lowerBound
    let end = steps(from: taps.lowerBound - pad, by: stride, limit: limit, inside: size).upperBound
    return min(first, end)..<end
  }
}
