import Fast
import Layers

/// A convolution of one group over images whose channels come last (NHWC), without columns.
///
///     out[y, x, n, k] = Σ_{i, j} Σ_c in[n, y·s + i, x·s + j, c] · filters[i, j, c, k]
///
/// - The input lies in a **frame**: what all windows look at, with zeros where that is padding. So
///   every weight of every window has its place, and what a row of a window looks at is one run of
///   kernel width · C numbers, as its weights are. Nothing is copied for each weight, as im2col does.
/// - The rows of a tile (`Microkernel`) are the next MR of the positions (y, x) of all images, the
///   images first: of as many images as there are rows, a tile has the same position of each; of one
///   image, it has neighbouring positions.
/// - Weights that lie in the padding for all rows of a tile are left out of its sums. Of a pad of 1
///   around 13×13 pixels and as many images as rows, that is a tenth of what im2col multiplies.
///
/// Every offset is made of indices below the sizes here, and the frame and the output have those.
///
/// Source: NHWC is the name in NVIDIA's and Intel's libraries. XNNPACK's indirect convolution has a
/// table of pointers in the place of the frame.
struct DirectConvolution {
  /// K and C of the group.
  let filters: PackedFilters
  /// H and W of the input, without padding.
  let height, width: Int
  /// H' and W'.
  let outputHeight, outputWidth: Int
  let stride: Extent
  /// The padding above and on the left; negative where rows or columns are left out instead.
  let pad: (above: Int, left: Int)

  var kernel: Extent { filters.kernel }
  /// C
  var channels: Int { filters.channels }

  /// A frame for some output rows: those of the frame of all.
  func frameRows(for rows: Range<Int>) -> Range<Int> {
    rows.lowerBound * stride.height..<(rows.upperBound - 1) * stride.height + kernel.height
  }
  var frameWidth: Int { (outputWidth - 1) * stride.width + kernel.width }
  /// The numbers of a frame.
  func frameCount(for rows: Range<Int>) -> Int {
    frameRows(for: rows).count * frameWidth * channels
  }
  /// Where the frame for rows from one on begins in the frame of all.
  func frameOffset(ofRow y: Int) -> Int { y * stride.height * frameWidth * channels }
  /// The positions of some output rows of some images, with those that fill up the last tile.
  func positionCount(rows: Int, images: Int) -> Int {
    (rows * outputWidth * images + Tile.rows - 1) / Tile.rows * Tile.rows
  }

  /// Computes some output rows of a panel's filters.
  ///
  /// - Parameters:
  ///   - rows: which.
  ///   - frames: (images, frame rows for these rows, frame width, C), each `frameStride` from the next.
  ///   - packed: (depth, panel's width)
  ///   - output: (`positionCount`, `outputStride`), of which the panel's width is written.
  func run(
    rows: Range<Int>, images: Int, frames: UnsafePointer<Float>, frameStride: Int,
    panel: PackedFilters.Panel, packed: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
    outputStride: Int
  ) {
    Run(
      convolution: self, rows: rows, images: images, frames: frames, frameStride: frameStride,
      packed: packed, output: output, outputStride: outputStride
    ).run(columns: panel.width)
  }

  /// Those of a kernel's rows (or columns) that lie inside of the input from at least one of some
  /// positions.
  @inline(__always)
  static func taps(
    from positions: ClosedRange<Int>, stride: Int, pad: Int, kernel: Int, inside size: Int
  ) -> Range<Int> {
    let first = min(max(0, pad - positions.upperBound * stride), kernel)
    return first..<max(first, min(kernel, size + pad - positions.lowerBound * stride))
  }

  private struct Run: TiledWork {
    let convolution: DirectConvolution
    let rows: Range<Int>
    let images: Int
    let frames: UnsafePointer<Float>
    let frameStride: Int
    let packed: UnsafePointer<Float>
    let output: UnsafeMutablePointer<Float>
    let outputStride: Int

    @inline(never)
    func run<let r: Int, let v: Int>(_ kernel: Microkernel<r, v>.Type) {
      let convolution = convolution
      let (channels, kernel) = (convolution.channels, convolution.kernel)
      let (stride, pad) = (convolution.stride, convolution.pad)
      let (width, lastColumn) = (convolution.frameWidth, convolution.outputWidth - 1)
      let frameStride = frameStride
      let step = stride.width * channels
      let lineStep = stride.height * width * channels
      let positions = rows.count * convolution.outputWidth * images
      // The next row of a tile: image n at (x, y), and where its window begins.
      var (n, x, y) = (0, 0, rows.lowerBound)
      var line = 0
      for first in Swift.stride(from: 0, to: positions, by: r) {
        let start = (x: x, y: y)
        var last = start
        let offsets = Microkernel<r, v>.Offsets { row in
          last = (x, y)
          let offset = n * frameStride + line + x * step
          // The last position stands in for those beyond it.
          if first + row + 1 < positions {
            n += 1
            if n == images {
              (n, x) = (0, x + 1)
              if x > lastColumn { (x, y, line) = (0, y + 1, line + lineStep) }
            }
          }
          return offset
        }
        let down = DirectConvolution.taps(
          from: start.y...last.y, stride: stride.height, pad: pad.above, kernel: kernel.height,
          inside: convolution.height)
        let across = DirectConvolution.taps(
          from: start.y == last.y ? start.x...last.x : 0...lastColumn, stride: stride.width,
          pad: pad.left, kernel: kernel.width, inside: convolution.width)
        var sums = Microkernel<r, v>()
        // ← Σ_i; ∂in Σ_i
        for i in down {
          let pixel = (i * width + across.lowerBound) * channels
          let weights =
            packed
            + (i * kernel.width + across.lowerBound) * channels * Microkernel<r, v>.columns
          sums.add(inner: across.count * channels, frames + pixel, offsets, step: 1) { p in
            Microkernel<r, v>.row(weights + p * Microkernel<r, v>.columns)
          }
        }
        // ← out; ∂in ∂L/∂in
        sums.store(output + first * outputStride, stride: outputStride)
      }
    }
  }
}
