import Layers
import Reference
import Tensors

extension BrokenLayer {
  static let poolings: [BrokenLayer] = [
    BrokenLayer(
      "max-pool-shared", Pooling(.init(.maximum, kernel: 3, stride: 2)), Shape(2, 2, 5, 5),
      bug: "the gradient of a maximum is shared among its window, as an average's is",
      code: "dx[window] += dy / area    instead of    dx[maximum] += dy",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.replaceInput { dx in
        pass.forEachWindow { output, inputs, _ in
          for input in inputs { dx[input] += pass.outputGradient[output] / Double(inputs.count) }
        }
      }
    },
    BrokenLayer(
      "max-pool-overwritten", Pooling(.init(.maximum, kernel: 3)), Shape(2, 2, 5, 5),
      bug:
        "where overlapping windows share a maximum, the last one's gradient replaces the others'",
      code: "dx[maximum] = dy    instead of    dx[maximum] += dy",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.replaceInput { dx in
        pass.forEachWindow { output, inputs, _ in
          let maximum = inputs.first { pass.input[$0] == pass.output[output] }
          if let maximum { dx[maximum] = pass.outputGradient[output] }
        }
      }
    },
    BrokenLayer(
      "max-pool-every-tie", Pooling(.init(.maximum, kernel: 2, stride: 2)), Shape(2, 2, 6, 6),
      at: .integers,
      bug: "of equal maxima each receives the whole gradient, which is given out several times",
      code: "if x == y { dx += dy }    instead of    dx[first maximum] += dy",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.replaceInput { dx in
        pass.forEachWindow { output, inputs, _ in
          for input in inputs where pass.input[input] == pass.output[output] {
            dx[input] += pass.outputGradient[output]
          }
        }
      }
    },
    BrokenLayer(
      "average-pool-area-clipped", Pooling(.init(.average, kernel: 3, stride: 2, pad: 1)),
      Shape(2, 2, 5, 5),
      bug: "the backward pass divides by the positions on the input, the forward pass by all",
      code: "dy / positions.count    instead of    dy / (area with padding)",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.replaceInput { dx in
        pass.forEachWindow { output, inputs, _ in
          for input in inputs { dx[input] += pass.outputGradient[output] / Double(inputs.count) }
        }
      }
    },
    BrokenLayer(
      "average-pool-cut-window-lost", Pooling(.init(.average, kernel: 3, stride: 2)),
      Shape(2, 2, 6, 6),
      bug: "windows that the border cuts off pass nothing back",
      code: "if end > height { continue }    instead of    end = min(end, height)",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.replaceInput { dx in
        pass.forEachWindow { output, inputs, isCutOff in
          guard !isCutOff else { return }
          for input in inputs { dx[input] += pass.outputGradient[output] / Double(inputs.count) }
        }
      }
    },
  ]
}

extension BackwardPass where Right == Pooling<Double> {
  /// The windows: for each output position, the input positions under it.
  fileprivate func forEachWindow(
    _ body: (_ outputPosition: Int, _ inputPositions: [Int], _ isCutOff: Bool) -> Void
  ) {
    let (input, output) = (input.shape, output.shape)
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
}
