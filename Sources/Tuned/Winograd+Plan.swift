import Fast
import Layers
import Tensors

extension Winograd {
  /// A convolution of a shape that minimal filtering takes, and how its work is cut: by the shapes alone.
  struct Plan {
    let batch, groups: Int
    /// Of a group.
    let winograd: Winograd
    /// Mosaics that are multiplied at once, each thread's own forwards.
    let mosaics: Partition
    /// Tile rows that are multiplied at once, forwards.
    let bands: Partition
    /// Mosaics whose values are multiplied at once backwards, by all threads.
    let blocks: Partition

    /// Tiles at once: enough of them to use what is loaded of the filters, while the products for 48
    /// filters stay in the second-level cache.
    private static var tilesAtOnce: Int { 108 }
    /// So many, if of the channels' values all can stay there as well.
    private static var fewTiles: Int { 36 }
    /// Of the second-level cache, in numbers of `Float`; from 1 MB on it has them.
    private static var cached: Int { 225_000 }
    /// Values at the points at once backwards: some megabytes of the last-level cache.
    private static var valuesAtOnce: Int { 4_000_000 }
    /// Beyond this, the working memory would be too much.
    private static var largestTiles: Int { 1024 }

    /// `nil` for what another algorithm does better, by `cost`, or has to: kernels of other sizes than
    /// the schemes', and dilation.
    ///
    /// - Parameter always: whether a shape is taken that doesn't gain.
    init?(_ specification: ConvolutionSpecification, _ input: Shape, always: Bool = false) {
      guard Tile.isSupported, let output = try? specification.outputShape(for: input),
        input.images > 0, specification.dilation == 1,
        specification.kernel.height == specification.kernel.width,
        specification.stride.height == specification.stride.width,
        [1, 2, 4].contains(specification.stride.width),
        max(specification.pad.height, specification.pad.width) <= Self.largestTiles
      else { return nil }
      let stride = specification.stride.width
      let scheme: Scheme
      switch (specification.kernel.width + stride - 1) / stride {
      case 3: scheme = .f43
      case 5: scheme = .f35
      default: return nil
      }
      let (batch, groups) = (input.images, specification.group)
      let choices = [1, 2].map { side in
        Winograd(
          scheme: scheme, specification, channels: input.channels / groups,
          filters: specification.outputChannels / groups,
          input: Extent(height: input.height, width: input.width),
          output: Extent(height: output.height, width: output.width), side: side)
      }
      // Images of a mosaic mustn't see one another, and their output rows mustn't meet. Empty places of a
      // last mosaic count as well.
      let isMosaic =
        stride == 1 && max(specification.pad.height, specification.pad.width) < choices[0].r
        && choices[1].tileCount(batch: batch) < choices[0].tileCount(batch: batch)
      winograd = choices[isMosaic ? 1 : 0]
      (self.batch, self.groups) = (batch, groups)
      let tiles = winograd.tiles
      let mosaicCount = (batch + winograd.images - 1) / winograd.images
      let cachedTiles =
        Self.cached / (winograd.n * winograd.n * (winograd.channels + Tile.columns))
      let tilesAtOnce = cachedTiles < Self.fewTiles ? Self.tilesAtOnce : cachedTiles
      mosaics = Partition(mosaicCount, partsOfAtMost: max(1, tilesAtOnce / tiles.area))
      bands = Partition(tiles.height, partsOfAtMost: max(1, tilesAtOnce / tiles.width))
      let values =
        groups * winograd.n * winograd.n * tiles.area * (winograd.channels + winograd.filters)
      blocks = Partition(mosaicCount, partsOfAtMost: max(1, Self.valuesAtOnce / values))
      guard tiles.area <= Self.largestTiles else { return nil }
      let direct =
        batch * output.spatialCount * winograd.filters * (input.channels / groups)
        * specification.kernel.area
      guard always || 4 * winograd.cost(batch: batch) <= 3 * direct else { return nil }
    }

    /// What it is called in reports: `Winograd F(4×4, 3×3)`.
    var name: String { "Winograd F(\(Extent(winograd.m)), \(Extent(winograd.r)))" }

    /// Whether the gradient with respect to the input is computed as well.
    var goesBackwardsToInput: Bool { winograd.stride == 1 }

    /// Some mosaics in parts whose products for 48 filters or channels stay in the second-level cache.
    func parts(ofMosaics count: Int) -> Partition {
      Partition(count, partsOfAtMost: max(1, Self.tilesAtOnce / winograd.tiles.area))
    }

    /// H·W and H'·W'.
    var plane: Int { winograd.height * winograd.width }
    var positions: Int { winograd.outputHeight * winograd.outputWidth }
    /// C of a group in the input.
    var groupChannels: Int { winograd.channels / (winograd.stride * winograd.stride) }

    /// The images of a mosaic.
    func images(ofMosaic mosaic: Int) -> Range<Int> {
      mosaic * winograd.images..<min((mosaic + 1) * winograd.images, batch)
    }
    /// Where the channels of a group begin in the input.
    func inputOffset(image: Int, group: Int) -> Int {
      (image * groups + group) * groupChannels * plane
    }
    /// Where the filters of a group begin in the output.
    func outputOffset(image: Int, group: Int) -> Int {
      (image * groups + group) * winograd.filters * positions
    }
  }

  /// The tiles of a batch.
  private func tileCount(batch: Int) -> Int { (batch + images - 1) / images * tiles.area }

  /// What a pass forwards takes, in the time of a multiplication of the products. To copy and transform a
  /// channel's or a filter's number at a point was measured to take as long as 28 or 21 of them. The
  /// filters' own transforms aren't counted: forwards they are kept, and while a network learns they are
  /// a loss of some per cent for one image and nothing for many.
  private func cost(batch: Int) -> Int {
    tileCount(batch: batch) * n * n
      * (channels * Self.lines(filters) + 28 * channels + 21 * filters)
  }
}
