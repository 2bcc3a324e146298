import Fast
import Layers

/// The pass forwards.
///
/// Of many images, a piece takes as many as a tile has rows, of a group, and some of their output
/// rows: it copies what they look at into frames, convolves with all filters, and copies the result
/// to where it belongs. The packed filters are shared. Of few images, a piece takes a panel of
/// filters, which it packs itself, and the frames are shared.
struct DirectForward {
  let plan: DirectConvolution.Plan
  let engine: Engine
  /// (N, C, H, W)
  let input: UnsafePointer<Float>
  /// (K, C/G, kernel height, kernel width)
  let weights: UnsafePointer<Float>
  /// (K)
  let bias: UnsafePointer<Float>?
  /// (N, K, H', W')
  let output: UnsafeMutablePointer<Float>

  /// The numbers of a piece's output, unless a row has more: it should stay in the cache until it is
  /// copied.
  private static var outputAtOnce: Int { 1 << 19 }

  private var convolution: DirectConvolution { plan.convolution }
  private var filters: PackedFilters { convolution.filters }
  private var inputEnd: UnsafePointer<Float> {
    input + plan.inputOffset(image: plan.images, group: 0)
  }

  func run() {
    let blocks = Partition(plan.images, partsOfAtMost: Tile.rows)
    if blocks.parts * plan.groups >= DirectConvolution.Plan.leastPieces {
      runManyImages(blocks)
    } else {
      runFewImages(blocks)
    }
  }

  /// Output rows that are computed at once.
  private func bands(images: Int, filters: Int, parts: Int) -> Partition {
    let rowCount = images * convolution.outputWidth * filters
    let small = Partition(
      convolution.outputHeight, partsOfAtMost: max(1, Self.outputAtOnce / rowCount))
    return Partition(convolution.outputHeight, parts: max(small.parts, parts))
  }

  private func runManyImages(_ blocks: Partition) {
    let (groups, panels) = (plan.groups, filters.panels)
    let packedCount = filters.padded * filters.depth
    let bands = bands(images: blocks.largest, filters: filters.padded, parts: 1)
    let frameCount = convolution.frameCount(for: 0..<bands.largest)
    let outputCount =
      convolution.positionCount(rows: bands.largest, images: blocks.largest) * filters.padded
    // packed: (G, panels of a group)
    engine.lend(groups * packedCount, of: Float.self) { packed in
      engine.run(groups * panels.count) { piece in
        pack(
          panels[piece % panels.count], group: piece / panels.count,
          into: packed + piece / panels.count * packedCount
            + panels[piece % panels.count].first * filters.depth)
      }
      // memory: frames (images, frame), then output (positions, images, padded K)
      engine.run(
        blocks.parts * groups * bands.parts, scratch: blocks.largest * frameCount + outputCount,
        of: Float.self
      ) { piece, memory in
        let (rows, group) = (bands[piece % bands.parts], piece / bands.parts % groups)
        let images = blocks[piece / bands.parts / groups]
        let product = memory + blocks.largest * frameCount
        for (i, image) in images.enumerated() {
          copyIn(image, group, rows, to: memory + i * convolution.frameCount(for: rows))
        }
        for panel in panels {
          convolution.run(
            rows: rows, images: images.count, frames: memory,
            frameStride: convolution.frameCount(for: rows), panel: panel,
            packed: packed + group * packedCount + panel.first * filters.depth,
            output: product + panel.first, outputStride: filters.padded)
        }
        for panel in panels {
          copyOut(product + panel.first, stride: filters.padded, images, group, rows, panel)
        }
      }
    }
  }

  private func runFewImages(_ blocks: Partition) {
    let (groups, panels) = (plan.groups, filters.panels)
    let leastPieces = DirectConvolution.Plan.leastPieces
    let pieces = groups * panels.count
    let bands = bands(
      images: blocks.largest, filters: Tile.columns, parts: (leastPieces + pieces - 1) / pieces)
    let rows = 0..<convolution.outputHeight
    let frameCount = convolution.frameCount(for: rows)
    let packedCount = Tile.columns * filters.depth
    let outputCount =
      convolution.positionCount(rows: bands.largest, images: blocks.largest) * Tile.columns
    // frames: (G, N, frame)
    engine.lend(groups * plan.images * frameCount, of: Float.self) { frames in
      engine.run(groups * plan.images) { piece in
        copyIn(
          piece % plan.images, piece / plan.images, rows, to: frames + piece * frameCount)
      }
      // memory: packed panel (depth, width), then output (positions, images, width)
      engine.run(
        pieces * bands.parts, scratch: packedCount + outputCount, of: Float.self
      ) { piece, memory in
        let (rows, panel) = (bands[piece % bands.parts], panels[piece / bands.parts % panels.count])
        let group = piece / bands.parts / panels.count
        let product = memory + packedCount
        pack(panel, group: group, into: memory)
        for block in 0..<blocks.parts {
          let images = blocks[block]
          convolution.run(
            rows: rows, images: images.count,
            frames: frames + (group * plan.images + images.lowerBound) * frameCount
              + convolution.frameOffset(ofRow: rows.lowerBound), frameStride: frameCount,
            panel: panel, packed: memory, output: product, outputStride: panel.width)
          copyOut(product, stride: panel.width, images, group, rows, panel)
        }
      }
    }
  }

  private func pack(
    _ panel: PackedFilters.Panel, group: Int, into memory: UnsafeMutablePointer<Float>
  ) {
    filters.pack(panel, of: weights + group * filters.count * filters.depth, into: memory)
  }

  private func copyIn(
    _ image: Int, _ group: Int, _ rows: Range<Int>, to frame: UnsafeMutablePointer<Float>
  ) {
    convolution.copyIn(
      input + plan.inputOffset(image: image, group: group), channels: plan.groupChannels,
      before: inputEnd, rows: rows, to: frame)
  }

  /// product: (positions, images, `stride`)
  private func copyOut(
    _ product: UnsafePointer<Float>, stride: Int, _ images: Range<Int>, _ group: Int,
    _ rows: Range<Int>, _ panel: PackedFilters.Panel
  ) {
    for (i, image) in images.enumerated() {
      convolution.copyOut(
        product + i * stride, stride: images.count * stride,
        pixels: rows.count * convolution.outputWidth, panel: panel,
        bias: bias.map { $0 + group * filters.count },
        to: output + plan.outputOffset(image: image, group: group)
          + rows.lowerBound * convolution.outputWidth, plane: plan.positions)
    }
  }
}
