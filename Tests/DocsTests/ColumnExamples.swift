import Layers
import Tensors
import Testing

@testable import Fast

extension Example {
  /// Builds the columns that the example prints, multiplies with them, and adds them back.
  func checkColumns() throws {
    let input = try self("in")
    let specification = ConvolutionSpecification(outputChannels: 1, kernel: 2)
    let output = try specification.outputShape(for: input.shape)
    let im2col = Im2col(specification, input: input.shape, output: output)
    expect("columns", naiveColumns(input, kernel: 2))

    let (depth, positions) = (im2col.depth, output.spatialCount)
    var columns = Tensor<Double>(Shape(depth, positions))
    var product = Tensor<Double>(Shape(1, positions))
    var back = Tensor<Double>(input.shape)
    let rows = 0..<output.height
    columns.withMutableMemory { memory in
      input.withMemory { im2col.fill(Matrix(memory, depth, positions), from: $0, rows: rows) }
    }
    expect("columns", columns)
    withMemory(of: [columns, try self("weights")]) { tensors in
      let (columns, weights) = (tensors[0], tensors[1])
      product.withMutableMemory {
        multiply(
          Matrix(weights, 1, depth), Matrix(columns, depth, positions),
          into: Matrix($0, 1, positions))
      }
      back.withMutableMemory { im2col.add(Matrix(columns, depth, positions), to: $0, rows: rows) }
    }
    expect("product", product)
    expect("columns added back", back)
  }
}
