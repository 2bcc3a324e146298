import Layers
import Tensors

// What the layers have in common that look at windows of the input.

/// The input position of a window's element, for example `4y+i−2`.
func windowIndex(
  _ position: String, _ offset: String, _ stride: Int, _ dilation: Int, _ pad: Int
) -> String {
  (stride == 1 ? "" : "\(stride)") + position + "+" + (dilation == 1 ? "" : "\(dilation)") + offset
    + (pad == 0 ? "" : "−\(pad)")
}

/// The other way: the output position whose window has the input position as its element, for example
/// `(r+2−i)/4`. Where that is no whole number, there is none.
func outputIndex(
  _ position: String, _ offset: String, _ stride: Int, _ dilation: Int, _ pad: Int
) -> String {
  let index =
    position + (pad == 0 ? "" : "+\(pad)") + "−" + (dilation == 1 ? "" : "\(dilation)") + offset
  return stride == 1 ? index : "(\(index))/\(stride)"
}

/// The lines on how rows and columns follow: one for both where they agree.
func shapeLines(
  _ input: Shape, _ output: Shape, window: Extent, stride: Extent, pad: Extent,
  rounding: PoolingSpecification.Rounding
) -> [String] {
  let (open, close) = rounding == .ceiling ? ("⌈", "⌉") : ("⌊", "⌋")
  func line(
    _ name: String, _ size: Int, _ result: Int, _ window: Int, _ stride: Int, _ pad: Int
  ) -> String {
    let padded = pad == 0 ? "\(size)" : "\(size) + 2·\(pad)"
    return "\(name): \(result) = \(open)(\(padded) − \(window))/\(stride)\(close) + 1"
  }
  func lines(_ name: (String, String)) -> (String, String) {
    (
      line(name.0, input.height, output.height, window.height, stride.height, pad.height),
      line(name.1, input.width, output.width, window.width, stride.width, pad.width)
    )
  }
  let both = lines(("rows and columns", "rows and columns"))
  let each = lines(("rows", "columns"))
  return both.0 == both.1 ? [both.0] : [each.0, each.1]
}

/// One side of what an input position collects from: the offsets at which it lies in a window, from the
/// last to the first, so that the outputs rise; and the outputs of these windows, those beyond the border
/// included.
struct OutputsOfInput {
  var offsets: [Int] = []
  var outputs: [Int] = []

  init(_ position: Int, kernel: Int, stride: Int, pad: Int, dilation: Int = 1) {
    for offset in (0..<kernel).reversed() {
      let start = position + pad - offset * dilation
      guard start.isMultiple(of: stride) else { continue }
      offsets.append(offset)
      outputs.append(start / stride)
    }
  }
}

extension Extent {
  /// Rows, then columns.
  var sides: [Int] { [height, width] }
  /// `2` for a square, else `2×3`.
  var short: String { height == width ? String(height) : description }
}
