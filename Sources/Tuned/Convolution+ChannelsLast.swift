import Fast
import Layers
import Tensors

/// When a convolution is computed by `ChannelsLast`, and what its passes share.
struct ChannelsLastConvolution {
  let geometry: ConvolutionGeometry
  let engine: Engine
  /// The negative slope of the ReLU behind the convolution, if there is one.
  let slope: Float?
  /// The images by tiles.
  let images: Partition

  /// Fewer pieces than this would leave threads idle.
  private static var leastPieces: Int { 4 }
  /// The numbers of 8 images, read or written, beyond which im2col is left to do it: it is lent less
  /// memory.
  private static var largestCount: Int { 1 << 22 }

  /// A convolution for which this way is the faster one; of no other.
  ///
  /// - Parameter backward: whether it is about the pass backwards.
  init?<Scalar: TunedScalar>(
    _ geometry: ConvolutionGeometry, slope: Scalar?, engine: Engine, backward: Bool
  ) {
    guard Scalar.self == Float.self, Float.hasOwnProduct, engine.uses(.ownProduct),
      engine.uses(.channelsLast), geometry.dilation == 1, geometry.kernel != 1,
      geometry.groupKernels >= 16
    else { return nil }
    images = Partition(geometry.images, partsOfAtMost: ChannelsLast.imagesAtOnce)
    // Of a tile's rows, an eighth at most may be of images that there aren't.
    guard geometry.images >= images.parts * 7 else { return nil }
    let largest = max(
      geometry.groupChannels * geometry.plane, geometry.groupKernels * geometry.positions)
    guard largest <= Self.largestCount / ChannelsLast.imagesAtOnce else { return nil }
    if backward {
      guard geometry.stride == 1, geometry.groupChannels >= 16 else { return nil }
    }
    (self.geometry, self.engine) = (geometry, engine)
    self.slope = slope.map { Float($0.doubleValue) }
  }

  /// In how many parts to cut each of some pieces, so that there are enough.
  func parts(of pieces: Int) -> Int { (Self.leastPieces + pieces - 1) / pieces }

  /// The convolution of some of a group's channels.
  func convolution(channels: Int) -> ChannelsLast {
    ChannelsLast(
      channels: channels, height: geometry.height, width: geometry.width,
      kernels: KernelPanels(count: geometry.groupKernels), outputHeight: geometry.outputHeight,
      outputWidth: geometry.outputWidth, kernel: geometry.kernel, stride: geometry.stride,
      pad: (geometry.pad.height, geometry.pad.width))
  }

  /// Where the weight [k, c, i, j] of a group lies.
  @inline(__always)
  func weight(_ group: Int, _ k: Int, _ c: Int, _ i: Int, _ j: Int) -> Int {
    (group * geometry.groupKernels + k) * geometry.depth
      + (c * geometry.kernel.height + i) * geometry.kernel.width + j
  }
}

/// The pass forwards: a piece takes up to 8 images of a group and some of their rows. It copies what
/// they look at, convolves, and copies the result to where it belongs, with bias and ReLU.
///
/// The pointers lead to memory of the size that the geometry gives them.
struct ChannelsLastForward {
  let layer: ChannelsLastConvolution
  let input, weights: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  let output: UnsafeMutablePointer<Float>

  /// The numbers of a piece's output, unless a row has more: it should stay in the cache until it is
  /// copied.
  private static var outputAtOnce: Int { 1 << 19 }

  private var geometry: ConvolutionGeometry { layer.geometry }

  func run() {
    let (geometry, images, groups) = (geometry, layer.images, layer.geometry.groups)
    let convolution = layer.convolution(channels: geometry.groupChannels)
    let panelCount = convolution.kernels.padded * convolution.depth
    let rowCount = ChannelsLast.imagesAtOnce * geometry.outputWidth * convolution.kernels.padded
    let small = Partition(
      geometry.outputHeight, partsOfAtMost: max(1, Self.outputAtOnce / rowCount))
    let bands = Partition(
      geometry.outputHeight, parts: max(small.parts, layer.parts(of: images.parts * groups)))
    let inputRows = (0..<bands.parts).map { convolution.inputRows(for: bands[$0]) }
    let inputCount =
      ChannelsLast.imagesAtOnce * (inputRows.map(\.count).max() ?? 0) * geometry.width
      * geometry.groupChannels

    layer.engine.lend(groups * panelCount, of: Float.self) { panels in
      layer.engine.run(groups) { group in
        convolution.fill(panels + group * panelCount) { k, c, i, j in
          k < geometry.groupKernels ? weights[layer.weight(group, k, c, i, j)] : 0
        }
      }
      layer.engine.run(
        images.parts * groups * bands.parts, scratch: inputCount + bands.largest * rowCount,
        of: Float.self
      ) { piece, memory in
        let (band, group) = (piece % bands.parts, piece / bands.parts % groups)
        let images = images[piece / bands.parts / groups]
        let product = memory + inputCount
        read(images, inputRows[band], group, to: memory, convolution)
        convolution.run(
          rows: bands[band], inputRows: inputRows[band], input: memory, images: images.count,
          weights: panels + group * panelCount, output: product)
        write(images, bands[band], group, from: product, convolution)
      }
    }
  }

  /// Copies the rows of some images that a piece looks at.
  @inline(__always)
  private func read(
    _ images: Range<Int>, _ rows: Range<Int>, _ group: Int,
    to memory: UnsafeMutablePointer<Float>, _ convolution: ChannelsLast
  ) {
    let pixels = rows.count * geometry.width
    for (i, image) in images.enumerated() {
      convolution.copy(
        input + geometry.inputOffset(image: image, group: group) + rows.lowerBound * geometry.width,
        plane: geometry.plane, pixels: pixels, to: memory + i * pixels * convolution.channels)
    }
  }

  /// Copies a piece's result to the output rows of some images.
  @inline(__always)
  private func write(
    _ images: Range<Int>, _ rows: Range<Int>, _ group: Int,
    from product: UnsafePointer<Float>, _ convolution: ChannelsLast
  ) {
    let pixels = rows.count * geometry.outputWidth
    let bias = bias.map { $0 + group * geometry.groupKernels }
    for (i, image) in images.enumerated() {
      convolution.copyOutput(
        product + i * pixels * convolution.kernels.padded, pixels: pixels,
        to: output + geometry.outputOffset(image: image, group: group)
          + rows.lowerBound * geometry.outputWidth, plane: geometry.positions
      ) { k, row in
        if let bias { row.set(row, plus: bias[k], pixels) }
        if let slope = layer.slope { row.rectify(row, slope: slope, pixels) }
      }
    }
  }
}
