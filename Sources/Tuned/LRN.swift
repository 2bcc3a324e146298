import Fast
import Layers
import Tensors

/// Local response normalisation across channels for β = ¾, whose power is computed in vectors.
///
///     s = k + α/n · Σ in²,   out = in · s^−¾
///
/// Every window is summed directly. A running sum that adds one end and subtracts the other would be
/// cheaper, but it drifts.
///
/// Twin: `Sources/Reference/LRN.swift`.
public struct LRN: SingleInputLayer {
  /// What describes this layer.
  public let specification: LRNSpecification
  private let engine: Engine
  private let fallback: Fast.LRN<Float>

  /// The tuned version of a specification.
  public init(_ specification: LRNSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
    fallback = Fast.LRN(specification, engine: engine)
  }

  /// Whether the power is −¾, and the window lies across channels.
  var isPlanned: Bool { specification.beta == 0.75 && specification.region == .acrossChannels }

  /// `x^−¾ by Newton's method`, or `= fast`.
  public func algorithm(for input: Shape) -> String? {
    isPlanned ? "x^−¾ by Newton's method" : "= fast"
  }

  /// Memory for s, shaped like the input.
  ///
  /// - Complexity: O(count), allocating a tensor of the input's size.
  public func makeSaved(for input: Shape) throws(LayerError) -> Tensor<Float> {
    try fallback.makeSaved(for: input)
  }

  /// The formulas above; keeps s.
  ///
  /// - Complexity: O(count·n) additions over the engine's threads, each lent up to 1024 numbers.
  public func forward(
    _ input: Tensor<Float>, parameters: [Tensor<Float>], context: inout RunContext,
    output: inout Tensor<Float>, saved scale: inout Tensor<Float>
  ) {
    guard isPlanned else {
      return fallback.forward(
        input, parameters: parameters, context: &context, output: &output, saved: &scale)
    }
    let work = Work(specification, input.shape)
    require(output, input.count)
    require(scale, input.count)
    input.withMemory { x in
      output.withMutableMemory { y in
        scale.withMutableMemory { s in
          engine.run(work.pieces, scratch: work.stretches.largest, of: Float.self) {
            work.forward(piece: $0, x, y, s, energy: $1)
          }
        }
      }
    }
  }

  /// ∂L/∂in = ∂L/∂out · s^−¾ − (2αβ/n) · in · Σ ∂L/∂out · out / s
  ///
  /// - Complexity: As forward; each thread is lent up to 1024·(C + 1) numbers.
  public func backward(
    outputGradient: Tensor<Float>, input: Tensor<Float>, output: Tensor<Float>,
    parameters: [Tensor<Float>], saved scale: Tensor<Float>,
    inputGradient: inout Tensor<Float>?, parameterGradients: inout [Tensor<Float>],
    accumulating: Bool
  ) {
    guard isPlanned else {
      return fallback.backward(
        outputGradient: outputGradient, input: input, output: output, parameters: parameters,
        saved: scale, inputGradient: &inputGradient, parameterGradients: &parameterGradients,
        accumulating: accumulating)
    }
    let work = Work(specification, input.shape)
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
                let scratch = (work.channels + 1) * work.stretches.largest
                engine.run(work.pieces, scratch: scratch, of: Float.self) {
                  work.backward(piece: $0, x, y, dy, s, dx, ratios: $1)
                }
              }
            }
          }
        }
      }
    }
  }

  /// A piece is a stretch of positions of an image in all channels: working memory doesn't grow with
  /// the image, and an image alone is work for several threads. All tensors are (N, C, H·W).
  private struct Work {
    let channels, plane, pieces: Int
    let stretches: Partition
    /// How many neighbours a value has on each side: n = 2·reach + 1.
    let reach: Int
    let offset, share, factor: Float

    init(_ specification: LRNSpecification, _ shape: Shape) {
      (channels, plane) = (shape.channels, shape.spatialCount)
      stretches = Partition(plane, partsOfAtMost: 1024)
      pieces = shape.images * stretches.parts
      reach = specification.localSize / 2
      let size = Double(specification.localSize)
      offset = Float(specification.k)
      share = Float(specification.alpha / size)
      factor = Float(2 * specification.alpha * 0.75 / size)
    }

    /// Where a piece begins, and its positions.
    private func stretch(_ piece: Int) -> (start: Int, count: Int) {
      let range = stretches[piece % stretches.parts]
      return (piece / stretches.parts * channels * plane + range.lowerBound, range.count)
    }

    /// The channels around one.
    private func window(_ c: Int) -> Range<Int> {
      max(c - reach, 0)..<min(c + reach + 1, channels)
    }

    func forward(
      piece: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
      _ scale: UnsafeMutablePointer<Float>, energy: UnsafeMutablePointer<Float>
    ) {
      let (start, count) = stretch(piece)
      for c in 0..<channels {
        energy.fill(count, with: 0)
        for row in window(c) {
          let x = x + start + row * plane
          // ← Σ_c'
          for i in 0..<count { energy[i] += x[i] * x[i] }
        }
        let (x, y, scale) = (
          x + start + c * plane, y + start + c * plane, scale + start + c * plane
        )
        // ← s
        for i in 0..<count { scale[i] = offset + share * energy[i] }
        if areOrdinary(scale, count) {
          // ← out, in
          for i in 0..<count { y[i] = x[i] * powMinusThreeQuarters(scale[i]) }
        } else {
          for i in 0..<count { y[i] = x[i] * .pow(scale[i], -0.75) }
        }
      }
    }

    /// ratios: (C + 1, count), the last row for a sum
    func backward(
      piece: Int, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
      _ dy: UnsafePointer<Float>, _ scale: UnsafePointer<Float>,
      _ dx: UnsafeMutablePointer<Float>, ratios: UnsafeMutablePointer<Float>
    ) {
      let (start, count) = stretch(piece)
      let sums = ratios + channels * count
      for c in 0..<channels {
        let (ratio, first) = (ratios + c * count, start + c * plane)
        let (dy, y, scale) = (dy + first, y + first, scale + first)
        // ← ∂in out
        for i in 0..<count { ratio[i] = dy[i] * y[i] / scale[i] }
      }
      for c in 0..<channels {
        sums.fill(count, with: 0)
        // ← ∂in Σ_c'
        for row in window(c) { sums.add(ratios + row * count, count) }
        let first = start + c * plane
        let (x, dy, scale, dx) = (x + first, dy + first, scale + first, dx + first)
        if areOrdinary(scale, count) {
          for i in 0..<count {
            // ← ∂in ∂L/∂out, s
            let own = dy[i] * powMinusThreeQuarters(scale[i])
            // ← ∂in ∂L/∂in, in
            dx[i] = own - factor * x[i] * sums[i]
          }
        } else {
          for i in 0..<count { dx[i] = dy[i] * .pow(scale[i], -0.75) - factor * x[i] * sums[i] }
        }
      }
    }
  }
}
