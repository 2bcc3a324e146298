import Fast
import Layers
import Tensors

/// The sizes of a convolution, and how its work is cut: from the shapes alone.
///
/// As a matrix product, for each image and group: the kernels, K/G × depth, times the columns,
/// depth × positions. A column holds what one output position looks at.
struct ConvolutionGeometry {
  let images, channels, height, width: Int
  let kernels, groups, outputHeight, outputWidth: Int
  let kernel, stride, pad, dilation: Extent
  /// Whether a row of the columns is a channel moved by a constant distance, and copied as such.
  let keepsWidth: Bool
  /// Whether input rows are split before they are copied: each goes to several taps then, and holds
  /// several elements of each remainder.
  let splitsRows: Bool
  private let slicesChannels, sharesProducts: Bool

  init(_ specification: ConvolutionSpecification, input: Shape, output: Shape, engine: Engine) {
    (images, channels) = (input.images, input.channels)
    (height, width) = (input.height, input.width)
    (kernels, groups) = (specification.outputChannels, specification.group)
    (outputHeight, outputWidth) = (output.height, output.width)
    (kernel, stride) = (specification.kernel, specification.stride)
    (pad, dilation) = (specification.pad, specification.dilation)
    keepsWidth = stride == 1 && outputWidth == width && engine.uses(.wholePlanes)
    splitsRows =
      stride.width > 1 && stride.width < width && kernel.width > 1 && engine.uses(.splitRows)
    slicesChannels = engine.uses(.channelSlices)
    sharesProducts = engine.uses(.sharedProducts)
  }

  /// Stops the program unless tensors have these sizes; the input gave them.
  func require<Scalar>(_ parameters: [Tensor<Scalar>], _ output: Tensor<Scalar>) {
    Tuned.require(output, images * kernels * positions)
    Tuned.require(parameters[0], kernels * depth)
    if parameters.count > 1 { Tuned.require(parameters[1], kernels) }
  }

  var groupChannels: Int { channels / groups }
  var groupKernels: Int { kernels / groups }
  /// The weights of a kernel for one channel.
  var taps: Int { kernel.area }
  /// The weights of a kernel.
  var depth: Int { groupChannels * taps }
  /// H·W of the input.
  var plane: Int { height * width }
  /// H'·W' of the output: the columns of an image.
  var positions: Int { outputHeight * outputWidth }

  /// The channels whose columns have at most `rows` rows; one, if it has more.
  func channelsAtOnce(rows: Int) -> Int {
    slicesChannels ? max(1, rows / max(1, taps)) : groupChannels
  }

  /// The images whose columns are at most `columns`; one, if it has more. The columns of an image
  /// are its own memory when the kernel is 1×1, so such images can't be joined.
  func imagesAtOnce(columns: Int) -> Int {
    isPointwise || !sharesProducts ? 1 : max(1, columns / max(1, positions))
  }

  /// Whether the input itself is the matrix of columns: a 1×1 kernel that goes to every position.
  var isPointwise: Bool { kernel == 1 && stride == 1 && pad == 0 }

  /// Where the channels of a group begin in the input.
  func inputOffset(image: Int, group: Int) -> Int {
    (image * channels + group * groupChannels) * plane
  }

  /// Where the kernels of a group begin in the output.
  func outputOffset(image: Int, group: Int) -> Int {
    (image * kernels + group * groupKernels) * positions
  }
}

/// A part of a batch whose columns are in memory at one time: whole images, or rows of one.
struct ColumnBlock {
  let images: Range<Int>
  /// Output rows.
  let rows: Range<Int>
}

/// How many columns are built at a time.
///
/// A product of the kernels with few columns spends its time on rearranging the kernels, so several
/// small images share one; many columns fall out of the cache before they are used, so a large
/// image is cut into blocks of rows.
struct ColumnBlocks {
  private let images: Partition
  private let rows: Partition
  /// The columns of the largest block that any number of images up to this one's gives.
  let capacity: Int

  /// Blocks of at most `columns` columns over some images, or of one row if that has more.
  ///
  /// - Parameter atLeast: into how many blocks to cut whole images where there are enough of them.
  init(_ geometry: ConvolutionGeometry, images count: Int, columns: Int, atLeast: Int = 1) {
    let together = geometry.imagesAtOnce(columns: columns)
    let blocks = max((count + together - 1) / together, min(atLeast, count))
    images = Partition(count, parts: blocks)
    let rowsAtOnce = max(1, columns / max(1, geometry.outputWidth))
    rows =
      together > 1
      ? Partition(geometry.outputHeight, parts: 1)
      : Partition(geometry.outputHeight, partsOfAtMost: rowsAtOnce)
    // Not the largest block of this partition: fewer images may be cut into fewer, larger blocks.
    capacity = min(together, max(count, 1)) * rows.largest * geometry.outputWidth
  }

  var count: Int { images.count == 0 ? 0 : images.parts * rows.parts }

  /// The output rows of the largest block.
  var largestRows: Int { rows.largest }

  subscript(i: Int) -> ColumnBlock {
    ColumnBlock(images: images[i / rows.parts], rows: rows[i % rows.parts])
  }
}
