import CProcessor
import Fast
import Layers

/// Copies between the layout of tensors, in which channels come first (NCHW), and the one in which
/// they come last (NHWC).
extension DirectConvolution {
  /// Copies an image, or what some output rows look at of it, into a frame.
  ///
  /// - Parameters:
  ///   - source: (C', H, W) of which C' ≤ C channels exist; the others are 0.
  ///   - end: behind the tensor that it is part of.
  ///   - rows: the output rows.
  ///   - frame: (frame rows for these rows, frame width, C)
  func copyIn(
    _ source: UnsafePointer<Float>, channels count: Int, before end: UnsafePointer<Float>,
    rows: Range<Int>, to frame: UnsafeMutablePointer<Float>
  ) {
    let (channels, width, pad) = (channels, width, pad)
    let (frameRows, frameWidth) = (frameRows(for: rows), frameWidth)
    // The rows that exist, and where they begin in the frame.
    let first = min(max(0, frameRows.lowerBound - pad.above), height)
    let lines = first..<max(first, min(height, frameRows.upperBound - pad.above))
    let target = frame + (first + pad.above - frameRows.lowerBound) * frameWidth * channels
    let isPadded =
      lines.count < frameRows.count || width < frameWidth || pad.left != 0 || count < channels
    if isPadded { frame.fill(frameRows.count * frameWidth * channels, with: 0) }
    guard !lines.isEmpty else { return }
    let plane = height * width
    let source = source + first * width

    // Of a row, the columns that the frame has.
    let columns = max(0, -pad.left)..<max(max(0, -pad.left), min(width, frameWidth - pad.left))
    if count < 8 {
      // Blocks to transpose would be half empty.
      for c in 0..<count {
        for y in 0..<lines.count {
          let (source, target) = (
            source + c * plane + y * width, target + (y * frameWidth + pad.left) * channels + c
          )
          for x in columns { target[x * channels] = source[x] }
        }
      }
      return
    }
    let isCut = columns.count < width
    var (x, offset) = (0, 0)
    transpose(rows: count, columns: lines.count * width) { c, p, length in
      let source = source + c * plane + p
      prefetch_to_read(source + 64)
      return source.vector(first: length, before: end)
    } to: { c, p, length, vector in
      if p == 0 { (x, offset) = (0, pad.left * channels) }
      if !isCut || columns.contains(x) { (target + offset + c).store(vector, first: length) }
      (x, offset) = (x + 1, offset + channels)
      if x == width { (x, offset) = (0, offset + (frameWidth - width) * channels) }
    }
  }

  /// Copies what `run` has written of an image to where it belongs.
  ///
  /// - Parameters:
  ///   - source: (pixels, `images`, stride / images)… of this image: pixel p at p·`stride`.
  ///   - panel: the filters that are copied, of which `source` has the first at 0.
  ///   - bias: (K) or `nil`
  ///   - target: (K, `plane`) of which the first `pixels` of each are written.
  func copyOut(
    _ source: UnsafePointer<Float>, stride: Int, pixels: Int, panel: PackedFilters.Panel,
    bias: UnsafePointer<Float>?, to target: UnsafeMutablePointer<Float>, plane: Int
  ) {
    let count = min(panel.width, filters.count - panel.first)
    for first in Swift.stride(from: 0, to: count, by: 16) {
      let length = min(16, count - first)
      let (source, filter) = (source + first, panel.first + first)
      let bias = bias.map { bias in
        (bias + filter).vector(first: length, before: bias + filters.count)
      }
      transpose(rows: pixels, columns: length) { p, _, _ in
        source.vector(at: p * stride) + (bias ?? Vector(repeating: 0))
      } to: { p, k, length, vector in
        (target + (filter + k) * plane + p).store(vector, first: length)
      }
    }
  }
}
