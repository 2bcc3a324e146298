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
      let im2col = Im2col(specification, input: input, output: shape)
      let channels = im2col.channels
      let one = Shape(1, channels, input.height, input.width)
      let x: Tensor<Double> = cases.whole(one)
      // Some rows of the output, as the bands of a large image take them.
      let first = cases.integer(0...shape.height - 1)
      let rows = first..<cases.integer(first + 1...shape.height)
      let matrix = Shape(channels * specification.kernel.area, rows.count * shape.width)
      var c: Tensor<Double> = cases.whole(matrix)

      var columns = Tensor<Double>(matrix, repeating: .nan)
      x.withMemory { x in
        columns.withMutableMemory {
          im2col.fill(Matrix($0, matrix[0], matrix[1]), from: x, rows: rows)
        }
      }
      var back = Tensor<Double>(one)
      c.withMutableMemory { c in
        back.withMutableMemory {
          im2col.add(Matrix(c, matrix[0], matrix[1]), to: $0, rows: rows)
        }
      }
      let left = zip(columns.elements, c.elements).reduce(0) { $0 + $1.0 * $1.1 }
      let right = zip(x.elements, back.elements).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(left == right, "seed \(cases.seed), \(specification) on \(input), rows \(rows)")
    }
  }
}
