import Fast
import Layers

/// A convolution of one group by minimal filtering, in tiles of m×m outputs.
///
///     out tile = Aᵀ·[Σ_c (G·filter[c]·Gᵀ) ⊙ (Bᵀ·in tile[c]·B)]·A
///
/// Over all tiles and channels, what stands in the brackets is n·n matrix products, one for each pair of
/// points: (tiles, C)·(C, K). They have n²/(m·r)² of the definition's multiplications.
///
/// - The input lies in a **frame** with its padding, channels last, and its tiles of n×n overlap by
///   r − 1. Frames of the output and of its gradient have tiles of m×m beside each other.
/// - Small images stand in a **mosaic** of 2×2 that share the padding between them: 2·13 + 1 outputs are
///   7 tiles of 4 where one image of 13 has 4. Outputs at places between images are left out.
/// - A **stride** s is taken away before (space to depth): every s-th row and column of a channel is a
///   channel of its own, of a convolution with stride 1 and filters s times as small. So 11×11 filters of
///   3 channels with stride 4 are 3×3 filters of 48 channels, some of whose taps are 0.
struct Winograd {
  /// F(m×m, r×r), one of those in `MinimalFilters`.
  enum Scheme {
    case f43, f35

    var toomCook: ToomCook {
      switch self {
      case .f43: MinimalFilters.toomCook43
      case .f35: MinimalFilters.toomCook35
      }
    }
  }

  let scheme: Scheme
  /// Of the group: with a stride s, C·s².
  let channels: Int
  /// K of the group.
  let filters: Int
  /// H and W of the input, without padding.
  let height, width: Int
  /// H' and W'.
  let outputHeight, outputWidth: Int
  /// Of the filters in the specification.
  let kernel: Int
  let stride: Int
  let pad: Extent
  /// Images on a side of a mosaic, 1 or 2.
  let side: Int

  /// m, r and n.
  let m, r: Int
  var n: Int { m + r - 1 }

  init(
    scheme: Scheme, _ specification: ConvolutionSpecification, channels: Int, filters: Int,
    input: Extent, output: Extent, side: Int
  ) {
    (self.scheme, self.filters, self.side) = (scheme, filters, side)
    (m, r) = (scheme.toomCook.outputs, scheme.toomCook.taps)
    (kernel, stride) = (specification.kernel.height, specification.stride.height)
    self.channels = channels * stride * stride
    (height, width, pad) = (input.height, input.width, specification.pad)
    (outputHeight, outputWidth) = (output.height, output.width)
  }

  /// Images of a mosaic.
  var images: Int { side * side }
  /// From an image of a mosaic to the next below, and beside it.
  private var step: Extent { Extent(height: height + pad.height, width: width + pad.width) }
  /// The tiles of a mosaic.
  var tiles: Extent {
    Extent(
      height: ((side - 1) * step.height + outputHeight + m - 1) / m,
      width: ((side - 1) * step.width + outputWidth + m - 1) / m)
  }
  /// The frames of some of a mosaic's tile rows: of the input, and of the output.
  func inputFrame(tileRows: Int) -> Extent {
    Extent(height: tileRows * m + r - 1, width: tiles.width * m + r - 1)
  }
  func outputFrame(tileRows: Int) -> Extent {
    Extent(height: tileRows * m, width: tiles.width * m)
  }

  /// Where an image's pixel (0, 0) lies in a mosaic's frame of the input, and of the output.
  func inputCorner(_ image: Int) -> (y: Int, x: Int) {
    (image / side * step.height + pad.height, image % side * step.width + pad.width)
  }
  func outputCorner(_ image: Int) -> (y: Int, x: Int) {
    (image / side * step.height, image % side * step.width)
  }

  // What lies in memory for each point is an odd number of cache lines from the next, and so are the
  // tiles of the input: the n·n places that a transform writes would otherwise fall on one set of the
  // first-level cache.

  /// `count` numbers, filled up to an odd number of lines of 16.
  static func oddLines(_ count: Int) -> Int { ((count + 15) / 16 | 1) * 16 }
  /// `count` numbers, filled up to whole lines.
  static func lines(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  /// The filters in panels, and the channels in panels for the way back.
  var filterPanels: [PackedFilters.Panel] { Self.panels(filters) }
  var channelPanels: [PackedFilters.Panel] { Self.panels(channels) }
  private static func panels(_ count: Int) -> [PackedFilters.Panel] {
    PackedFilters(count: count, kernel: 1, channels: 1).panels
  }
}

/// Values at all points of some tiles' channels or filters: (n·n, tiles, count).
struct PointValues {
  let tileStride, pointStride, count: Int

  init(points: Int, tiles: Int, channels: Int) {
    tileStride = Winograd.oddLines(channels)
    pointStride = Winograd.oddLines(PanelProduct.paddedRows(tiles) * tileStride)
    count = points * points * pointStride
  }
}

/// Panels of matrices with a row for each of `inner` channels (or filters): (panels, n·n, inner, width).
struct PanelValues {
  let pointStride, panelStride: Int

  init(points: Int, inner: Int) {
    pointStride = Winograd.oddLines(PanelProduct.paddedRows(inner) * Tile.columns)
    panelStride = points * points * pointStride
  }
}
