import CProcessor
import Fast
import Layers

// Between tensors, in which channels come first, and frames, in which they come last. `lanes` is the
// channels of a frame, a multiple of 16; those that don't exist are 0.

extension Winograd {
  /// Copies some channels of an image into a frame.
  ///
  /// - Parameters:
  ///   - planes: (`count`, height, width)
  ///   - end: behind the tensor that they are part of.
  ///   - corner: where pixel (0, 0) lies in the frame of all rows.
  ///   - rows: those that `frame` has.
  ///   - frame: (rows, frame width, lanes)
  static func copyIn(
    _ planes: UnsafePointer<Float>, count: Int, size: Extent, before end: UnsafePointer<Float>,
    corner: (y: Int, x: Int), rows: Range<Int>, to frame: UnsafeMutablePointer<Float>,
    frameWidth: Int, lanes: Int
  ) {
    let lines = linesInside(size, corner, rows)
    guard !lines.isEmpty else { return }
    let planes = planes + lines.lowerBound * size.width
    let target =
      frame + ((lines.lowerBound + corner.y - rows.lowerBound) * frameWidth + corner.x) * lanes
    let gap = (frameWidth - size.width) * lanes
    var (x, offset) = (0, 0)
    transpose(rows: count, columns: lines.count * size.width) { c, p, length in
      let source = planes + c * size.area + p
      prefetch_to_read(source + 64)
      return source.vector(first: length, before: end)
    } to: { c, p, _, vector in
      if p == 0 { (x, offset) = (0, 0) }
      target.store(vector, at: offset + c)
      (x, offset) = (x + 1, offset + lanes)
      if x == size.width { (x, offset) = (0, offset + gap) }
    }
  }

  /// Copies an image out of a frame, to some filters (or channels) of a tensor.
  ///
  /// - Parameters:
  ///   - bias: what is added to each of them, or `nil`.
  ///   - planes: (`count`, height, width)
  ///   - Others: those of `copyIn`.
  /// - Returns: whether all of it is finite.
  static func copyOut(
    _ frame: UnsafePointer<Float>, frameWidth: Int, lanes: Int, corner: (y: Int, x: Int),
    rows: Range<Int>, bias: UnsafePointer<Float>?, to planes: UnsafeMutablePointer<Float>,
    count: Int, size: Extent
  ) -> Bool {
    let lines = linesInside(size, corner, rows)
    let planes = planes + lines.lowerBound * size.width
    let source =
      frame + ((lines.lowerBound + corner.y - rows.lowerBound) * frameWidth + corner.x) * lanes
    let gap = (frameWidth - size.width) * lanes
    // 0·x is 0, but NaN for infinities and NaN.
    var zeros = Vector(repeating: 0)
    for first in Swift.stride(from: 0, to: count, by: 16) {
      let length = min(16, count - first)
      let bias = bias.map { ($0 + first).vector(first: length, before: $0 + count) }
      let (source, planes) = (source + first, planes + first * size.area)
      var (x, offset) = (0, 0)
      transpose(rows: lines.count * size.width, columns: length) { _, _, _ in
        let vector = source.vector(at: offset) + (bias ?? Vector(repeating: 0))
        zeros.addProduct(Vector(repeating: 0), vector)
        (x, offset) = (x + 1, offset + lanes)
        if x == size.width { (x, offset) = (0, offset + gap) }
        return vector
      } to: { p, k, length, vector in
        let target = planes + k * size.area + p
        prefetch_to_write(target + 64)
        target.store(vector, first: length)
      }
    }
    return zeros.sum() == 0
  }

  /// An image's rows that lie in some rows of a frame.
  private static func linesInside(
    _ size: Extent, _ corner: (y: Int, x: Int), _ rows: Range<Int>
  ) -> Range<Int> {
    let first = max(0, rows.lowerBound - corner.y)
    return first..<max(first, min(size.height, rows.upperBound - corner.y))
  }

  // MARK: - Space to depth

  /// Copies some channels of an image into a frame with each s-th row and column as a channel of its own:
  ///
  ///     frame[y, x, (c·s + i)·s + j] = image[c, y·s + i − pad, x·s + j − pad]
  ///
  /// - Parameters:
  ///   - planes: (`count`, H, W)
  ///   - rows: those that `frame` has.
  ///   - frame: (rows, frame width, lanes), all of which is written but for lanes beyond count·s².
  func copyPhasesIn(
    _ planes: UnsafePointer<Float>, count: Int, rows: Range<Int>,
    to frame: UnsafeMutablePointer<Float>, frameWidth: Int, lanes: Int
  ) {
    let (s, width, height) = (stride, width, height)
    // Columns of the frame all of whose phases are inside of the image.
    let first = min(frameWidth, (pad.width + s - 1) / s)
    let end = max(first, min(frameWidth, (width + pad.width) / s))
    for y in rows {
      for c in 0..<count {
        for i in 0..<s {
          let target = frame + (y - rows.lowerBound) * frameWidth * lanes + (c * s + i) * s
          let line = y * s + i - pad.height
          guard line >= 0, line < height else {
            for x in 0..<frameWidth { (target + x * lanes).fill(s, with: 0) }
            continue
          }
          let source = planes + (c * height + line) * width
          for x in 0..<first + frameWidth - end {
            let x = x < first ? x : x - first + end
            for j in 0..<s {
              let column = x * s + j - pad.width
              target[x * lanes + j] = column >= 0 && column < width ? source[column] : 0
            }
          }
          if s == 4 {
            for x in first..<end {
              let four = UnsafeRawPointer(source + 4 * x - pad.width)
                .loadUnaligned(as: SIMD4<Float>.self)
              UnsafeMutableRawPointer(target + x * lanes)
                .storeBytes(of: four, as: SIMD4<Float>.self)
            }
          } else {
            for x in first..<end {
              for j in 0..<s { target[x * lanes + j] = source[x * s + j - pad.width] }
            }
          }
        }
      }
    }
  }

  /// The taps of all filters in a convolution without the stride, each with where it is among the
  /// specification's weights; `nil` where that has none.
  ///
  /// - Parameters:
  ///   - filters: of how many.
  ///   - body: takes position in (filters, C·s², r, r) and position in (filters, C, kernel, kernel).
  func forEachPhase(filters: Int, _ body: (_ phase: Int, _ weight: Int?) -> Void) {
    var phase = 0
    for filter in 0..<filters {
      for channel in 0..<channels {
        let (c, i, j) = (
          channel / (stride * stride), channel / stride % stride, channel % stride
        )
        for y in 0..<r {
          for x in 0..<r {
            let (row, column) = (y * stride + i, x * stride + j)
            let first = (filter * (channels / (stride * stride)) + c) * kernel
            body(
              phase, row < kernel && column < kernel ? (first + row) * kernel + column : nil)
            phase += 1
          }
        }
      }
    }
  }
}
