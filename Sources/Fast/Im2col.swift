import Layers
import Tensors

/// What the windows of a convolution look at, written out as a matrix (im2col), and the way back
/// (col2im).
///
/// Row r = (c·I + i)·J + j of the matrix belongs to weight (i, j) of channel c. It holds, for each
/// output position (y, x), the input at (y·s + i·d − p, x·s + j·d − p) of channel c, or 0 in the
/// padding. So a column is all that one output position looks at, and
///
///     out[K × H'·W'] = weights[K × C·I·J] · columns[C·I·J × H'·W']
struct Im2col {
  /// C, H and W of what is read: the channels of one group.
  let channels, height, width: Int
  /// H' and W'.
  let outputHeight, outputWidth: Int
  let kernel, stride, pad, dilation: Extent

  init(_ specification: ConvolutionSpecification, input: Shape, output: Shape) {
    channels = input.channels / specification.group
    (height, width) = (input.height, input.width)
    (outputHeight, outputWidth) = (output.height, output.width)
    (kernel, stride) = (specification.kernel, specification.stride)
    (pad, dilation) = (specification.pad, specification.dilation)
  }

  /// C·I·J: the weights of a kernel, and the rows of the matrix.
  var depth: Int { channels * kernel.area }

  /// Fills the columns of some output rows.
  ///
  /// - Parameters:
  ///   - input: C×H×W.
  ///   - rows: the y of the positions.
  ///   - columns: C·I·J × rows·W', overwritten.
  @inline(__always)
  func fill<Scalar: BLASScalar>(
    _ columns: Matrix<Scalar>, from input: UnsafePointer<Scalar>, rows: Range<Int>
  ) {
    forEachRow(rows) { r, start, source, inside in
      let row = columns.row(r) + start
      for x in 0..<inside.lowerBound { row[x] = 0 }
      for x in inside { row[x] = input[source + x * stride.width] }  // ← in
      for x in inside.upperBound..<outputWidth { row[x] = 0 }
    }
  }

  /// Adds each number of the columns to where `fill` takes it from: the adjoint of `fill`.
  ///
  /// - Parameters:
  ///   - columns: C·I·J × rows·W'.
  ///   - input: C×H×W, increased.
  ///   - rows: the y of the positions.
  @inline(__always)
  func add<Scalar: BLASScalar>(
    _ columns: Matrix<Scalar>, to input: UnsafeMutablePointer<Scalar>, rows: Range<Int>
  ) {
    forEachRow(rows) { r, start, source, inside in
      let row = columns.row(r) + start
      for x in inside { input[source + x * stride.width] += row[x] }  // ← ∂in ∂L/∂in
    }
  }

  /// Calls `body` for each row r of the matrix and each y, with where that y starts in the row, where
  /// the input of x = 0 would lie, and for which x the input exists; for the others it is padding.
  @inline(__always)
  private func forEachRow(
    _ rows: Range<Int>,
    _ body: (_ r: Int, _ start: Int, _ source: Int, _ inside: Range<Int>) -> Void
  ) {
    for c in 0..<channels {
      for i in 0..<kernel.height {
        for j in 0..<kernel.width {
          let r = (c * kernel.height + i) * kernel.width + j
          let left = j * dilation.width - pad.width
          let inside = steps(from: left, by: stride.width, limit: outputWidth, inside: width)
          for y in rows {
            // ← in; ∂in ∂L/∂in
            let inputRow = y * stride.height + i * dilation.height - pad.height
            body(
              r, (y - rows.lowerBound) * outputWidth, (c * height + inputRow) * width + left,
              0 <= inputRow && inputRow < height ? inside : 0..<0)
          }
        }
      }
    }
  }
}
