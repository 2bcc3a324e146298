import Fast
import Layers
import Tensors

/// Softmax over the classes, fast.
///
///     p[c] = e^(x[c] − m) / Σ_c' e^(x[c'] − m),   m = max_c x[c]
///
/// Images run in parallel, and positions within an image in vectors but for the exponential, which
/// is the library's.
///
/// Twin: `Sources/Reference/Softmax.swift`. Source: Caffe's `softmax_layer.cpp`.
public struct Softmax<Scalar: TunedScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: SoftmaxSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(
    _ specification: SoftmaxSpecification = SoftmaxSpecification(), engine: Engine = .shared
  ) {
    self.specification = specification
    self.engine = engine
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// The formula above.
  ///
  /// - Complexity: O(count), images in parallel: one exponential and one division for each score.
  ///   Each thread is lent 2·H·W numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let axis = ClassAxis(input.shape)
    require(output, input.count)
    input.withMemory { input in
      output.withMutableMemory { output in
        // The maxima, then the sums, of an image's positions. An image is `classes` rows of `stride`.
        engine.run(axis.images, scratch: 2 * axis.stride, of: Scalar.self) { image, maxima in
          let sums = maxima + axis.stride
          let x = input + image * axis.imageCount
          let p = output + image * axis.imageCount
          maxima.update(from: x, count: axis.stride)
          for c in 1..<max(axis.classes, 1) {
            let row = x + c * axis.stride
            for i in 0..<axis.stride { maxima[i] = row[i] >= maxima[i] ? row[i] : maxima[i] }
          }
          sums.fill(axis.stride, with: 0)
          for c in 0..<axis.classes {
            let start = c * axis.stride
            for i in 0..<axis.stride {
              let power = Scalar.exp(x[start + i] - maxima[i])
              p[start + i] = power
              sums[i] += power
            }
          }
          for c in 0..<axis.classes {
            let row = p + c * axis.stride
            for i in 0..<axis.stride { row[i] /= sums[i] }
          }
        }
      }
    }
  }

  /// ∂L/∂x[c] = p[c] · (∂L/∂p[c] − Σ_c' ∂L/∂p[c'] · p[c'])
  ///
  /// - Complexity: O(count), images in parallel. Each thread is lent H·W numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let axis = ClassAxis(input.shape)
    require(output, input.count)
    require(outputGradient, input.count)
    if let inputGradient { require(inputGradient, input.count) }
    inputGradient.update { gradient in
      outputGradient.withMemory { upstream in
        output.withMemory { output in
          gradient.withMutableMemory { gradient in
            // As for `forward`.
            engine.run(axis.images, scratch: axis.stride, of: Scalar.self) { image, dots in
              let offset = image * axis.imageCount
              let (dp, p, dx) = (upstream + offset, output + offset, gradient + offset)
              dots.fill(axis.stride, with: 0)
              for c in 0..<axis.classes {
                let start = c * axis.stride
                for i in 0..<axis.stride { dots[i] += dp[start + i] * p[start + i] }
              }
              for c in 0..<axis.classes {
                let start = c * axis.stride
                for i in 0..<axis.stride {
                  dx[start + i] = p[start + i] * (dp[start + i] - dots[i])
                }
              }
            }
          }
        }
      }
    }
  }
}

/// Scores N×C or N×C×H×W: the distance between neighbouring classes, and how many there are.
struct ClassAxis {
  let images, classes, stride: Int

  init(_ scores: Shape) {
    images = scores.images
    classes = scores.channels
    stride = scores.spatialCount
  }

  /// The elements of an image.
  var imageCount: Int { classes * stride }

  /// The position of class 0 at an image and a position in it: spot i belongs to label i.
  @inline(__always)
  func start(of spot: Int) -> Int {
    spot / stride * imageCount + spot % stride
  }
}
