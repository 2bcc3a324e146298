import Layers
import Tensors
import Testing

/// Sizes that don't fit: they are refused with a reason, or counted right, and never wrapped.
@Suite struct HugeShapes {
  private static let huge = Int(Int32.max)

  @Test func countsBeyond31BitsAreRight() throws {
    let input = Shape(3, 1, 1 << 15, 1 << 15)
    #expect(try ReLUSpecification().outputShape(for: input).count == 3 << 30)
    let pooling = PoolingSpecification(.maximum, kernel: 1)
    #expect(try pooling.outputShape(for: input).count == 3 << 30)
    let innerProduct = InnerProductSpecification(outputs: 4)
    #expect(try innerProduct.parameters(for: input)[0].shape.count == 4 << 30)
    let convolution = ConvolutionSpecification(outputChannels: 8, kernel: 1)
    #expect(try convolution.outputShape(for: input).count == 24 << 30)
    #expect(try convolution.multiplyAccumulates(for: input) == 24 << 30)
  }

  /// OpenBLAS counts rows and columns in 32 bits, and the positions of maxima are kept in them.
  @Test func matricesAndPlanesBeyond31BitsAreRefused() {
    let wide = Shape(1, 4, 1 << 16, 1 << 16)
    #expect(throws: LayerError.self) {
      try ConvolutionSpecification(outputChannels: 2, kernel: 1).outputShape(for: wide)
    }
    #expect(throws: LayerError.self) {
      try InnerProductSpecification(outputs: 2).outputShape(for: wide)
    }
    #expect(throws: LayerError.self) {
      try InnerProductSpecification(outputs: 2, axis: 3)
        .outputShape(for: Shape(1 << 16, 1, 1 << 16, 2))
    }
    #expect(throws: LayerError.self) {
      try PoolingSpecification(.maximum, kernel: 2).outputShape(for: wide)
    }
    let deep = Shape(1, Self.huge, 4, 4)
    #expect(throws: LayerError.self) {
      try ConvolutionSpecification(outputChannels: 1, kernel: 2).outputShape(for: deep)
    }
  }

  @Test func countsBeyond63BitsAreRefused() {
    #expect(throws: ShapeError.self) {
      try Shape(checking: [Self.huge, Self.huge, Self.huge])
    }
    #expect(throws: LayerError.self) {
      try ConvolutionSpecification(
        outputChannels: Self.huge, kernel: 1, pad: Extent(1 << 29)
      ).outputShape(for: Shape(1 << 20, 1, 1, 1))
    }
  }
}
