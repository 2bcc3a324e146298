// The code of Sources/GradientChecking/Documentation.docc/CheckYourOwnLayer.md.
import GradientChecking
import Layers
import Tensors

/// y = x², and what its author believes to be the derivative.
struct Square<Scalar: Tensors.Scalar>: SingleInputLayer {
  struct Specification: SingleInputSpecification {
    static var typeName: String { "Square" }
    func outputShape(for input: Shape) -> Shape { input }
  }

  let specification = Specification()
  /// 2, if the author is right.
  var factor = 2.0

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count { output[i] = input[i] * input[i] }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for i in 0..<input.count { gradient[i] = Scalar(factor) * input[i] * outputGradient[i] }
    }
  }
}

func checkSquare(factor: Double) throws -> GradientReport {
  try check(
    Square<Double>(factor: factor), input: Shape(2, 3), exact: Square<Dual<Double>>())
}
