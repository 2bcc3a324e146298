import Layers
import Tensors
import Testing

@testable import Fast

extension Example {
  /// Builds the columns that the example prints, multiplies with them, and adds them back.
  func checkColumns() throws {
    let input = try self("in")
    let specification = ConvolutionSpecification(outputChannels: 1, kernel: 2)
    let geometry = ConvolutionGeometry(
      specification, input: input.shape, output: try specification.outputShape(for: input.shape),
      engine: .shared)
    expect("columns", naiveColumns(input, kernel: 2))

    var columns = Tensor<Double>(Shape(geometry.depth, geometry.positions))
    var product = Tensor<Double>(Shape(1, geometry.positions))
    var back = Tensor<Double>(input.shape)
    let weights = try self("weights")
    let rows = 0..<geometry.outputHeight
    // The stride is 1, so that no rows are split and no working memory is needed for it.
    var nothing = Tensor<Double>(Shape(1))
    nothing.withMutableMemory { split in
      columns.withMutableMemory { columns in
        input.withMemory { input in
          geometry.fillColumns(
            columns, stride: geometry.positions, from: input, channels: 1, rows: rows,
            split: split)
        }
      }
    }
    expect("columns", columns)
    columns.withMutableMemory { columns in
      weights.withMemory { weights in
        product.withMutableMemory { product in
          Double.gemm(
            rows: 1, columns: geometry.positions, inner: geometry.depth,
            weights, stride: geometry.depth, transposed: false,
            columns, stride: geometry.positions, transposed: false,
            into: product, stride: geometry.positions, adding: false, by: .fastest)
        }
      }
      back.withMutableMemory { back in
        geometry.addColumns(
          columns, stride: geometry.positions, to: back, channels: 1, rows: rows)
      }
    }
    expect("product", product)
    expect("columns added back", back)
  }
}
