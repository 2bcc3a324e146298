import Layers
import Reference
import Tensors

extension BrokenLayer {
  static let innerProducts: [BrokenLayer] = [
    BrokenLayer(
      "inner-product-not-transposed", InnerProduct(.init(outputs: 6)), Shape(2, 6),
      bug: "the input gradient multiplies by W instead of Wᵀ; W is square, so no shape objects",
      code: "dx[d] += dy[k] · w[d, k]    instead of    dx[d] += dy[k] · w[k, d]",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      let size = pass.specification.outputs
      gradients.replaceInput { dx in
        for i in 0..<dx.count {
          for k in 0..<size {
            dx[i] +=
              pass.outputGradient[i / size * size + k] * pass.parameters[0][i % size * size + k]
          }
        }
      }
    },
    BrokenLayer(
      "inner-product-averaged-twice", InnerProduct(.init(outputs: 4)), Shape(3, 5),
      bug:
        "the weight gradient is divided by the number of images, which the loss has done already",
      code: "dw += dy · x / N    instead of    dw += dy · x",
      expected: .wrongGradient(tensor: "weights")
    ) { gradients, pass in
      pass.replace(0, of: &gradients) { dw in
        let images = pass.input.shape.images
        pass.forEachProduct { i, product in dw[i] += product / Double(images) }
      }
    },
    BrokenLayer(
      "inner-product-summed-in-float", InnerProduct(.init(outputs: 4)), Shape(6, 5),
      bug: "the weight gradient is summed in Float, whatever the layer's precision is",
      code: "var sum: Float = 0    instead of    var sum: Scalar = 0",
      expected: .wrongGradient(tensor: "weights")
    ) { gradients, pass in
      pass.replace(0, of: &gradients) { dw in
        pass.forEachProduct { i, product in dw[i] = Double(Float(dw[i]) + Float(product)) }
      }
    },
    // What quantised networks are trained with on purpose (a straight-through estimator), and still no
    // derivative, which is 0 between the jumps.
    BrokenLayer(
      "inner-product-rounded-weights", InnerProduct(.init(outputs: 4)), Shape(3, 5),
      bug: "weights are rounded to 1/256 forwards, and their gradient is that of unrounded ones",
      code: "Σ_d round(256·w)/256 · in    instead of    Σ_d w · in",
      expected: .wrongGradient(tensor: "weights"),
      spoil: { gradients, pass in
        var pass = pass
        pass.parameters = rounded(pass.parameters)
        pass.run(&gradients)
      },
      forward: { right, input, parameters, context, output, saved in
        right.forward(
          input, parameters: rounded(parameters), context: &context, output: &output,
          saved: &saved)
      }),
  ]
}

extension BackwardPass where Right == InnerProduct<Double> {
  /// The products that make up ∂L/∂w, image after image, each with the position of its weight.
  fileprivate func forEachProduct(_ body: (_ weight: Int, _ product: Double) -> Void) {
    let (outputs, inputs) = (specification.outputs, input.shape.imageCount)
    for n in 0..<input.shape.images {
      for i in 0..<outputs * inputs {
        body(i, outputGradient[n * outputs + i / inputs] * input[n * inputs + i % inputs])
      }
    }
  }
}

/// The parameters, the weights rounded to multiples of 1/256.
private func rounded(_ parameters: [Tensor<Double>]) -> [Tensor<Double>] {
  var parameters = parameters
  for i in 0..<parameters[0].count {
    parameters[0][i] = (parameters[0][i] * 256).rounded() / 256
  }
  return parameters
}
