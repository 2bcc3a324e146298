import Layers
import Tensors

/// Convolution as matrix products (im2col).
///
///     out[K/G × H'W'] = weights[K/G × depth] · columns[depth × H'W'] + bias
///
/// Tricks:
/// - Blocks of images or rows run in parallel, each a single-threaded product.
/// - The output starts as the bias and the product is added to it: OpenBLAS would write zeros first
///   otherwise, so the bias costs nothing.
/// - Small images share a product (`ColumnBlocks`); bias and ReLU then ride on the copy from the
///   product to the images.
/// - A single small image is cut by kernels instead, over columns that are built once.
/// - A ReLU behind it is applied while the block is in the cache (`ReLUFusing`).
///
/// Twin: `Sources/Reference/Convolution.swift`. Source: Caffe's `base_conv_layer.cpp`.
public struct Convolution<Scalar: FastScalar>: ReLUFusing {
  /// What describes this layer.
  public let specification: ConvolutionSpecification
  let engine: Engine
  /// The ReLU that is applied to the output, if any.
  var relu: ReLUSpecification?

  /// The fast version of a specification.
  public init(_ specification: ConvolutionSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// This convolution followed by a ReLU.
  public func fusing(_ relu: ReLUSpecification) -> Self? {
    guard self.relu == nil, relu.inPlaceObstacle == nil else { return nil }
    var fused = self
    fused.relu = relu
    return fused
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// out = bias + weights · columns(in)
  ///
  /// - Complexity: O(N·K·C/G·I·J·H'·W') multiply-adds for kernels of I×J and H'×W' output
  ///   positions, those of the padding included, over the engine's threads. Each thread is lent
  ///   (C/G·I·J + K/G)·B numbers, where B is about 512 columns, or a whole output row if that is
  ///   longer, and with a stride along x the input rows of the block as well; one small image by
  ///   itself is lent C·I·J·H'·W' for all threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let geometry = ConvolutionGeometry(specification, input: input.shape, output: output.shape)
    withMemory(ofParameters: parameters) { weights, bias in
      input.withMemory { input in
        output.withMutableMemory { output in
          let pass = ForwardPass(
            geometry: geometry, engine: engine, input: input, weights: weights, bias: bias,
            output: output, slope: relu.map { Scalar($0.negativeSlope) })
          pass.run()
        }
      }
    }
  }
}

/// The pointers of a forward pass, each to memory of the size that the geometry gives it.
private struct ForwardPass<Scalar: FastScalar> {
  let geometry: ConvolutionGeometry
  let engine: Engine
  let input, weights: UnsafePointer<Scalar>
  let bias: UnsafePointer<Scalar>?
  let output: UnsafeMutablePointer<Scalar>
  /// The negative slope of a ReLU to apply.
  let slope: Scalar?

  /// Columns of a product: with fewer, rearranging the kernels costs more; with more, the columns
  /// fall out of the second-level cache. From 384 to 640 the times lie within 3 %.
  private static var columnsAtOnce: Int { 512 }
  /// Fewer pieces than this would leave threads idle.
  private static var leastPieces: Int { 4 }

  @inline(__always)
  func run() {
    let blocks = ColumnBlocks(
      geometry, images: geometry.images, columns: Self.columnsAtOnce,
      atLeast: Self.leastPieces / geometry.groups)
    if blocks.count * geometry.groups >= Self.leastPieces {
      runBlocks(blocks)
    } else {
      for image in 0..<geometry.images { runKernels(image: image) }
    }
  }

  /// Each block of each group is a piece.
  @inline(__always)
  private func runBlocks(_ blocks: ColumnBlocks) {
    let (depth, kernels) = (geometry.depth, geometry.groupKernels)
    let product = (geometry.isPointwise ? 0 : depth + kernels) * blocks.capacity
    let scratch = product + geometry.splitCount(rows: blocks.largestRows)
    engine.run(blocks.count * geometry.groups, scratch: scratch, of: Scalar.self) { piece, memory in
      let block = blocks[piece / geometry.groups]
      let group = piece % geometry.groups
      let width = block.rows.count * geometry.outputWidth
      let stride = block.images.count * width
      if !geometry.isPointwise {
        for (i, image) in block.images.enumerated() {
          geometry.fillColumns(
            memory + i * width, stride: stride,
            from: input + geometry.inputOffset(image: image, group: group),
            channels: geometry.groupChannels, rows: block.rows, split: memory + product)
        }
      }
      if block.images.count == 1 {
        let first = block.rows.lowerBound * geometry.outputWidth
        let columns =
          geometry.isPointwise
          ? input + geometry.inputOffset(image: block.images.lowerBound, group: group) + first
          : UnsafePointer(memory)
        multiply(
          image: block.images.lowerBound, group: group, kernels: 0..<kernels,
          columns, stride: geometry.isPointwise ? geometry.positions : stride,
          positions: first..<first + width)
      } else {
        // Behind the columns, `depth` rows of at most `capacity`, lies the product.
        multiplyTogether(block, group, memory, product: memory + depth * stride)
      }
    }
  }

  /// The columns are built first, each channel a piece; then blocks of kernels are pieces.
  @inline(__always)
  private func runKernels(image: Int) {
    let positions = geometry.positions
    let depth = geometry.depth
    engine.lend(geometry.channels * geometry.taps * positions, of: Scalar.self) { columns in
      if !geometry.isPointwise {
        let channels = Partition(geometry.channels, parts: 4 * Self.leastPieces)
        let scratch = geometry.splitCount(rows: geometry.outputHeight)
        engine.run(channels.parts, scratch: scratch, of: Scalar.self) { piece, split in
          let range = channels[piece]
          geometry.fillColumns(
            columns + range.lowerBound * geometry.taps * positions, stride: positions,
            from: input + geometry.inputOffset(image: image, group: 0)
              + range.lowerBound * geometry.plane,
            channels: range.count, rows: 0..<geometry.outputHeight, split: split)
        }
      }
      let parts = (Self.leastPieces + geometry.groups - 1) / geometry.groups
      let kernels = Partition(geometry.groupKernels, parts: parts)
      engine.run(kernels.parts * geometry.groups) { piece in
        let group = piece / kernels.parts
        let source =
          geometry.isPointwise
          ? input + geometry.inputOffset(image: image, group: group)
          : UnsafePointer(columns) + group * depth * positions
        multiply(
          image: image, group: group, kernels: kernels[piece % kernels.parts], source,
          stride: positions, positions: 0..<positions)
      }
    }
  }

  /// Writes some kernels' output at some positions of one image.
  ///
  /// Reads `depth` rows of `positions.count` columns, `stride` apart, and the kernels' weights, K/G
  /// × depth of which belong to the group; writes within the group's K/G planes of the image.
  @inline(__always)
  private func multiply(
    image: Int, group: Int, kernels: Range<Int>, _ columns: UnsafePointer<Scalar>, stride: Int,
    positions: Range<Int>
  ) {
    let target =
      output + geometry.outputOffset(image: image, group: group)
      + kernels.lowerBound * geometry.positions + positions.lowerBound
    let firstKernel = group * geometry.groupKernels + kernels.lowerBound
    if let bias {
      for k in 0..<kernels.count {
        (target + k * geometry.positions).fill(positions.count, with: bias[firstKernel + k])
      }
    }
    Scalar.gemm(
      rows: kernels.count, columns: positions.count, inner: geometry.depth,
      weights + firstKernel * geometry.depth, stride: geometry.depth, transposed: false,
      columns, stride: stride, transposed: false,
      into: target, stride: geometry.positions, adding: bias != nil)
    if let slope {
      for k in 0..<kernels.count {
        let row = target + k * geometry.positions
        row.rectify(row, slope: slope, positions.count)
      }
    }
  }

  /// Multiplies with the columns of several images, then hands each its own.
  ///
  /// Columns are `depth` rows, and the product is K/G rows, of as many elements as the images of
  /// the block have positions: at most `capacity` a row, for which `scratch` has room.
  @inline(__always)
  private func multiplyTogether(
    _ block: ColumnBlock, _ group: Int, _ columns: UnsafePointer<Scalar>,
    product: UnsafeMutablePointer<Scalar>
  ) {
    let positions = geometry.positions
    let stride = block.images.count * positions
    Scalar.gemm(
      rows: geometry.groupKernels, columns: stride, inner: geometry.depth,
      weights + group * geometry.groupKernels * geometry.depth, stride: geometry.depth,
      transposed: false, columns, stride: stride, transposed: false,
      into: product, stride: stride, adding: false)
    for (i, image) in block.images.enumerated() {
      for k in 0..<geometry.groupKernels {
        let source = product + k * stride + i * positions
        let target = output + geometry.outputOffset(image: image, group: group) + k * positions
        target.set(source, plus: bias?[group * geometry.groupKernels + k] ?? 0, positions)
        if let slope { target.rectify(target, slope: slope, positions) }
      }
    }
  }
}
