import Layers
import RealModule
import Tensors

/// Local response normalisation.
///
/// Across channels, with the sum over the n channels around c that exist:
///
///     s[c] = k + α/n · Σ in[c']²        out[c] = in[c] · s[c]^−β
///
/// Within a channel, with the sum over the n×n positions around (y, x), zeros beyond the border:
///
///     s = 1 + α/n² · Σ in²              out = in · s^−β
///
/// Twin: `Sources/Fast/LRN.swift`. Source: Krizhevsky et al. 2012, section 3.3, in the convention
/// of Caffe's `lrn_layer.cpp`.
public struct LRN<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: LRNSpecification

  /// The naive version of a specification.
  public init(_ specification: LRNSpecification) {
    self.specification = specification
  }

  /// Memory for s, shaped like the input.
  ///
  /// - Complexity: O(count), allocating a tensor of the input's size.
  public func makeSaved(for input: Shape) throws(LayerError) -> Tensor<Scalar> {
    Tensor(try specification.outputShape(for: input))
  }

  /// The formulas above; keeps s.
  ///
  /// - Complexity: O(count·n) multiply-adds across channels, O(count·n²) within one; count powers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved scale: inout Tensor<Scalar>
  ) {
    let neighbours = Neighbourhood(specification, input.shape)
    let offset = Scalar(specification.region == .acrossChannels ? specification.k : 1)
    let share = Scalar(specification.alpha / Double(neighbours.size))
    let exponent = Scalar(-specification.beta)
    var position = 0
    for n in 0..<neighbours.images {
      for c in 0..<neighbours.channels {
        for y in 0..<neighbours.height {
          for x in 0..<neighbours.width {
            var energy: Scalar = 0
            for c2 in neighbours.channels(around: c) {  // ← Σ_c', Σ_i
              for y2 in neighbours.rows(around: y) {
                for x2 in neighbours.columns(around: x) {
                  let value = input[neighbours.position(n, c2, y2, x2)]
                  energy += value * value
                }
              }
            }
            scale[position] = offset + share * energy  // ← s
            output[position] = input[position] * .pow(scale[position], exponent)  // ← out, in
            position += 1
          }
        }
      }
    }
  }

  /// A value matters to its own output and, through s, to those of its neighbours:
  ///
  ///     ∂L/∂in[i] = ∂L/∂out[i] · s[i]^−β − (2αβ/n) · in[i] · Σ_j ∂L/∂out[j] · out[j] / s[j]
  ///
  /// with j over the neighbours of i, which are those that i is a neighbour of; n² for n within a
  /// channel.
  ///
  /// - Complexity: O(count·n) divisions across channels, O(count·n²) within one; count powers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved scale: Tensor<Scalar>,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let neighbours = Neighbourhood(specification, input.shape)
    let factor = Scalar(
      2 * specification.alpha * specification.beta / Double(neighbours.size))
    let exponent = Scalar(-specification.beta)
    inputGradient.update { gradient in
      var position = 0
      for n in 0..<neighbours.images {
        for c in 0..<neighbours.channels {
          for y in 0..<neighbours.height {
            for x in 0..<neighbours.width {
              var sum: Scalar = 0
              for c2 in neighbours.channels(around: c) {  // ← ∂in Σ_c', Σ_i
                for y2 in neighbours.rows(around: y) {
                  for x2 in neighbours.columns(around: x) {
                    let j = neighbours.position(n, c2, y2, x2)
                    sum += outputGradient[j] * output[j] / scale[j]  // ← ∂in out
                  }
                }
              }
              // ← ∂in ∂L/∂out, s
              let own = outputGradient[position] * .pow(scale[position], exponent)
              // ← ∂in ∂L/∂in, in
              gradient[position] = own - factor * input[position] * sum
              position += 1
            }
          }
        }
      }
    }
  }
}

/// The values around a value: of n channels at its position, or of n×n positions in its channel.
private struct Neighbourhood {
  let images, channels, height, width: Int
  let channelReach, spatialReach: Int
  /// The number of values in a whole neighbourhood, n or n².
  let size: Int

  init(_ specification: LRNSpecification, _ shape: Shape) {
    (images, channels) = (shape.images, shape.channels)
    (height, width) = (shape.height, shape.width)
    let n = specification.localSize
    switch specification.region {
    case .acrossChannels: (channelReach, spatialReach, size) = (n / 2, 0, n)
    case .withinChannel: (channelReach, spatialReach, size) = (0, n / 2, n * n)
    }
  }

  func channels(around c: Int) -> Range<Int> { around(c, channelReach, channels) }
  func rows(around y: Int) -> Range<Int> { around(y, spatialReach, height) }
  func columns(around x: Int) -> Range<Int> { around(x, spatialReach, width) }

  func position(_ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Int {
    ((n * channels + c) * height + y) * width + x
  }

  private func around(_ centre: Int, _ reach: Int, _ count: Int) -> Range<Int> {
    max(centre - reach, 0)..<min(centre + reach + 1, count)
  }
}
