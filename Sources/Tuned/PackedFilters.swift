import Fast
import Layers

/// The filters of a group, K of them, in packed panels of as many as a tile has columns.
///
/// A panel of `width` filters is (kernel height, kernel width, C, width): for each weight of a window
/// with its channels last, the filters' numbers side by side. Filters that fill up the last panel
/// are 0.
struct PackedFilters {
  /// K.
  let count: Int
  /// Of a window.
  let kernel: Extent
  /// C.
  let channels: Int

  /// K with the filters that fill up the last panel.
  var padded: Int { (count + 15) / 16 * 16 }
  /// The weights of a filter.
  var depth: Int { kernel.area * channels }

  /// A panel: its first filter and its width.
  typealias Panel = (first: Int, width: Int)

  /// All panels.
  var panels: [Panel] {
    var panels: [Panel] = []
    var first = 0
    while first < count {
      panels.append((first, Tile.columns(for: count - first)))
      first += panels[panels.count - 1].width
    }
    return panels
  }

  /// Packs a panel for the pass forwards.
  ///
  /// - Parameters:
  ///   - weights: (K, C, kernel height, kernel width)
  ///   - memory: (depth, width)
  func pack(
    _ panel: Panel, of weights: UnsafePointer<Float>, into memory: UnsafeMutablePointer<Float>
  ) {
    let (taps, end) = (kernel.area, weights + count * depth)
    // d = c·taps + tap goes to row tap·C + c.
    var (c, tap) = (0, 0)
    transpose(rows: panel.width, columns: depth) { k, d, length in
      guard panel.first + k < count else { return Vector(repeating: 0) }
      return (weights + (panel.first + k) * depth + d).vector(first: length, before: end)
    } to: { k, d, _, vector in
      if d == 0 { (c, tap) = (0, 0) }
      memory.store(vector, at: (tap * channels + c) * panel.width + k)
      tap += 1
      if tap == taps { (c, tap) = (c + 1, 0) }
    }
  }

  /// Packs a panel for the convolution that leads back to the input: its filters are channels of the
  /// input, its channels are the filters, and its windows are turned around.
  ///
  /// - Parameters:
  ///   - weights: those of the first of these channels, (C, input's channels, kernel height, kernel
  ///     width)
  ///   - filterCount: how many of `channels` there are; the others are 0.
  ///   - stride: the weights of a filter in memory, for all of the input's channels.
  ///   - memory: (depth, width)
  func packTurned(
    _ panel: Panel, of weights: UnsafePointer<Float>, filterCount: Int, stride: Int,
    before end: UnsafePointer<Float>, into memory: UnsafeMutablePointer<Float>
  ) {
    let taps = kernel.area
    for k in 0..<filterCount {
      transpose(rows: panel.width, columns: taps) { c, tap, length in
        guard panel.first + c < count else { return Vector(repeating: 0) }
        return (weights + k * stride + (panel.first + c) * taps + tap)
          .vector(first: length, before: end)
      } to: { c, tap, _, vector in
        memory.store(vector, at: ((taps - 1 - tap) * channels + k) * panel.width + c)
      }
    }
    for k in filterCount..<channels {
      for tap in 0..<taps {
        (memory + (tap * channels + k) * panel.width).fill(panel.width, with: 0)
      }
    }
  }
}
