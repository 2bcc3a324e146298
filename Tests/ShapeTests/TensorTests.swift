import Tensors
import Testing

@Suite("Elements of a tensor")
struct TensorTests {
  @Test("lie row-major: the column runs fastest, the image slowest")
  func order() {
    var tensor = Tensor<Float>(Shape(2, 3, 4, 5))
    var position = 0
    for n in 0..<2 {
      for c in 0..<3 {
        for y in 0..<4 {
          for x in 0..<5 {
            tensor[n, c, y, x] = Float(position)
            #expect(tensor[position] == tensor[n, c, y, x])
            position += 1
          }
        }
      }
    }
    #expect(tensor.elements == (0..<120).map(Float.init))
  }
}
