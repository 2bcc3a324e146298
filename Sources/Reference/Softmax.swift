import Layers
import RealModule
import Tensors

/// Softmax over the classes, at each image and position.
///
///     p[c] = e^(x[c] − m) / Σ_c' e^(x[c'] − m),   m = max_c x[c]
///
/// Subtracting m changes nothing in exact arithmetic and keeps e^x from overflowing.
///
/// Twin: `Sources/Fast/Softmax.swift`. Source: Caffe's `softmax_layer.cpp`.
public struct Softmax<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: SoftmaxSpecification

  /// The naive version of a specification.
  public init(_ specification: SoftmaxSpecification = SoftmaxSpecification()) {
    self.specification = specification
  }

  /// The formula above.
  ///
  /// - Complexity: O(count): one exponential and one division for each score.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let spots = ClassAxis(input.shape)
    for start in spots.starts {
      var maximum = input[start]
      for c in 0..<spots.classes {
        maximum = max(maximum, input[start + c * spots.stride])
      }
      var sum: Scalar = 0
      for c in 0..<spots.classes {
        let position = start + c * spots.stride
        output[position] = .exp(input[position] - maximum)  // ← x
        sum += output[position]  // ← Σ_c'
      }
      for c in 0..<spots.classes {
        output[start + c * spots.stride] /= sum  // ← p
      }
    }
  }

  /// ∂L/∂x[c] = p[c] · (∂L/∂p[c] − Σ_c' ∂L/∂p[c'] · p[c'])
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let spots = ClassAxis(input.shape)
    inputGradient.update { gradient in
      for start in spots.starts {
        var dot: Scalar = 0
        for c in 0..<spots.classes {
          let position = start + c * spots.stride
          dot += outputGradient[position] * output[position]  // ← ∂in Σ_c', ∂L/∂p
        }
        for c in 0..<spots.classes {
          let position = start + c * spots.stride
          // ← ∂in ∂L/∂x, p
          gradient[position] = output[position] * (outputGradient[position] - dot)
        }
      }
    }
  }
}

/// The memory positions along the class axis of N×C or N×C×H×W scores.
struct ClassAxis {
  let images, classes, stride: Int

  init(_ scores: Shape) {
    images = scores.images
    classes = scores.channels
    stride = scores.spatialCount
  }

  /// The position of class 0, for each image and each position in it: one for each label.
  var starts: some Sequence<Int> {
    (0..<images * stride).lazy.map { [stride, classes] spot in
      spot / stride * classes * stride + spot % stride
    }
  }
}
