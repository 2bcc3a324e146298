import Layers
import Reference
import Tensors

extension BrokenLayer {
  static let convolutions: [BrokenLayer] = [
    BrokenLayer(
      "conv-kernel-rotated", Convolution(.init(outputChannels: 2, kernel: 3)), Shape(2, 2, 5, 5),
      bug: "the input gradient uses the kernel turned by 180°",
      code: "dx += dy · w[k, c, 2 − i, 2 − j]    instead of    dx += dy · w[k, c, i, j]",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      // Whoever wrote it took a correlation for a convolution.
      let area = pass.specification.kernel.area
      gradients.replaceInput { dx in
        pass.forEachTap { tap in
          let inKernel = tap.weightPosition % area
          let turned = tap.weightPosition - inKernel + area - 1 - inKernel
          dx[tap.inputPosition] += pass.dy(tap) * pass.parameters[0][turned]
        }
      }
    },
    BrokenLayer(
      "conv-kernel-transposed", Convolution(.init(outputChannels: 2, kernel: 3)),
      Shape(2, 2, 5, 5),
      bug: "the weight gradient is written with rows and columns exchanged",
      code: "dw[k, c, j, i] += dy · x    instead of    dw[k, c, i, j] += dy · x",
      expected: .wrongGradient(tensor: "weights")
    ) { gradients, pass in
      let kernel = pass.specification.kernel
      pass.replace(0, of: &gradients) { dw in
        pass.forEachTap { tap in
          let start = tap.weightPosition - tap.i * kernel.width - tap.j
          dw[start + tap.j * kernel.height + tap.i] += pass.dy(tap) * pass.x(tap)
        }
      }
    },
    BrokenLayer(
      "conv-padding-offset", Convolution(.init(outputChannels: 2, kernel: 3, pad: 1)),
      Shape(2, 2, 5, 5),
      bug: "the input gradient lands one row and one column off",
      code: "dx[y·s + i − (p − 1), …]    instead of    dx[y·s + i − p, …]",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      let shape = pass.input.shape
      gradients.replaceInput { dx in
        pass.forEachTap { tap in
          guard tap.row + 1 < shape.height, tap.column + 1 < shape.width else { return }
          dx[tap.inputPosition + shape.width + 1] += pass.dy(tap) * pass.w(tap)
        }
      }
    },
    BrokenLayer(
      "conv-border-skipped", Convolution(.init(outputChannels: 2, kernel: 3, pad: 1)),
      Shape(2, 2, 6, 6),
      bug: "windows that reach into the padding pass nothing back to the input",
      code: "if !window.isInside { continue }    instead of skipping single positions only",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.replaceInput { dx in
        pass.forEachTap { tap in
          if tap.windowIsInside { dx[tap.inputPosition] += pass.dy(tap) * pass.w(tap) }
        }
      }
    },
    BrokenLayer(
      "conv-overlap-overwritten", Convolution(.init(outputChannels: 2, kernel: 3)),
      Shape(2, 2, 5, 5),
      bug: "where windows overlap, the last one's gradient replaces the others'",
      code: "dx[…] = dy · w    instead of    dx[…] += dy · w",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.replaceInput { dx in
        pass.forEachTap { tap in dx[tap.inputPosition] = pass.dy(tap) * pass.w(tap) }
      }
    },
    BrokenLayer(
      "conv-dilation-forgotten",
      Convolution(.init(outputChannels: 2, kernel: 3, dilation: 2)), Shape(2, 2, 6, 6),
      bug: "the weight gradient steps through the input without the kernel's holes",
      code: "x[y·s + i − p, …]    instead of    x[y·s + i·d − p, …]",
      expected: .wrongGradient(tensor: "weights")
    ) { gradients, pass in
      let (width, dilation) = (pass.input.shape.width, pass.specification.dilation)
      pass.replace(0, of: &gradients) { dw in
        pass.forEachTap { tap in
          let rowsBack = tap.i * (dilation.height - 1)
          let columnsBack = tap.j * (dilation.width - 1)
          guard tap.row >= rowsBack, tap.column >= columnsBack else { return }
          dw[tap.weightPosition] +=
            pass.dy(tap) * pass.input[tap.inputPosition - rowsBack * width - columnsBack]
        }
      }
    },
    BrokenLayer(
      "conv-group-offset", Convolution(.init(outputChannels: 4, kernel: 3, group: 2)),
      Shape(2, 4, 4, 4),
      bug: "the weight gradient of every group reads the input channels of the first",
      code: "x[n, c, …]    instead of    x[n, g·C/G + c, …]",
      expected: .wrongGradient(tensor: "weights")
    ) { gradients, pass in
      pass.replace(0, of: &gradients) { dw in
        pass.forEachTap { tap in
          dw[tap.weightPosition] += pass.dy(tap) * pass.input[tap.n, tap.c, tap.row, tap.column]
        }
      }
    },
    BrokenLayer(
      "conv-bias-last-image", Convolution(.init(outputChannels: 3, kernel: 3)), Shape(3, 2, 4, 4),
      bug: "the bias gradient is that of the last image, not the sum over all",
      code: "db[k] = Σ dy[n, k, …]    instead of    db[k] += Σ dy[n, k, …]",
      expected: .wrongGradient(tensor: "bias")
    ) { gradients, pass in
      let output = pass.output.shape
      pass.replace(1, of: &gradients) { db in
        for i in output.count - output.imageCount..<output.count {
          db[i / output.spatialCount % output.channels] += pass.outputGradient[i]
        }
      }
    },
    BrokenLayer(
      "conv-bias-averaged", Convolution(.init(outputChannels: 3, kernel: 3)), Shape(2, 2, 5, 5),
      bug: "the bias gradient is averaged over the output positions",
      code: "db[k] += dy / (H'·W')    instead of    db[k] += dy",
      expected: .wrongGradient(tensor: "bias")
    ) { gradients, pass in
      let output = pass.output.shape
      pass.replace(1, of: &gradients) { db in
        for i in 0..<output.count {
          db[i / output.spatialCount % output.channels] +=
            pass.outputGradient[i] / Double(output.spatialCount)
        }
      }
    },
  ]
}

/// One product of a convolution's sum: where its three factors lie.
struct Tap {
  /// Image, channel in the group, kernel row and column.
  var n, c, i, j: Int
  /// Row and column on the input, never in the padding.
  var row, column: Int
  /// Positions in row-major memory.
  var inputPosition, weightPosition, outputPosition: Int
  /// Whether the whole window lies on the input.
  var windowIsInside: Bool
}

extension BackwardPass where Right == Convolution<Double> {
  /// The factors of a product: ∂L/∂out, in and w.
  fileprivate func dy(_ tap: Tap) -> Double { outputGradient[tap.outputPosition] }
  fileprivate func x(_ tap: Tap) -> Double { input[tap.inputPosition] }
  fileprivate func w(_ tap: Tap) -> Double { parameters[0][tap.weightPosition] }

  /// Every product of the convolution, for writing wrong backward passes in a few lines.
  fileprivate func forEachTap(_ body: (Tap) -> Void) {
    let (input, output) = (input.shape, output.shape)
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
                      n: n, c: c, i: i, j: j, row: row, column: column,
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
}
