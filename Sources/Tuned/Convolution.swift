import Fast
import Layers
import Tensors

/// Convolution as matrix products (im2col).
///
///     out[K/G × H'W'] = weights[K/G × depth] · columns[depth × H'W'] + bias
///
/// For `Float`s, several images and enough kernels there is a faster way (`ChannelsLast`) in builds
/// that have a product of our own.
///
/// Tricks:
/// - Blocks of images or rows run in parallel, each a single-threaded product.
/// - Small images share a product (`ColumnBlocks`); bias and ReLU then ride on the copy from the
///   product to the images.
/// - A single small image is cut by kernels instead, over columns that are built once.
/// - A ReLU behind it is applied while the block is in the cache (`ReLUFusing`).
///
/// As in Caffe, the padding's zeros are columns' numbers like others, and 0 times infinity or NaN is
/// NaN. So a weight that isn't finite makes the output NaN wherever it lies in the padding, and an
/// upstream gradient that isn't finite does so to the gradients of the weights that lie there. The
/// twin leaves these terms out, as `ChannelsLast` does; for finite numbers it makes no difference.
///
/// Twin: `Sources/Reference/Convolution.swift`. Source: Caffe's `base_conv_layer.cpp`.
public struct Convolution<Scalar: TunedScalar>: SingleInputLayer {
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
    guard engine.uses(.fusedReLU), self.relu == nil, relu.inPlaceObstacle == nil else {
      return nil
    }
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
  ///   itself is lent C·I·J·H'·W' for all threads. With the channels last (`ChannelsLast`), the
  ///   padding costs nothing; all threads share K·C/G·I·J numbers, and each is lent what 8 images'
  ///   rows hold, about 2^19 numbers of the output and what they look at.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let geometry = ConvolutionGeometry(
      specification, input: input.shape, output: output.shape, engine: engine)
    geometry.require(parameters, output)
    withMemory(ofParameters: parameters) { weights, bias in
      input.withMemory { input in
        output.withMutableMemory { output in
          let slope = relu.map { Scalar($0.negativeSlope) }
          if let layer = ChannelsLastConvolution(
            geometry, slope: slope, engine: engine, backward: false)
          {
            ChannelsLastForward(
              layer: layer, input: input.floats, weights: weights.floats, bias: bias?.floats,
              output: output.floats
            ).run()
            return
          }
          let pass = ForwardPass(
            geometry: geometry, engine: engine, input: input, weights: weights, bias: bias,
            output: output, slope: slope)
          pass.run()
        }
      }
    }
  }
}

/// The pointers of a forward pass, each to memory of the size that the geometry gives it.
private struct ForwardPass<Scalar: TunedScalar> {
  let geometry: ConvolutionGeometry
  let engine: Engine
  let input, weights: UnsafePointer<Scalar>
  let bias: UnsafePointer<Scalar>?
  let output: UnsafeMutablePointer<Scalar>
  /// The negative slope of a ReLU to apply.
  let slope: Scalar?

  /// Columns of a product: many, so that rearranging the kernels pays; and the rows that are built
  /// of them before they are multiplied, few enough to stay in the second-level cache.
  private static var columnsAtOnce: Int { 512 }
  private static var rowsAtOnce: Int { 256 }
  /// Fewer pieces than this would leave threads idle.
  private static var leastPieces: Int { 4 }

  @inline(__always)
  func run() {
    let blocks = ColumnBlocks(
      geometry, images: geometry.images, columns: Self.columnsAtOnce,
      atLeast: Self.leastPieces / geometry.groups)
    if blocks.count * geometry.groups >= Self.leastPieces || !engine.uses(.kernelPieces) {
      runBlocks(blocks)
    } else {
      for image in 0..<geometry.images { runKernels(image: image) }
    }
  }

  /// Each block of each group is a piece.
  @inline(__always)
  private func runBlocks(_ blocks: ColumnBlocks) {
    let kernels = geometry.groupKernels
    let slices = Partition(
      geometry.groupChannels, partsOfAtMost: geometry.channelsAtOnce(rows: Self.rowsAtOnce))
    // Columns, then the product of several images, then what `fillColumns` needs.
    let product = geometry.isPointwise ? 0 : slices.largest * geometry.taps * blocks.capacity
    let split = product + (geometry.isPointwise ? 0 : kernels * blocks.capacity)
    let scratch = split + geometry.splitCount(rows: blocks.largestRows)
    engine.run(blocks.count * geometry.groups, scratch: scratch, of: Scalar.self) { piece, memory in
      let block = blocks[piece / geometry.groups]
      let group = piece % geometry.groups
      let width = block.rows.count * geometry.outputWidth
      let stride = block.images.count * width
      let firstImage = block.images.lowerBound
      let firstPosition = block.rows.lowerBound * geometry.outputWidth
      let isAlone = block.images.count == 1
      let target =
        isAlone
        ? Target(
          memory: output + geometry.outputOffset(image: firstImage, group: group) + firstPosition,
          stride: geometry.positions, count: stride)
        : Target(memory: memory + product, stride: stride, count: stride)
      if isAlone { start(target, group: group, kernels: 0..<kernels) }
      for i in 0..<slices.parts {
        let channels = slices[i]
        let source = {
          geometry.inputOffset(image: $0, group: group) + channels.lowerBound * geometry.plane
        }
        var (columns, columnsStride) = (UnsafePointer(memory), stride)
        if geometry.isPointwise {
          (columns, columnsStride) = (
            input + source(firstImage) + firstPosition, geometry.positions
          )
        } else {
          for (i, image) in block.images.enumerated() {
            geometry.fillColumns(
              memory + i * width, stride: stride, from: input + source(image),
              channels: channels.count, rows: block.rows, split: memory + split)
          }
        }
        multiply(
          columns, stride: columnsStride, group: group, kernels: 0..<kernels, channels: channels,
          into: target, adding: i > 0 || isAlone && bias != nil)
      }
      if isAlone {
        finish(target, kernels: kernels)
      } else {
        handOut(target, to: block.images, group: group)
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
        let range = kernels[piece % kernels.parts]
        let source =
          geometry.isPointwise
          ? input + geometry.inputOffset(image: image, group: group)
          : UnsafePointer(columns) + group * depth * positions
        let target = Target(
          memory: output + geometry.outputOffset(image: image, group: group)
            + range.lowerBound * positions, stride: positions, count: positions)
        start(target, group: group, kernels: range)
        multiply(
          source, stride: positions, group: group, kernels: range,
          channels: 0..<geometry.groupChannels, into: target, adding: bias != nil)
        finish(target, kernels: range.count)
      }
    }
  }

  /// A row for each of some kernels, `stride` apart, of which `count` elements are written.
  struct Target {
    let memory: UnsafeMutablePointer<Scalar>
    let stride, count: Int
  }

  /// Fills each kernel's row with its bias, if there are any: the product is added to it.
  @inline(__always)
  private func start(_ target: Target, group: Int, kernels: Range<Int>) {
    guard let bias = bias.map({ $0 + group * geometry.groupKernels + kernels.lowerBound }) else {
      return
    }
    for k in 0..<kernels.count {
      (target.memory + k * target.stride).fill(target.count, with: bias[k])
    }
  }

  /// Applies the ReLU, if there is one.
  @inline(__always)
  private func finish(_ target: Target, kernels: Int) {
    guard let slope else { return }
    for k in 0..<kernels {
      let row = target.memory + k * target.stride
      row.rectify(row, slope: slope, target.count)
    }
  }

  /// Multiplies the weights of some kernels and channels with those channels' columns: channels·taps
  /// rows of `target.count`, `stride` apart. The weights of a group are K/G × depth.
  @inline(__always)
  private func multiply(
    _ columns: UnsafePointer<Scalar>, stride: Int, group: Int, kernels: Range<Int>,
    channels: Range<Int>, into target: Target, adding: Bool
  ) {
    let firstKernel = group * geometry.groupKernels + kernels.lowerBound
    Scalar.gemm(
      rows: kernels.count, columns: target.count, inner: channels.count * geometry.taps,
      weights + firstKernel * geometry.depth + channels.lowerBound * geometry.taps,
      stride: geometry.depth, transposed: false,
      columns, stride: stride, transposed: false,
      into: target.memory, stride: target.stride, adding: adding, by: engine.productKernel)
  }

  /// Hands each of several images its part of their product: K/G rows of images·positions.
  @inline(__always)
  private func handOut(_ product: Target, to images: Range<Int>, group: Int) {
    let positions = geometry.positions
    for (i, image) in images.enumerated() {
      for k in 0..<geometry.groupKernels {
        let source = product.memory + k * product.stride + i * positions
        let target = output + geometry.outputOffset(image: image, group: group) + k * positions
        target.set(source, plus: bias?[group * geometry.groupKernels + k] ?? 0, positions)
        if let slope { target.rectify(target, slope: slope, positions) }
      }
    }
  }
}
