import Fast
import Layers
import Tensors

/// Local response normalisation, fast.
///
///     s = k + α/n · Σ in²,   out = in · s^−β
///
/// Tricks:
/// - For β = ¾, s^−β is computed in vectors (`InverseRoot.swift`); a power is a call for each
///   element.
/// - Every window is summed directly, in vectors. A running sum that adds one end and subtracts the
///   other would be cheaper, but it drifts.
///
/// Twin: `Sources/Reference/LRN.swift`. Source: Krizhevsky et al. 2012, section 3.3, in the
/// convention of Caffe's `lrn_layer.cpp`.
public struct LRN<Scalar: TunedScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: LRNSpecification
  let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: LRNSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// Memory for s, shaped like the input.
  ///
  /// - Complexity: O(count), allocating a tensor of the input's size.
  public func makeSaved(for input: Shape) throws(LayerError) -> Tensor<Scalar> {
    Tensor(try specification.outputShape(for: input))
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// The formulas above; keeps s.
  ///
  /// - Complexity: O(count·n) additions both across channels and within one, over the engine's
  ///   threads. Each is lent up to 1024 numbers across channels, 3·H·W within one.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved scale: inout Tensor<Scalar>
  ) {
    let shape = input.shape
    let formula = LRNFormula<Scalar>(specification, engine: engine)
    require(output, input.count)
    require(scale, input.count)
    input.withMemory { input in
      output.withMutableMemory { output in
        scale.withMutableMemory { scale in
          switch specification.region {
          case .acrossChannels: forwardAcross(shape, formula, input, output, scale)
          case .withinChannel: forwardWithin(shape, formula, input, output, scale)
          }
        }
      }
    }
  }

  /// ∂L/∂in = ∂L/∂out · s^−β − (2αβ/n) · in · Σ ∂L/∂out · out / s
  ///
  /// - Complexity: As forward; across channels each thread is lent up to 1024·(C + 1) numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved scale: Tensor<Scalar>,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let shape = input.shape
    let formula = LRNFormula<Scalar>(specification, engine: engine)
    require(output, input.count)
    require(outputGradient, input.count)
    require(scale, input.count)
    if let inputGradient { require(inputGradient, input.count) }
    inputGradient.update { gradient in
      input.withMemory { x in
        output.withMemory { y in
          outputGradient.withMemory { dy in
            scale.withMemory { s in
              gradient.withMutableMemory { dx in
                switch specification.region {
                case .acrossChannels: backwardAcross(shape, formula, x, y, dy, s, dx)
                case .withinChannel: backwardWithin(shape, formula, x, y, dy, s, dx)
                }
              }
            }
          }
        }
      }
    }
  }
}

/// The element-wise parts of the formula.
struct LRNFormula<Scalar: TunedScalar> {
  /// How many neighbours a value has on each side: n = 2·reach + 1.
  let reach: Int
  private let beta: Double
  /// Whether powers are taken by `InverseRoot`.
  private let usesInverseRoot: Bool
  private let offset, share, factor: Scalar

  init(_ specification: LRNSpecification, engine: Engine) {
    let n = specification.localSize
    let isAcross = specification.region == .acrossChannels
    let size = Double(isAcross ? n : n * n)
    reach = n / 2
    beta = specification.beta
    usesInverseRoot = beta == 0.75 && engine.uses(.inverseRoot)
    offset = Scalar(isAcross ? specification.k : 1)
    share = Scalar(specification.alpha / size)
    factor = Scalar(2 * specification.alpha * specification.beta / size)
  }

  /// s = k + α/n·energy and out = in·s^−β, for `count` elements.
  @inline(__always)
  func normalise(
    _ x: UnsafePointer<Scalar>, energy: UnsafePointer<Scalar>, scale: UnsafeMutablePointer<Scalar>,
    _ y: UnsafeMutablePointer<Scalar>, _ count: Int
  ) {
    for i in 0..<count { scale[i] = offset + share * energy[i] }
    if usesInverseRoot && InverseRoot.areOrdinary(scale, count) {
      for i in 0..<count { y[i] = x[i] * InverseRoot.minusThreeQuarters(scale[i]) }
    } else {
      let exponent = Scalar(-beta)
      for i in 0..<count { y[i] = x[i] * .pow(scale[i], exponent) }
    }
  }

  /// ratio = ∂L/∂out · out / s, of which the neighbours' sum is taken, for `count` elements.
  @inline(__always)
  func ratio(
    _ dy: UnsafePointer<Scalar>, _ y: UnsafePointer<Scalar>, _ scale: UnsafePointer<Scalar>,
    into ratio: UnsafeMutablePointer<Scalar>, _ count: Int
  ) {
    for i in 0..<count { ratio[i] = dy[i] * y[i] / scale[i] }
  }

  /// ∂L/∂in from the neighbours' sums, for `count` elements.
  @inline(__always)
  func gradient(
    _ dy: UnsafePointer<Scalar>, _ x: UnsafePointer<Scalar>, _ scale: UnsafePointer<Scalar>,
    sums: UnsafePointer<Scalar>, into dx: UnsafeMutablePointer<Scalar>, _ count: Int
  ) {
    if usesInverseRoot && InverseRoot.areOrdinary(scale, count) {
      for i in 0..<count {
        let own = dy[i] * InverseRoot.minusThreeQuarters(scale[i])
        dx[i] = own - factor * x[i] * sums[i]
      }
    } else {
      let exponent = Scalar(-beta)
      for i in 0..<count {
        dx[i] = dy[i] * .pow(scale[i], exponent) - factor * x[i] * sums[i]
      }
    }
  }
}
