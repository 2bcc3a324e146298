import Layers
import Tensors

/// The inner product, as one matrix product for the batch.
///
///     out[N×K] = in[N×D] · weights[K×D]ᵀ + bias
///
/// Tricks:
/// - The outputs are cut into fixed blocks, each a single-threaded product: the weights are read
///   once for the whole batch.
/// - The output starts as the bias, and a fused ReLU follows while the block is in the cache.
/// - For a few images the weights are not worth rearranging, as a matrix product does: each row is
///   read once and multiplied with every image, at the speed of memory.
///
/// Twin: `Sources/Reference/InnerProduct.swift`. Source: Caffe's `inner_product_layer.cpp`.
public struct InnerProduct<Scalar: FastScalar>: ReLUFusing {
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
    guard self.relu == nil, relu.inPlaceObstacle == nil else { return nil }
    var fused = self
    fused.relu = relu
    return fused
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// out = bias + in · weightsᵀ
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let sizes = InnerProductSizes(specification, input: input.shape, outputCount: output.count)
    let slope = relu.map { Scalar($0.negativeSlope) }
    withMemory(ofParameters: parameters) { weights, bias in
      input.withMemory { input in
        output.withMutableMemory { output in
          let few = sizes.images <= InnerProductSizes.fewImages
          let blocks = Partition(sizes.outputs, partsOfAtMost: few ? 64 : 256)
          engine.run(blocks.parts) { piece in
            let range = blocks[piece]
            if few {
              dotProducts(sizes, input, weights, range, output)
            }
            for n in 0..<sizes.images {
              let row = output + n * sizes.outputs + range.lowerBound
              if few {
                if let bias { row.add(bias + range.lowerBound, range.count) }
              } else if let bias {
                row.update(from: bias + range.lowerBound, count: range.count)
              }
            }
            if !few {
              Scalar.gemm(
                rows: sizes.images, columns: range.count, inner: sizes.inputs,
                input, stride: sizes.inputs, transposed: false,
                weights + range.lowerBound * sizes.inputs, stride: sizes.inputs, transposed: true,
                into: output + range.lowerBound, stride: sizes.outputs, adding: bias != nil)
            }
            if let slope {
              for n in 0..<sizes.images {
                let row = output + n * sizes.outputs + range.lowerBound
                row.rectify(row, slope: slope, range.count)
              }
            }
          }
        }
      }
    }
  }

  /// out[n,k] = Σ_d w[k,d] · in[n,d] for some k, one row of weights after the other.
  @inline(__always)
  private func dotProducts(
    _ sizes: InnerProductSizes, _ input: UnsafePointer<Scalar>, _ weights: UnsafePointer<Scalar>,
    _ range: Range<Int>, _ output: UnsafeMutablePointer<Scalar>
  ) {
    for k in range {
      // Row k of the weights and row n of the input hold `inputs` numbers each.
      let row = weights + k * sizes.inputs
      for n in 0..<sizes.images {
        output[n * sizes.outputs + k] = row.dot(input + n * sizes.inputs, sizes.inputs)
      }
    }
  }
}

/// The sizes of an inner product.
struct InnerProductSizes {
  /// Up to how many images a matrix product isn't worth its preparations.
  static let fewImages = 4

  /// N, D and K.
  let images, inputs, outputs: Int

  init(_ specification: InnerProductSpecification, input: Shape, outputCount: Int) {
    inputs = specification.inputs(for: input)
    outputs = specification.outputs
    images = outputCount / outputs
  }
}
