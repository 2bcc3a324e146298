import Tensors

/// The columns of an image of 1×C×H×W for square kernels, entry by entry: what chapter 13 begins
/// with, and what the fast columns are compared with there.
///
/// - Returns: C·kernel² × positions, stride 1, no padding.
func naiveColumns(_ input: Tensor<Double>, kernel: Int) -> Tensor<Double> {
  let (height, width) = (input.shape.height - kernel + 1, input.shape.width - kernel + 1)
  var columns: [Double] = []
  for c in 0..<input.shape.channels {
    for i in 0..<kernel {
      for j in 0..<kernel {
        for y in 0..<height {
          for x in 0..<width {
            columns.append(input[0, c, y + i, x + j])
          }
        }
      }
    }
  }
  return Tensor(Shape(input.shape.channels * kernel * kernel, height * width), columns)
}
