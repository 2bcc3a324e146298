import Layers
import Tensors
import Testing

@testable import Fast

/// im2col and col2im are adjoint: ⟨im2col(x), c⟩ = ⟨x, col2im(c)⟩ for all x and c.
@Suite struct Columns {
  @Test func areAdjoint() throws {
    try forAllSeeds { cases in
      let (specification, input) = cases.convolution(pad: 0...3)
      let shape = try specification.outputShape(for: input)
      let geometry = ConvolutionGeometry(
        specification, input: input, output: shape, engine: .shared)
      let one = Shape(1, input.channels, input.height, input.width)
      let x: Tensor<Double> = cases.whole(one)
      // Some rows of the output, as the blocks of a large image take them.
      let first = cases.integer(0...geometry.outputHeight - 1)
      let rows = first..<cases.integer(first + 1...geometry.outputHeight)
      let width = rows.count * geometry.outputWidth
      let matrix = Shape(input.channels * geometry.taps, width)
      let c: Tensor<Double> = cases.whole(matrix)

      var columns = Tensor<Double>(matrix, repeating: .nan)
      var split = [Double](repeating: .nan, count: geometry.splitCount(rows: rows.count) + 1)
      x.withMemory { x in
        columns.withMutableMemory { columns in
          split.withUnsafeMutableBufferPointer { split in
            guard let split = split.baseAddress else { return }
            geometry.fillColumns(
              columns, stride: width, from: x, channels: input.channels, rows: rows, split: split)
          }
        }
      }
      var back = Tensor<Double>(one)
      var changed = c
      changed.withMutableMemory { changed in
        back.withMutableMemory { back in
          geometry.addColumns(
            changed, stride: width, to: back, channels: input.channels, rows: rows)
        }
      }
      let left = zip(columns.elements, c.elements).reduce(0) { $0 + $1.0 * $1.1 }
      let right = zip(x.elements, back.elements).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(left == right, "seed \(cases.seed), \(specification) on \(input), rows \(rows)")
    }
  }
}
