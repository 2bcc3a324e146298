import Fast
import Layers
import Tensors

/// The backward pass of an inner product.
///
///     ∂L/∂weights[K×D] = ∂L/∂out[N×K]ᵀ · in[N×D]
///     ∂L/∂in[N×D] = ∂L/∂out[N×K] · weights[K×D]
///
/// Tricks:
/// - For up to 16 images the weights are read once, row by row (`InnerProduct+Few.swift`).
/// - With a ReLU fused, the output's gradient is masked into working memory first: it is small.
extension InnerProduct {
  /// ∂L/∂weights, ∂L/∂bias and, if asked for, ∂L/∂in.
  ///
  /// - Complexity: O(N·K·D) multiply-adds for the weights, and again for the input unless it is
  ///   left out, over the engine's threads. With a ReLU fused, N·K numbers are lent for the masked
  ///   gradient.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let sizes = InnerProductSizes(specification, input: input.shape, outputCount: output.count)
    sizes.require(parameters, input, output)
    require(outputGradient, output.count)
    require(parameterGradients, like: parameters, inputGradient, like: input)
    guard sizes.images > 0 else {
      // The sum over no images.
      if !accumulating {
        for i in parameterGradients.indices { parameterGradients[i].fill(with: 0) }
      }
      return
    }
    parameters[0].withMemory { weights in
      input.withMemory { input in
        output.withMemory { output in
          outputGradient.withMemory { outputGradient in
            inputGradient.withMutableMemory { inputGradient in
              withMutableMemory(ofGradients: &parameterGradients) { weightGradient, biasGradient in
                masked(outputGradient, output, sizes) { upstream in
                  addWeightGradient(weightGradient, upstream, input, sizes, accumulating)
                  if let biasGradient {
                    addBiasGradient(biasGradient, upstream, sizes, accumulating)
                  }
                  if let inputGradient {
                    if areFew(sizes) {
                      setInputGradientOfFew(inputGradient, upstream, weights, sizes)
                    } else {
                      setInputGradient(inputGradient, upstream, weights, sizes)
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  /// The output's gradient, N×K, after going back through the ReLU if there is one: as many numbers as
  /// are lent for it, and as the output has.
  @inline(__always)
  private func masked(
    _ outputGradient: UnsafePointer<Scalar>, _ output: UnsafePointer<Scalar>,
    _ sizes: InnerProductSizes, _ body: (UnsafePointer<Scalar>) -> Void
  ) {
    guard let slope = relu.map({ Scalar($0.negativeSlope) }) else { return body(outputGradient) }
    let count = sizes.images * sizes.outputs
    engine.lend(count, of: Scalar.self) { memory in
      let pieces = Partition(count, partsOfAtMost: Vectors.pieceCount)
      engine.run(pieces.parts) { piece in
        let start = pieces[piece].lowerBound
        (memory + start).backRectify(
          outputGradient + start, signs: output + start, slope: slope, pieces[piece].count)
      }
      body(memory)
    }
  }

  /// ∂L/∂weights in rows of K×D: the parts of a partition, which ends with K.
  @inline(__always)
  private func addWeightGradient(
    _ gradient: UnsafeMutablePointer<Scalar>, _ upstream: UnsafePointer<Scalar>,
    _ input: UnsafePointer<Scalar>, _ sizes: InnerProductSizes, _ accumulating: Bool
  ) {
    let rows = Partition(sizes.outputs, partsOfAtMost: 256)
    engine.run(rows.parts) { piece in
      let k = rows[piece]
      Scalar.gemm(
        rows: k.count, columns: sizes.inputs, inner: sizes.images,
        upstream + k.lowerBound, stride: sizes.outputs, transposed: true,
        input, stride: sizes.inputs, transposed: false,
        into: gradient + k.lowerBound * sizes.inputs, stride: sizes.inputs,
        adding: accumulating, by: engine.productKernel)
    }
  }

  /// ∂L/∂bias[k] = Σ_n ∂L/∂out[n,k], of N rows of K elements.
  @inline(__always)
  private func addBiasGradient(
    _ gradient: UnsafeMutablePointer<Scalar>, _ upstream: UnsafePointer<Scalar>,
    _ sizes: InnerProductSizes, _ accumulating: Bool
  ) {
    if !accumulating { gradient.fill(sizes.outputs, with: 0) }
    for n in 0..<sizes.images {
      gradient.add(upstream + n * sizes.outputs, sizes.outputs)
    }
  }

  /// ∂L/∂in in stripes of N×D: the parts of a partition, which ends with D.
  @inline(__always)
  private func setInputGradient(
    _ gradient: UnsafeMutablePointer<Scalar>, _ upstream: UnsafePointer<Scalar>,
    _ weights: UnsafePointer<Scalar>, _ sizes: InnerProductSizes
  ) {
    let columns = Partition(sizes.inputs, partsOfAtMost: 1024)
    engine.run(columns.parts) { piece in
      let d = columns[piece]
      Scalar.gemm(
        rows: sizes.images, columns: d.count, inner: sizes.outputs,
        upstream, stride: sizes.outputs, transposed: false,
        weights + d.lowerBound, stride: sizes.inputs, transposed: false,
        into: gradient + d.lowerBound, stride: sizes.inputs, adding: false,
        by: engine.productKernel)
    }
  }
}
