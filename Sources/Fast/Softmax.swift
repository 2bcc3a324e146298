import Layers
import Tensors

/// Softmax over the classes, fast.
///
///     p[c] = e^(x[c] − m) / Σ_c' e^(x[c'] − m),   m = max_c x[c]
///
/// The images, and their positions if they have any, are shared by the threads.
///
/// Twin: `Sources/Reference/Softmax.swift`. Source: Caffe's `softmax_layer.cpp`.
public struct Softmax<Scalar: BLASScalar>: SingleInputLayer {
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

  /// The formula above.
  ///
  /// - Complexity: O(count) over the engine's threads: one exponential and one division for each
  ///   score.
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
        engine.run(over: axis.spots, atMost: 16) { spots in
          for spot in spots {
            let (x, p) = (input + axis.start(of: spot), output + axis.start(of: spot))
            var maximum = x[0]
            for i in axis.classes { maximum = x[i] >= maximum ? x[i] : maximum }
            var sum: Scalar = 0
            for i in axis.classes {
              p[i] = .exp(x[i] - maximum)  // ← x
              sum += p[i]  // ← Σ_c'
            }
            for i in axis.classes { p[i] /= sum }  // ← p
          }
        }
      }
    }
  }

  /// ∂L/∂x[c] = p[c] · (∂L/∂p[c] − Σ_c' ∂L/∂p[c'] · p[c'])
  ///
  /// - Complexity: O(count) over the engine's threads.
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
    withMemory(of: [outputGradient, output]) { tensors in
      inputGradient?.withMutableMemory { gradient in
        engine.run(over: axis.spots, atMost: 16) { spots in
          for spot in spots {
            let start = axis.start(of: spot)
            let (dp, p, dx) = (tensors[0] + start, tensors[1] + start, gradient + start)
            var dot: Scalar = 0
            for i in axis.classes { dot += dp[i] * p[i] }
            for i in axis.classes { dx[i] = p[i] * (dp[i] - dot) }
          }
        }
      }
    }
  }
}

/// Scores N×C or N×C×H×W: at each spot, one for each label, they are `stride` apart.
struct ClassAxis {
  /// N·H·W.
  let spots: Int
  /// H·W.
  let stride: Int
  /// Where the classes lie, seen from the first one of a spot.
  let classes: StrideTo<Int>

  init(_ scores: Shape) {
    stride = scores.spatialCount
    spots = scores.images * stride
    classes = Swift.stride(from: 0, to: scores.channels * stride, by: max(stride, 1))
    imageCount = scores.channels * stride
  }

  /// C·H·W.
  private let imageCount: Int

  /// The position of class 0 at an image and a position in it: spot i belongs to label i.
  @inline(__always)
  func start(of spot: Int) -> Int {
    spot / stride * imageCount + spot % stride
  }
}
