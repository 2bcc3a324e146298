import Fast
import Layers
import Tensors

/// The backward pass of a convolution.
///
///     ∂L/∂weights[K/G × depth] = Σ_n ∂L/∂out[K/G × H'W'] · columns[depth × H'W']ᵀ
///     ∂L/∂columns[depth × H'W'] = weights[K/G × depth]ᵀ · ∂L/∂out[K/G × H'W']
///
/// Tricks:
/// - A piece owns a range of images and a range of input channels. It builds its columns once, a
///   slice of the channels at a time, for the weights' gradient, and reuses their memory for those
///   of the input's gradient: both are in the cache then.
/// - Channels need no partial sums: each piece has its own columns of the weights' gradient and its
///   own planes of the input's gradient. Images do; there are few parts, added in order.
/// - With a ReLU fused, the output's gradient is masked on the way into the piece's memory, and the
///   masked gradient is never written out.
extension Convolution {
  /// ∂L/∂weights, ∂L/∂bias and, if asked for, ∂L/∂in.
  ///
  /// - Complexity: The multiply-adds of forward for the weights, and again for the input unless it
  ///   is left out. The threads are lent as much as for forward, and up to 7 sums of the size of
  ///   all weights and biases, for the parts of a large batch. With the channels last
  ///   (`ChannelsLast`), it is up to 9 times that size, and for each thread 8 images' channels of a
  ///   group, kernels of a group and channels again.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let geometry = ConvolutionGeometry(
      specification, input: input.shape, output: output.shape, engine: engine)
    geometry.require(parameters, output)
    require(outputGradient, output.count)
    require(parameterGradients, like: parameters, inputGradient, like: input)
    guard geometry.images > 0 else {
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
                let slope = relu.map { Scalar($0.negativeSlope) }
                if let layer = ChannelsLastConvolution(
                  geometry, slope: slope, engine: engine, backward: true)
                {
                  ChannelsLastBackward(
                    layer: layer, input: input.floats, weights: weights.floats,
                    output: output.floats, outputGradient: outputGradient.floats,
                    inputGradient: inputGradient?.floats, weightGradient: weightGradient.floats,
                    biasGradient: biasGradient?.floats, accumulating: accumulating
                  ).run()
                  return
                }
                let pass = BackwardPass(
                  geometry: geometry, engine: engine, input: input, weights: weights,
                  output: output, outputGradient: outputGradient, inputGradient: inputGradient,
                  weightGradient: weightGradient, biasGradient: biasGradient, slope: slope,
                  accumulating: accumulating)
                pass.run()
              }
            }
          }
        }
      }
    }
  }
}

/// The pointers of a backward pass, each to memory of the size that the geometry gives it.
private struct BackwardPass<Scalar: TunedScalar> {
  let geometry: ConvolutionGeometry
  let engine: Engine
  let input, weights, output, outputGradient: UnsafePointer<Scalar>
  let inputGradient: UnsafeMutablePointer<Scalar>?
  let weightGradient: UnsafeMutablePointer<Scalar>
  let biasGradient: UnsafeMutablePointer<Scalar>?
  /// The negative slope of a ReLU to go back through first.
  let slope: Scalar?
  let accumulating: Bool

  /// Columns of a product, as for the forward pass.
  private static var columnsAtOnce: Int { 512 }
  private static var rowsAtOnce: Int { 384 }
  /// As many pieces as there should be at least.
  private static var leastPieces: Int { 8 }
  /// Output positions in a part of the batch: fewer, and adding the parts costs too much.
  private static var leastPositions: Int { 2048 }

  private var weightCount: Int { geometry.kernels * geometry.depth }
  /// The numbers of a partial sum: weights, then bias.
  private var partialCount: Int { weightCount + geometry.kernels }

  @inline(__always)
  func run() {
    let images = Partition(
      geometry.images,
      parts: min(Self.leastPieces, geometry.images * geometry.positions / Self.leastPositions))
    let parts = images.parts * geometry.groups
    let channels = Partition(
      geometry.groupChannels, parts: (Self.leastPieces + parts - 1) / parts)
    let blocks = ColumnBlocks(geometry, images: images.largest, columns: Self.columnsAtOnce)

    // One partial sum for each part of the images but the first, which has the gradient itself.
    engine.lend((images.parts - 1) * partialCount, of: Scalar.self) { partials in
      let slice = min(channels.largest, geometry.channelsAtOnce(rows: Self.rowsAtOnce))
      let matrices = (slice * geometry.taps + geometry.groupKernels) * blocks.capacity
      let scratch = matrices + geometry.splitCount(rows: blocks.largestRows)
      let pieces = parts * channels.parts
      engine.run(pieces, scratch: scratch, of: Scalar.self) { piece, memory in
        let part = piece / channels.parts / geometry.groups
        let partial = partials + max(0, part - 1) * partialCount
        let work = Piece(
          pass: self, images: images[part], group: piece / channels.parts % geometry.groups,
          channels: channels[piece % channels.parts], isFirst: piece % channels.parts == 0,
          weightGradient: part == 0 ? weightGradient : partial,
          biasGradient: part == 0 ? biasGradient : partial + weightCount,
          adding: part == 0 && accumulating, memory: memory, split: memory + matrices)
        work.run()
      }
      addPartials(partials, images.parts - 1)
    }
  }

  /// Adds the partial sums in their order, each piece its own range of the weights. There are
  /// `count` sums of `partialCount` numbers.
  @inline(__always)
  private func addPartials(_ partials: UnsafePointer<Scalar>, _ count: Int) {
    guard count > 0 else { return }
    let ranges = Partition(weightCount, partsOfAtMost: Vectors.pieceCount)
    engine.run(ranges.parts) { piece in
      let start = ranges[piece].lowerBound
      for part in 0..<count {
        (weightGradient + start).add(partials + part * partialCount + start, ranges[piece].count)
      }
    }
    guard let biasGradient else { return }
    for part in 0..<count {
      biasGradient.add(partials + part * partialCount + weightCount, geometry.kernels)
    }
  }

  /// Some images, and some channels of one group.
  struct Piece {
    let pass: BackwardPass
    let images: Range<Int>
    let group: Int
    let channels: Range<Int>
    /// Whether it is the first of those that share images and group: it sums the bias's gradient.
    let isFirst: Bool
    let weightGradient: UnsafeMutablePointer<Scalar>
    let biasGradient: UnsafeMutablePointer<Scalar>?
    /// Whether the gradients hold something to add to.
    let adding: Bool
    /// The rows of a slice of the channels' columns, then K/G rows of the output's gradient.
    let memory: UnsafeMutablePointer<Scalar>
    /// Working memory for `fillColumns`.
    let split: UnsafeMutablePointer<Scalar>

    private var geometry: ConvolutionGeometry { pass.geometry }

    @inline(__always)
    func run() {
      if let inputGradient = pass.inputGradient {
        for image in images {
          (inputGradient + inputOffset(image)).fill(channels.count * geometry.plane, with: 0)
        }
      }
      let blocks = ColumnBlocks(
        geometry, images: images.count, columns: BackwardPass.columnsAtOnce)
      for i in 0..<blocks.count {
        let block = blocks[i]
        let first = images.lowerBound
        run(
          ColumnBlock(
            images: block.images.lowerBound + first..<block.images.upperBound + first,
            rows: block.rows), adding: adding || i > 0)
      }
    }

    private func inputOffset(_ image: Int) -> Int {
      geometry.inputOffset(image: image, group: group) + channels.lowerBound * geometry.plane
    }

    @inline(__always)
    private func run(_ block: ColumnBlock, adding: Bool) {
      let width = block.rows.count * geometry.outputWidth
      let stride = block.images.count * width
      let kernels = geometry.groupKernels
      let slices = Partition(
        channels.count, partsOfAtMost: geometry.channelsAtOnce(rows: BackwardPass.rowsAtOnce))
      let upstream = gather(block, memory + slices.largest * geometry.taps * stride)

      if isFirst, let biasGradient = biasGradient.map({ $0 + group * kernels }) {
        for k in 0..<kernels {
          let sum = (upstream.base + k * upstream.stride).sum(stride)
          biasGradient[k] = adding ? biasGradient[k] + sum : sum
        }
      }

      for i in 0..<slices.parts {
        let slice = slices[i]
        let rows = slice.count * geometry.taps
        let source = { inputOffset($0) + slice.lowerBound * geometry.plane }
        for (i, image) in block.images.enumerated() {
          geometry.fillColumns(
            memory + i * width, stride: stride, from: pass.input + source(image),
            channels: slice.count, rows: block.rows, split: split)
        }
        let weight =
          group * kernels * geometry.depth
          + (channels.lowerBound + slice.lowerBound) * geometry.taps
        Scalar.gemm(
          rows: kernels, columns: rows, inner: stride,
          upstream.base, stride: upstream.stride, transposed: false,
          memory, stride: stride, transposed: true,
          into: weightGradient + weight, stride: geometry.depth, adding: adding,
          by: pass.engine.productKernel)

        guard let inputGradient = pass.inputGradient else { continue }
        Scalar.gemm(
          rows: rows, columns: stride, inner: kernels,
          pass.weights + weight, stride: geometry.depth, transposed: true,
          upstream.base, stride: upstream.stride, transposed: false,
          into: memory, stride: stride, adding: false, by: pass.engine.productKernel)
        for (i, image) in block.images.enumerated() {
          geometry.addColumns(
            memory + i * width, stride: stride, to: inputGradient + source(image),
            channels: slice.count, rows: block.rows)
        }
      }
    }

    /// The block of the output's gradient as a matrix K/G × columns: where it lies, if it is one
    /// there and no ReLU masks it, otherwise in `memory`.
    @inline(__always)
    private func gather(
      _ block: ColumnBlock, _ memory: UnsafeMutablePointer<Scalar>
    ) -> (base: UnsafePointer<Scalar>, stride: Int) {
      let width = block.rows.count * geometry.outputWidth
      let stride = block.images.count * width
      let firstPosition = block.rows.lowerBound * geometry.outputWidth
      let start =
        geometry.outputOffset(image: block.images.lowerBound, group: group) + firstPosition
      if block.images.count == 1 && pass.slope == nil {
        return (pass.outputGradient + start, geometry.positions)
      }
      for i in 0..<block.images.count {
        for k in 0..<geometry.groupKernels {
          let source = start + (i * geometry.kernels + k) * geometry.positions
          let target = memory + k * stride + i * width
          if let slope = pass.slope {
            target.backRectify(
              pass.outputGradient + source, signs: pass.output + source, slope: slope, width)
          } else {
            target.update(from: pass.outputGradient + source, count: width)
          }
        }
      }
      return (UnsafePointer(memory), stride)
    }
  }
}
