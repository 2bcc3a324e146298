import Fast
import Layers
import Tensors

/// The matrix of columns of a convolution (im2col), and its adjoint (col2im).
///
/// Row r = (c·kernel height + i)·kernel width + j of the matrix holds, for each output position
/// (y, x), the input at (y·s + i·d − p, x·s + j·d − p) of channel c, or 0 in the padding.
///
/// Tricks:
/// - Rows are copied, not elements: along x, only the first and last columns can be padding.
/// - Where the output is as wide as the input (stride 1, "same" padding), row r is the channel
///   itself, moved by a constant distance: all its rows are one copy, and the few columns that came
///   from the wrong side of the border are set to 0 afterwards.
/// - Where the stride along x is not 1, each input row is first split by the remainder of x, so that
///   the taps' rows, of which there are many more, are copied without gaps (`SplitRows.swift`).
/// - col2im is the same loops with an addition, so it never scatters element by element.
extension ConvolutionGeometry {
  /// Fills the columns of some output rows of one image.
  ///
  /// - Parameters:
  ///   - input: the first channel to read, of `channels` × H × W.
  ///   - columns: written at rows 0..<channels·taps, columns 0..<rows.count·W'.
  ///   - split: working memory for `splitCount(rows:)` numbers.
  ///   - stride: the distance between rows of the matrix.
  @inline(__always)
  func fillColumns<Scalar: TunedScalar>(
    _ columns: UnsafeMutablePointer<Scalar>, stride matrixStride: Int,
    from input: UnsafePointer<Scalar>, channels: Int, rows: Range<Int>,
    split memory: UnsafeMutablePointer<Scalar>
  ) {
    let split = SplitRows(self, rows: rows, memory)
    for c in 0..<channels {
      let channel = input + c * plane
      if splitsRows { split.fill(from: channel) }
      for tap in 0..<taps {
        let row = columns + (c * taps + tap) * matrixStride
        let shift = self.shift(of: tap)
        let valid = outputRows(meeting: shift, within: rows)
        row.fill((valid.lowerBound - rows.lowerBound) * outputWidth, with: 0)
        (row + (valid.upperBound - rows.lowerBound) * outputWidth)
          .fill((rows.upperBound - valid.upperBound) * outputWidth, with: 0)
        let target = row + (valid.lowerBound - rows.lowerBound) * outputWidth
        if keepsWidth {
          copyPlane(target, channel, shift, valid)
        } else if splitsRows {
          let row = valid.lowerBound * stride.height + shift.rows
          copyRows(
            target, split.row(row, shift: shift.columns),
            distance: stride.height * split.rowCount, shift, valid.count)
        } else {
          let row = valid.lowerBound * stride.height + shift.rows
          copyRows(
            target, channel + row * width + shift.columns, distance: stride.height * width, shift,
            valid.count)
        }
      }
    }
  }

  /// Adds columns back to where `fillColumns` takes them from.
  ///
  /// The columns are changed: what belongs to the padding may be set to 0.
  ///
  /// The memory is that of `fillColumns`, with what is read and what is written exchanged.
  @inline(__always)
  func addColumns<Scalar: TunedScalar>(
    _ columns: UnsafeMutablePointer<Scalar>, stride matrixStride: Int,
    to input: UnsafeMutablePointer<Scalar>, channels: Int, rows: Range<Int>
  ) {
    for c in 0..<channels {
      let channel = input + c * plane
      for tap in 0..<taps {
        let row = columns + (c * taps + tap) * matrixStride
        let shift = self.shift(of: tap)
        let valid = outputRows(meeting: shift, within: rows)
        let source = row + (valid.lowerBound - rows.lowerBound) * outputWidth
        if keepsWidth {
          addPlane(source, channel, shift, valid)
        } else {
          addRows(source, channel, shift, valid)
        }
      }
    }
  }

  /// How far tap (i, j) looks from the position of the window: (i·d − p, j·d − p).
  @inline(__always)
  private func shift(of tap: Int) -> (rows: Int, columns: Int) {
    (
      tap / kernel.width * dilation.height - pad.height,
      tap % kernel.width * dilation.width - pad.width
    )
  }

  /// The output rows, of some, at which a tap lies on the input.
  @inline(__always)
  private func outputRows(meeting shift: (rows: Int, columns: Int), within rows: Range<Int>)
    -> Range<Int>
  {
    steps(from: shift.rows, by: stride.height, limit: outputHeight, inside: height)
      .clamped(to: rows)
  }

  /// The output columns at which a tap lies on the input.
  @inline(__always)
  private func outputColumns(meeting shift: (rows: Int, columns: Int)) -> Range<Int> {
    steps(from: shift.columns, by: stride.width, limit: outputWidth, inside: width)
  }

  /// Writes `count` rows of W' elements; `source` is where the first row's column 0 would lie, of
  /// which only the columns that exist are read.
  @inline(__always)
  private func copyRows<Scalar: TunedScalar>(
    _ target: UnsafeMutablePointer<Scalar>, _ source: UnsafePointer<Scalar>, distance: Int,
    _ shift: (rows: Int, columns: Int), _ count: Int
  ) {
    let across = outputColumns(meeting: shift)
    let step = splitsRows ? 1 : stride.width
    for y in 0..<count {
      let row = target + y * outputWidth
      let source = source + y * distance
      row.fill(across.lowerBound, with: 0)
      if step == 1 {
        for x in across { row[x] = source[x] }
      } else {
        for x in across { row[x] = source[x * step] }
      }
      (row + across.upperBound).fill(outputWidth - across.upperBound, with: 0)
    }
  }

  /// Adds rows of W' elements to the rows of a channel of H × W that exist, at the columns that
  /// exist: `valid` and `outputColumns` hold no others.
  @inline(__always)
  private func addRows<Scalar: TunedScalar>(
    _ source: UnsafePointer<Scalar>, _ channel: UnsafeMutablePointer<Scalar>,
    _ shift: (rows: Int, columns: Int), _ valid: Range<Int>
  ) {
    let across = outputColumns(meeting: shift)
    for y in valid {
      let row = source + (y - valid.lowerBound) * outputWidth
      let target = channel + (y * stride.height + shift.rows) * width + shift.columns
      if stride.width == 1 {
        for x in across { target[x] += row[x] }
      } else {
        for x in across { target[x * stride.width] += row[x] }
      }
    }
  }

  /// As `copyRows`, where W' = W and the stride is 1: element t of the rows is element
  /// t + distance of the channel's memory from row `first` on. The range `copied` is the part of
  /// 0..<count for which that lies in the rows, so within the channel.
  @inline(__always)
  private func copyPlane<Scalar: TunedScalar>(
    _ target: UnsafeMutablePointer<Scalar>, _ channel: UnsafePointer<Scalar>,
    _ shift: (rows: Int, columns: Int), _ valid: Range<Int>
  ) {
    let source = channel + (valid.lowerBound + shift.rows) * width + shift.columns
    // The first −shift and the last +shift elements would lie outside of the rows, perhaps outside
    // of the channel; they are padding, and set below.
    let count = valid.count * width
    let copied = min(max(0, -shift.columns), count)..<max(0, count - max(0, shift.columns))
    if !copied.isEmpty {
      (target + copied.lowerBound)
        .update(from: source + copied.lowerBound, count: copied.count)
    }
    clearPadding(target, shift, valid.count)
  }

  /// The adjoint of `copyPlane`, over the same range of both memories.
  @inline(__always)
  private func addPlane<Scalar: TunedScalar>(
    _ source: UnsafeMutablePointer<Scalar>, _ channel: UnsafeMutablePointer<Scalar>,
    _ shift: (rows: Int, columns: Int), _ valid: Range<Int>
  ) {
    clearPadding(source, shift, valid.count)
    let target = channel + (valid.lowerBound + shift.rows) * width + shift.columns
    let count = valid.count * width
    let added = min(max(0, -shift.columns), count)..<max(0, count - max(0, shift.columns))
    if !added.isEmpty {
      (target + added.lowerBound).add(source + added.lowerBound, added.count)
    }
  }

  /// Sets the columns of some rows to 0 where a tap lies beyond the left or right border: in
  /// `count` rows of W = W' elements.
  @inline(__always)
  private func clearPadding<Scalar: TunedScalar>(
    _ rows: UnsafeMutablePointer<Scalar>, _ shift: (rows: Int, columns: Int), _ count: Int
  ) {
    let across = outputColumns(meeting: shift)
    for x in 0..<across.lowerBound {
      for y in 0..<count { rows[y * width + x] = 0 }
    }
    for x in across.upperBound..<width {
      for y in 0..<count { rows[y * width + x] = 0 }
    }
  }
}
