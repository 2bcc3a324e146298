import Layers
import Tensors

/// One product of a convolution's sum: where its three factors lie.
struct Tap {
  /// Image, kernel, channel in the group, output row and column, kernel row and column.
  var n, k, c, y, x, i, j: Int
  /// Row and column on the input, never in the padding.
  var row, column: Int
  /// Positions in row-major memory.
  var inputPosition, weightPosition, outputPosition: Int
  /// Whether the whole window lies on the input.
  var windowIsInside: Bool
}

/// Every product of a convolution, for writing wrong backward passes in a few lines.
func forEachTap(
  of specification: ConvolutionSpecification, input: Shape, output: Shape,
  _ body: (Tap) -> Void
) {
  let (kernel, stride) = (specification.kernel, specification.stride)
  let (pad, dilation) = (specification.pad, specification.dilation)
  let groupChannels = input.channels / specification.group
  let groupKernels = output.channels / specification.group
  for n in 0..<output.images {
    for k in 0..<output.channels {
      for y in 0..<output.height {
        for x in 0..<output.width {
          let (top, left) = (y * stride.height - pad.height, x * stride.width - pad.width)
          let isInside =
            top >= 0 && left >= 0 && top + specification.span.height <= input.height
            && left + specification.span.width <= input.width
          for c in 0..<groupChannels {
            let channel = k / groupKernels * groupChannels + c
            for i in 0..<kernel.height {
              for j in 0..<kernel.width {
                let (row, column) = (top + i * dilation.height, left + j * dilation.width)
                guard (0..<input.height).contains(row), (0..<input.width).contains(column) else {
                  continue
                }
                body(
                  Tap(
                    n: n, k: k, c: c, y: y, x: x, i: i, j: j, row: row, column: column,
                    inputPosition: ((n * input.channels + channel) * input.height + row)
                      * input.width + column,
                    weightPosition: ((k * groupChannels + c) * kernel.height + i) * kernel.width
                      + j,
                    outputPosition: ((n * output.channels + k) * output.height + y)
                      * output.width + x,
                    windowIsInside: isInside))
              }
            }
          }
        }
      }
    }
  }
}

/// The windows of a pooling layer: for each output position, the input positions under it.
func forEachWindow(
  of specification: PoolingSpecification, input: Shape, output: Shape,
  _ body: (_ outputPosition: Int, _ inputPositions: [Int], _ isCutOff: Bool) -> Void
) {
  let kernel = specification.kernel(for: input)
  var outputPosition = 0
  for plane in 0..<input.images * input.channels {
    for y in 0..<output.height {
      for x in 0..<output.width {
        let top = y * specification.stride.height - specification.pad.height
        let left = x * specification.stride.width - specification.pad.width
        var positions: [Int] = []
        for row in max(top, 0)..<min(top + kernel.height, input.height) {
          for column in max(left, 0)..<min(left + kernel.width, input.width) {
            positions.append((plane * input.height + row) * input.width + column)
          }
        }
        body(outputPosition, positions, positions.count < kernel.area)
        outputPosition += 1
      }
    }
  }
}
