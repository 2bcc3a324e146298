import Layers
import Tensors

/// The inner product, as one matrix product for the batch.
///
///     out[N×K] = bias + in[N×D] · weights[K×D]ᵀ
///
/// The outputs are cut into fixed blocks, which the threads share, one product a block. For a single
/// image the matrix `in` is a vector, and BLAS has a product of its own for that: it reads each
/// weight once, where the product of two matrices would first copy all weights.
///
/// Twin: `Sources/Reference/InnerProduct.swift`. Source: Caffe's `inner_product_layer.cpp`.
public struct InnerProduct<Scalar: BLASScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: InnerProductSpecification
  private let engine: Engine

  /// Rows or columns of the weights in a block.
  private static var blockSize: Int { 256 }

  /// The fast version of a specification.
  public init(_ specification: InnerProductSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// The product of a matrix and a vector (GEMV) for one image, of two matrices (GEMM) for more.
  ///
  /// - Complexity: O(rank).
  public func algorithm(for input: Shape) -> String? {
    input.dimensions.prefix(specification.axis).reduce(1, *) == 1 ? "GEMV" : "GEMM"
  }

  /// out = bias + in · weightsᵀ
  ///
  /// - Complexity: O(N·K·D) multiply-adds over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let (n, d, k) = sizes(input, parameters, output)
    withMemory(ofParameters: parameters) { weights, bias in
      input.withMemory { x in
        output.withMutableMemory { y in
          engine.run(over: k, atMost: Self.blockSize) { block in
            for image in 0..<n {
              for i in block { y[image * k + i] = bias?[i] ?? 0 }  // ← b
            }
            // w: (block, D), in: (N, D), out: (N, block)
            let w = Matrix(weights + block.lowerBound * d, block.count, d)  // ← w
            // ← out
            let out = Matrix(y + block.lowerBound, n, block.count, stride: k)
            if n == 1 {
              multiply(w, x, into: out.memory, adding: true)  // ← Σ_d, in
            } else {
              multiply(Matrix(x, n, d), w.transposed, into: out, adding: true)  // ← Σ_d, in
            }
          }
        }
      }
    }
  }

  /// ∂L/∂weights[K×D] = ∂L/∂out[N×K]ᵀ · in[N×D]
  /// ∂L/∂bias[k] = Σ_n ∂L/∂out[n,k]
  /// ∂L/∂in[N×D] = ∂L/∂out[N×K] · weights[K×D]
  ///
  /// - Complexity: O(N·K·D) multiply-adds for the weights, and again for the input unless it is
  ///   left out, over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let (n, d, k) = sizes(input, parameters, output)
    require(outputGradient, output.count)
    require(parameterGradients, like: parameters, inputGradient, like: input)
    // The sum over no images.
    if n == 0 && !accumulating {
      for i in parameterGradients.indices { parameterGradients[i].fill(with: 0) }
    }
    withMemory(of: [input, outputGradient, parameters[0]]) { tensors in
      let (x, dy, weights) = (tensors[0], tensors[1], tensors[2])
      withMutableMemory(ofGradients: &parameterGradients) { weightGradient, biasGradient in
        engine.run(over: k, atMost: Self.blockSize) { block in
          // dOut: (N, block), in: (N, D), dWeights: (block, D)
          let dOut = Matrix(dy + block.lowerBound, n, block.count, stride: k)  // ← ∂w ∂L/∂out
          let dWeights = Matrix(weightGradient + block.lowerBound * d, block.count, d)
          // ← ∂w ∂L/∂w, in
          multiply(dOut.transposed, Matrix(x, n, d), into: dWeights, adding: accumulating)
        }
        if let biasGradient {
          if !accumulating { biasGradient.fill(k, with: 0) }
          // ← ∂b ∂L/∂b, ∂L/∂out
          for image in 0..<n { biasGradient.add(dy + image * k, k) }
        }
      }
      inputGradient.withMutableMemory { dx in
        guard let dx else { return }
        engine.run(over: d, atMost: Self.blockSize) { block in
          // w: (K, block), dOut: (N, K), dIn: (N, block)
          let w = Matrix(weights + block.lowerBound, k, block.count, stride: d)  // ← ∂in w
          let dIn = Matrix(dx + block.lowerBound, n, block.count, stride: d)
          if n == 1 {
            multiply(w.transposed, dy, into: dIn.memory)  // ← ∂in ∂L/∂in, Σ_k, ∂L/∂out
          } else {
            multiply(Matrix(dy, n, k), w, into: dIn)  // ← ∂in ∂L/∂in, Σ_k, ∂L/∂out
          }
        }
      }
    }
  }

  /// N, D and K. Stops the program unless the tensors have these sizes.
  private func sizes(
    _ input: Tensor<Scalar>, _ parameters: [Tensor<Scalar>], _ output: Tensor<Scalar>
  ) -> (n: Int, d: Int, k: Int) {
    let (d, k) = (specification.inputs(for: input.shape), specification.outputs)
    let n = output.count / k
    require(input, n * d)
    require(output, n * k)
    require(parameters[0], k * d)
    if parameters.count > 1 { require(parameters[1], k) }
    return (n, d, k)
  }
}
