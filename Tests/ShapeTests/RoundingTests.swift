import Layers
import Tensors
import Testing

@Suite("Rounding of sizes")
struct RoundingTests {
  @Test(
    "a convolution rounds down",
    arguments: [(11, 4, 0, 227, 55), (11, 4, 0, 224, 54), (3, 2, 0, 8, 3), (3, 2, 1, 8, 4)])
  func convolution(kernel: Int, stride: Int, pad: Int, size: Int, expected: Int) throws {
    let specification = ConvolutionSpecification(
      outputChannels: 1, kernel: Extent(kernel), stride: Extent(stride), pad: Extent(pad))
    let output = try specification.outputShape(for: Shape(1, 1, size, size))
    #expect(output == Shape(1, 1, expected, expected))
  }

  @Test("dilation widens the kernel: 3 with holes of 1 spans 5")
  func dilation() throws {
    let specification = ConvolutionSpecification(outputChannels: 2, kernel: 3, dilation: 2)
    #expect(specification.span == 5)
    #expect(try specification.outputShape(for: Shape(1, 1, 9, 7)) == Shape(1, 2, 5, 3))
  }

  @Test(
    "pooling rounds up, unless told otherwise",
    arguments: [(55, 27, 27), (54, 27, 26), (13, 6, 6), (12, 6, 5), (36, 18, 17)])
  func pooling(size: Int, ceiling: Int, floor: Int) throws {
    let input = Shape(1, 1, size, size)
    let up = PoolingSpecification(.maximum, kernel: 3, stride: 2)
    let down = PoolingSpecification(.maximum, kernel: 3, stride: 2, rounding: .floor)
    #expect(try up.outputShape(for: input) == Shape(1, 1, ceiling, ceiling))
    #expect(try down.outputShape(for: input) == Shape(1, 1, floor, floor))
  }

  @Test("with padding, a last window that starts behind input and padding is dropped")
  func clipping() throws {
    // (7 + 2 − 2)/2 rounds up to 4, so 5 windows; the last would start at 8 − 1 = 7, off the input.
    let specification = PoolingSpecification(.maximum, kernel: 2, stride: 2, pad: 1)
    #expect(try specification.outputShape(for: Shape(1, 1, 7, 8)) == Shape(1, 1, 4, 5))
  }

  @Test("global pooling leaves one position, whatever the size")
  func global() throws {
    let specification = PoolingSpecification(global: .average)
    #expect(try specification.outputShape(for: Shape(2, 3, 5, 7)) == Shape(2, 3, 1, 1))
  }

  @Test("rows and columns are treated apart")
  func rectangular() throws {
    let specification = ConvolutionSpecification(
      outputChannels: 4, kernel: Extent(height: 3, width: 2),
      stride: Extent(height: 1, width: 2), pad: Extent(height: 0, width: 1))
    #expect(try specification.outputShape(for: Shape(1, 3, 9, 10)) == Shape(1, 4, 7, 6))
  }

  @Test("an inner product flattens from its axis on")
  func axis() throws {
    let all = InnerProductSpecification(outputs: 5)
    let last = InnerProductSpecification(outputs: 5, axis: 3)
    #expect(try all.outputShape(for: Shape(2, 3, 4, 6)) == Shape(2, 5))
    #expect(try last.outputShape(for: Shape(2, 3, 4, 6)) == Shape(2, 3, 4, 5))
    #expect(try last.parameters(for: Shape(2, 3, 4, 6)).map(\.shape) == [Shape(5, 6), Shape(5)])
  }
}
