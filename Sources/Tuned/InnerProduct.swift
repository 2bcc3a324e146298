import Fast
import Layers
import Tensors

/// The inner product, for few images at the speed of memory and for many as a matrix product.
///
///     out[N×K] = in[N×D] · weights[K×D]ᵀ + bias
///
/// Twin: `Sources/Reference/InnerProduct.swift`.
public struct InnerProduct: SingleInputLayer {
  /// What describes this layer.
  public let specification: InnerProductSpecification
  let engine: Engine
  private let fallback: Fast.InnerProduct<Float>

  /// The tuned version of a specification.
  public init(_ specification: InnerProductSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
    fallback = Fast.InnerProduct(specification, engine: engine)
  }

  /// How a number of images is multiplied with the weights.
  ///
  /// Of up to 16 images the weights aren't worth packing, as a matrix product does: each is read once, in
  /// the order in which it lies in memory, and multiplied with all images.
  enum Plan: String {
    /// Up to 3 images, each with four rows of weights at a time.
    case dotProducts = "dot products, 4 rows"
    /// Up to 16 images side by side in a vector.
    case lanes = "16 images in a vector"
    /// More images.
    case gemm = "GEMM, packed"

    /// `nil` without images, and in a build without the instructions for it.
    init?(images: Int) {
      guard Tile.isSupported, images > 0 else { return nil }
      self = images <= 3 ? .dotProducts : images <= InnerProduct.lanes ? .lanes : .gemm
    }
  }

  /// The plan's name, or `= fast`.
  ///
  /// - Complexity: O(rank).
  public func algorithm(for input: Shape) -> String? {
    guard let output = try? specification.outputShape(for: input) else { return nil }
    return Plan(images: output.count / specification.outputs)?.rawValue ?? "= fast"
  }

  /// out = bias + in · weightsᵀ
  ///
  /// - Complexity: O(N·K·D) multiply-adds over the engine's threads. From 4 to 16 images, 16·D
  ///   numbers are lent for the images side by side.
  public func forward(
    _ input: Tensor<Float>, parameters: [Tensor<Float>], context: inout RunContext,
    output: inout Tensor<Float>, saved: inout NothingSaved
  ) {
    let sizes = Sizes(specification, input: input.shape, outputCount: output.count)
    guard let plan = Plan(images: sizes.images) else {
      return fallback.forward(
        input, parameters: parameters, context: &context, output: &output, saved: &saved)
    }
    sizes.require(parameters, input, output)
    withMemory(ofParameters: parameters) { weights, bias in
      input.withMemory { input in
        output.withMutableMemory { output in
          switch plan {
          case .dotProducts: forwardByDotProducts(sizes, input, weights, bias, output)
          case .lanes: forwardInLanes(sizes, input, weights, bias, output)
          case .gemm: forwardByGEMM(sizes, input, weights, bias, output)
          }
        }
      }
    }
  }

  /// A matrix product for each block of outputs.
  ///
  /// input (N, D), weights (K, D), bias (K), output (N, K)
  private func forwardByGEMM(
    _ sizes: Sizes, _ input: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ bias: UnsafePointer<Float>?, _ output: UnsafeMutablePointer<Float>
  ) {
    let blocks = Partition(sizes.outputs, partsOfAtMost: 512)
    engine.run(blocks.parts) { piece in
      let (first, count) = (blocks[piece].lowerBound, blocks[piece].count)
      if let bias {
        for n in 0..<sizes.images {
          (output + n * sizes.outputs + first).update(from: bias + first, count: count)
        }
      }
      GEMM.multiply(
        Matrix(input, sizes.images, sizes.inputs),
        Matrix(weights + first * sizes.inputs, count, sizes.inputs).transposed,
        into: Matrix(output + first, sizes.images, count, stride: sizes.outputs),
        adding: bias != nil)
    }
  }

  /// ∂L/∂weights, ∂L/∂bias and, if asked for, ∂L/∂in.
  ///
  ///     ∂L/∂weights[K×D] = ∂L/∂out[N×K]ᵀ · in[N×D]
  ///     ∂L/∂in[N×D] = ∂L/∂out[N×K] · weights[K×D]
  ///
  /// - Complexity: O(N·K·D) multiply-adds for the weights, and again for the input unless it is left
  ///   out, over the engine's threads.
  public func backward(
    outputGradient: Tensor<Float>, input: Tensor<Float>, output: Tensor<Float>,
    parameters: [Tensor<Float>], saved: NothingSaved,
    inputGradient: inout Tensor<Float>?, parameterGradients: inout [Tensor<Float>],
    accumulating: Bool
  ) {
    let sizes = Sizes(specification, input: input.shape, outputCount: output.count)
    guard let plan = Plan(images: sizes.images) else {
      return fallback.backward(
        outputGradient: outputGradient, input: input, output: output, parameters: parameters,
        saved: saved, inputGradient: &inputGradient, parameterGradients: &parameterGradients,
        accumulating: accumulating)
    }
    sizes.require(parameters, input, output)
    require(outputGradient, output.count)
    require(parameterGradients, like: parameters, inputGradient, like: input)
    parameters[0].withMemory { weights in
      input.withMemory { input in
        outputGradient.withMemory { upstream in
          inputGradient.withMutableMemory { inputGradient in
            withMutableMemory(ofGradients: &parameterGradients) { weightGradient, biasGradient in
              addWeightGradient(weightGradient, upstream, input, sizes, accumulating)
              if let biasGradient {
                if !accumulating { biasGradient.fill(sizes.outputs, with: 0) }
                for n in 0..<sizes.images {
                  // ← ∂b ∂L/∂b, ∂L/∂out
                  biasGradient.add(upstream + n * sizes.outputs, sizes.outputs)
                }
              }
              if let inputGradient {
                if plan == .gemm {
                  setInputGradient(inputGradient, upstream, weights, sizes)
                } else {
                  setInputGradientOfSmallBatch(inputGradient, upstream, weights, sizes)
                }
              }
            }
          }
        }
      }
    }
  }

  /// ∂L/∂weights in blocks of rows: gradient (K, D), upstream (N, K), input (N, D)
  private func addWeightGradient(
    _ gradient: UnsafeMutablePointer<Float>, _ upstream: UnsafePointer<Float>,
    _ input: UnsafePointer<Float>, _ sizes: Sizes, _ accumulating: Bool
  ) {
    let rows = Partition(sizes.outputs, partsOfAtMost: 256)
    engine.run(rows.parts) { piece in
      let (first, count) = (rows[piece].lowerBound, rows[piece].count)
      // ← ∂w ∂L/∂w, ∂L/∂out, in
      GEMM.multiply(
        Matrix(upstream + first, sizes.images, count, stride: sizes.outputs).transposed,
        Matrix(input, sizes.images, sizes.inputs),
        into: Matrix(gradient + first * sizes.inputs, count, sizes.inputs), adding: accumulating)
    }
  }

  /// ∂L/∂in in blocks of columns: gradient (N, D), upstream (N, K), weights (K, D)
  private func setInputGradient(
    _ gradient: UnsafeMutablePointer<Float>, _ upstream: UnsafePointer<Float>,
    _ weights: UnsafePointer<Float>, _ sizes: Sizes
  ) {
    let columns = Partition(sizes.inputs, partsOfAtMost: 1024)
    engine.run(columns.parts) { piece in
      let (first, count) = (columns[piece].lowerBound, columns[piece].count)
      GEMM.multiply(
        Matrix(upstream, sizes.images, sizes.outputs),
        Matrix(weights + first, sizes.outputs, count, stride: sizes.inputs),
        into: Matrix(gradient + first, sizes.images, count, stride: sizes.inputs))
    }
  }

  /// N, D and K.
  struct Sizes {
    let images, inputs, outputs: Int

    init(_ specification: InnerProductSpecification, input: Shape, outputCount: Int) {
      inputs = specification.inputs(for: input)
      outputs = specification.outputs
      images = outputCount / outputs
    }

    /// Stops the program unless tensors have these sizes.
    func require(_ parameters: [Tensor<Float>], _ input: Tensor<Float>, _ output: Tensor<Float>) {
      Fast.require(input, images * inputs)
      Fast.require(output, images * outputs)
      Fast.require(parameters[0], outputs * inputs)
      if parameters.count > 1 { Fast.require(parameters[1], outputs) }
    }
  }
}
