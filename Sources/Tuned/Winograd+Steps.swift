import Fast
import Layers
import Tensors

/// What the passes are made of: the way from a tensor to values at the points, and the way back.
struct WinogradSteps<let m: Int, let r: Int, let n: Int> {
  let plan: Winograd.Plan
  let filter: MinimalFilter<m, r, n>

  /// Which tensor: the input, of channels, or the output, of filters; or the gradient of either.
  enum Side {
    case input, output
  }

  /// Some mosaics' tiles, of some tile rows.
  struct Chunk {
    let mosaics, tileRows: Range<Int>
  }

  private var winograd: Winograd { plan.winograd }
  var points: Int { n * n }

  /// The tiles of each of a chunk's mosaics.
  func tiles(_ chunk: Chunk) -> Extent {
    Extent(height: chunk.tileRows.count, width: winograd.tiles.width)
  }
  func tileCount(_ chunk: Chunk) -> Int { chunk.mosaics.count * tiles(chunk).area }

  private func frame(_ side: Side, tileRows: Int) -> Extent {
    side == .input
      ? winograd.inputFrame(tileRows: tileRows) : winograd.outputFrame(tileRows: tileRows)
  }
  /// The rows of the frame of all tile rows that some of them have.
  private func frameRows(_ side: Side, _ chunk: Chunk) -> Range<Int> {
    let first = chunk.tileRows.lowerBound * m
    return first..<first + frame(side, tileRows: chunk.tileRows.count).height
  }
  private func corner(_ side: Side, _ image: Int) -> (y: Int, x: Int) {
    side == .input ? winograd.inputCorner(image) : winograd.outputCorner(image)
  }
  /// Of an image.
  private func size(_ side: Side) -> Extent {
    side == .input
      ? Extent(height: winograd.height, width: winograd.width)
      : Extent(height: winograd.outputHeight, width: winograd.outputWidth)
  }
  private func offset(_ side: Side, image: Int, group: Int) -> Int {
    side == .input
      ? plan.inputOffset(image: image, group: group)
      : plan.outputOffset(image: image, group: group)
  }

  /// The channels or filters of a group in ranges of at most 48, all but the last a multiple of 16. What
  /// fills up the last one is 0.
  func lanes(_ side: Side) -> [Range<Int>] {
    let lines = Winograd.lines(side == .input ? winograd.channels : winograd.filters) / 16
    let ranges = Partition(lines, partsOfAtMost: 3)
    return (0..<ranges.parts).map { ranges[$0].lowerBound * 16..<ranges[$0].upperBound * 16 }
  }

  /// The numbers of a frame of 48 lanes.
  func frameCount(_ side: Side, tileRows: Int) -> Int {
    frame(side, tileRows: tileRows).area * 48
  }

  /// Copies some lanes of a chunk into frames, and transforms their tiles.
  ///
  /// - Parameters:
  ///   - tensor: (N, G·C, H, W) or (N, G·K, H', W')
  ///   - frame: working memory of `frameCount`.
  ///   - values: (n·n, tiles, channels or filters)
  func toPoints(
    _ side: Side, _ tensor: UnsafePointer<Float>, _ chunk: Chunk, group: Int, lanes: Range<Int>,
    frame: UnsafeMutablePointer<Float>, to values: UnsafeMutablePointer<Float>,
    _ layout: PointValues
  ) {
    let end = tensor + offset(side, image: plan.batch, group: 0)
    let (frameSize, rows) = (
      self.frame(side, tileRows: chunk.tileRows.count), frameRows(side, chunk)
    )
    let (size, tiles) = (size(side), tiles(chunk))
    // Channels as they are in the tensor.
    let phases = side == .input ? winograd.stride * winograd.stride : 1
    let count = side == .input ? plan.groupChannels : winograd.filters
    let channels = lanes.lowerBound / phases..<min(count, lanes.upperBound / phases)
    for (position, mosaic) in chunk.mosaics.enumerated() {
      if phases == 1 || channels.count * phases < lanes.count {
        frame.fill(frameSize.area * lanes.count, with: 0)
      }
      for (index, image) in plan.images(ofMosaic: mosaic).enumerated() {
        let planes =
          tensor + offset(side, image: image, group: group) + channels.lowerBound * size.area
        if phases > 1 {
          winograd.copyPhasesIn(
            planes, count: channels.count, rows: rows, to: frame, frameWidth: frameSize.width,
            lanes: lanes.count)
        } else {
          Winograd.copyIn(
            planes, count: channels.count, size: size, before: end, corner: corner(side, index),
            rows: rows, to: frame, frameWidth: frameSize.width, lanes: lanes.count)
        }
      }
      let target = values + position * tiles.area * layout.tileStride + lanes.lowerBound
      switch side {
      case .input:
        // ← in; ∂w in
        filter.b.toPoints(
          frame, frameWidth: frameSize.width, lanes: lanes.count, tiles: tiles, step: m, to: target,
          pointStride: layout.pointStride, tileStride: layout.tileStride)
      case .output:
        // ← ∂w ∂L/∂out; ∂in ∂L/∂out
        filter.a.toPoints(
          frame, frameWidth: frameSize.width, lanes: lanes.count, tiles: tiles, step: m, to: target,
          pointStride: layout.pointStride, tileStride: layout.tileStride)
      }
    }
  }

  /// The working memory of `multiply`: products of some tiles, and a frame.
  func productCount(_ side: Side, mosaics: Int, tileRows: Int) -> Int {
    let tiles = mosaics * tileRows * winograd.tiles.width
    return points * productStride(tiles: tiles, width: Tile.columns)
      + frame(side, tileRows: tileRows).area * Tile.columns
  }
  private func productStride(tiles: Int, width: Int) -> Int {
    Winograd.oddLines(PanelProduct.paddedRows(tiles) * width)
  }

  /// Multiplies a chunk's values with a panel, and writes what belongs to them on the other side: the
  /// output's filters of channels, or the input's channels of filters.
  ///
  /// - Parameters:
  ///   - side: which tensor is written.
  ///   - values: (n·n, tiles, inner) of the other one, for the group.
  ///   - packed: (n·n, inner, panel's width)
  ///   - memory: `productCount` numbers.
  ///   - bias: (G·K), or `nil`.
  ///   - tensor: (N, G·K, H', W') or (N, G·C, H, W)
  ///   - broken: takes the images of which it isn't finite.
  func multiply(
    _ side: Side, _ values: UnsafePointer<Float>, _ layout: PointValues, inner: Int,
    _ panel: PackedFilters.Panel, _ packed: UnsafePointer<Float>, _ packedLayout: PanelValues,
    _ chunk: Chunk, group: Int, memory: UnsafeMutablePointer<Float>, bias: UnsafePointer<Float>?,
    to tensor: UnsafeMutablePointer<Float>, broken: borrowing LockedState<Set<Int>>
  ) {
    let (tiles, width) = (tiles(chunk), panel.width)
    // products: (n·n, tiles, width)
    let productStride = productStride(tiles: tileCount(chunk), width: width)
    for point in 0..<points {
      // ← Σ_c; ∂in Σ_k
      PanelProduct(
        rows: tileCount(chunk), inner: inner, a: values + point * layout.pointStride,
        rowStride: layout.tileStride, step: 1, b: packed + point * packedLayout.pointStride,
        bStride: width, c: memory + point * productStride, width: width, adding: false
      ).run()
    }
    let frame = memory + points * productStride
    let (frameSize, rows) = (
      self.frame(side, tileRows: chunk.tileRows.count), frameRows(side, chunk)
    )
    let (size, count) = (size(side), side == .input ? winograd.channels : winograd.filters)
    for (position, mosaic) in chunk.mosaics.enumerated() {
      let products = memory + position * tiles.area * width
      switch side {
      case .output:
        // ← Σ_i, Σ_j
        filter.a.fromPoints(
          products, pointStride: productStride, tileStride: width, to: frame,
          frameWidth: frameSize.width, lanes: width, tiles: tiles, step: m, adding: false)
      case .input:
        frame.fill(frameSize.area * width, with: 0)
        // ← ∂in Σ_i, Σ_j
        filter.b.fromPoints(
          products, pointStride: productStride, tileStride: width, to: frame,
          frameWidth: frameSize.width, lanes: width, tiles: tiles, step: m, adding: true)
      }
      for (index, image) in plan.images(ofMosaic: mosaic).enumerated() {
        // ← out, b; ∂in ∂L/∂in
        let isFinite = Winograd.copyOut(
          frame, frameWidth: frameSize.width, lanes: width, corner: corner(side, index), rows: rows,
          bias: bias.map { $0 + group * count + panel.first },
          to: tensor + offset(side, image: image, group: group) + panel.first * size.area,
          count: min(width, count - panel.first), size: size)
        if !isFinite { broken.withLock { _ = $0.insert(image) } }
      }
    }
  }
}
