import Fast
import Layers
import Tensors

/// The inner product, as one matrix product for the batch.
///
///     out[N×K] = in[N×D] · weights[K×D]ᵀ + bias
///
/// Tricks:
/// - The outputs are cut into fixed blocks, each a single-threaded product: the weights are read
///   once for the whole batch.
/// - A ReLU behind it is applied while the block is in the cache (`ReLUFusing`).
/// - For up to 16 images the weights are not worth rearranging, as a matrix product does: each is
///   read once and multiplied with all images, at the speed of memory (`InnerProduct+Few.swift`).
///
/// Twin: `Sources/Reference/InnerProduct.swift`. Source: Caffe's `inner_product_layer.cpp`.
public struct InnerProduct<Scalar: TunedScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: InnerProductSpecification
  let engine: Engine
  /// The ReLU that is applied to the output, if any.
  var relu: ReLUSpecification?

  /// The fast version of a specification.
  public init(_ specification: InnerProductSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// This inner product followed by a ReLU.
  public func fusing(_ relu: ReLUSpecification) -> Self? {
    guard engine.uses(.fusedReLU), self.relu == nil, relu.inPlaceObstacle == nil else {
      return nil
    }
    var fused = self
    fused.relu = relu
    return fused
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// out = bias + in · weightsᵀ
  ///
  /// - Complexity: O(N·K·D) multiply-adds over the engine's threads. From 4 to 16 images, 16·D
  ///   numbers are lent for the images side by side.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let sizes = InnerProductSizes(specification, input: input.shape, outputCount: output.count)
    sizes.require(parameters, input, output)
    let slope = relu.map { Scalar($0.negativeSlope) }
    withMemory(ofParameters: parameters) { weights, bias in
      input.withMemory { input in
        output.withMutableMemory { output in
          if !areFew(sizes) {
            forwardMany(sizes, input, weights, bias, output, slope)
          } else if sizes.images <= 3 {
            forwardByDotProducts(sizes, input, weights, bias, output, slope)
          } else {
            forwardInLanes(sizes, input, weights, bias, output, slope)
          }
        }
      }
    }
  }

  /// A matrix product for each block of outputs: a part of a partition, which ends with K. The
  /// memory is that of `in` N×D, weights K×D, bias K and out N×K.
  @inline(__always)
  private func forwardMany(
    _ sizes: InnerProductSizes, _ input: UnsafePointer<Scalar>, _ weights: UnsafePointer<Scalar>,
    _ bias: UnsafePointer<Scalar>?, _ output: UnsafeMutablePointer<Scalar>, _ slope: Scalar?
  ) {
    let blocks = Partition(sizes.outputs, partsOfAtMost: 512)
    engine.run(blocks.parts) { piece in
      let (first, count) = (blocks[piece].lowerBound, blocks[piece].count)
      if let bias {
        for n in 0..<sizes.images {
          (output + n * sizes.outputs + first).update(from: bias + first, count: count)
        }
      }
      Scalar.gemm(
        rows: sizes.images, columns: count, inner: sizes.inputs,
        input, stride: sizes.inputs, transposed: false,
        weights + first * sizes.inputs, stride: sizes.inputs, transposed: true,
        into: output + first, stride: sizes.outputs, adding: bias != nil, by: engine.productKernel)
      if let slope {
        for n in 0..<sizes.images {
          let row = output + n * sizes.outputs + first
          row.rectify(row, slope: slope, count)
        }
      }
    }
  }
}

/// The sizes of an inner product.
struct InnerProductSizes {
  /// N, D and K.
  let images, inputs, outputs: Int

  init(_ specification: InnerProductSpecification, input: Shape, outputCount: Int) {
    inputs = specification.inputs(for: input)
    outputs = specification.outputs
    images = outputCount / outputs
  }

  /// Stops the program unless tensors have these sizes.
  func require<Scalar>(
    _ parameters: [Tensor<Scalar>], _ input: Tensor<Scalar>, _ output: Tensor<Scalar>
  ) {
    Tuned.require(input, images * inputs)
    Tuned.require(output, images * outputs)
    Tuned.require(parameters[0], outputs * inputs)
    if parameters.count > 1 { Tuned.require(parameters[1], outputs) }
  }
}
