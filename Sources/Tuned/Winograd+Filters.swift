import Fast
import Layers

/// The filters of a layer's groups at the points: G·g·Gᵀ, packed into panels for the passes.
struct WinogradFilters<let m: Int, let r: Int, let n: Int> {
  let plan: Winograd.Plan
  let filter: MinimalFilter<m, r, n>
  /// Whether panels are of channels, for the way back to the input, and not of filters.
  let backwards: Bool

  private var winograd: Winograd { plan.winograd }
  private var panels: [PackedFilters.Panel] {
    backwards ? winograd.channelPanels : winograd.filterPanels
  }
  /// What the sums of the products run over: channels, or filters on the way back.
  private var inner: Int { backwards ? winograd.filters : winograd.channels }

  /// (panels, n·n, inner, width) for each group.
  var values: PanelValues { PanelValues(points: n, inner: inner) }
  var groupCount: Int { panels.count * values.panelStride }

  /// Transforms all filters.
  ///
  /// - Parameters:
  ///   - weights: (K, C, r, r) without a stride.
  ///   - packed: (G, `groupCount`)
  func pack(
    _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, engine: Engine
  ) {
    let ranges = Partition(inner, partsOfAtMost: 64)
    engine.run(plan.groups * panels.count * ranges.parts) { piece in
      let (range, panel) = (ranges[piece % ranges.parts], piece / ranges.parts % panels.count)
      let group = piece / ranges.parts / panels.count
      pack(
        panels[panel], of: weights + group * winograd.filters * winograd.channels * r * r,
        before: weights + plan.groups * winograd.filters * winograd.channels * r * r, range,
        into: packed + group * groupCount + panel * values.panelStride)
    }
  }

  /// memory: (n·n, inner, width), of which rows `range` are written
  @inline(never)
  private func pack(
    _ panel: PackedFilters.Panel, of weights: UnsafePointer<Float>,
    before end: UnsafePointer<Float>, _ range: Range<Int>,
    into memory: UnsafeMutablePointer<Float>
  ) {
    let (count, taps) = (backwards ? winograd.channels : winograd.filters, r * r)
    // From a weight of a lane to that of the next, and of the inner index.
    let laneStride = backwards ? taps : winograd.channels * taps
    let innerStride = backwards ? winograd.channels * taps : taps
    let pointStride = values.pointStride
    // (r·r) vectors of lanes
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: r * r) { raw in
      for i in range {
        for lane in stride(from: panel.first, to: panel.first + panel.width, by: 16) {
          let weights = weights + lane * laneStride + i * innerStride
          transpose(rows: 16, columns: taps) { k, tap, length in
            lane + k < count
              ? (weights + k * laneStride + tap).vector(first: length, before: end)
              : Vector(repeating: 0)
          } to: { _, tap, _, vector in
            raw[tap] = vector
          }
          let target = memory + i * panel.width + lane - panel.first
          // ← w; ∂in w
          filter.g.toPoints {
            raw[$0 * r + $1]
          } to: {
            target.store($2, at: ($0 * n + $1) * pointStride)
          }
        }
      }
    }
  }

  /// The way back for gradients: brings sums at the points, packed like filters, into the weights' order.
  ///
  /// - Parameters:
  ///   - sums: (n·n, channels, width)
  ///   - channels: which of them.
  ///   - gradient: (K, C, r, r) of the group.
  ///   - adding: whether it holds something to add to.
  @inline(never)
  func unpack(
    _ sums: UnsafePointer<Float>, _ panel: PackedFilters.Panel, channels: Range<Int>,
    into gradient: UnsafeMutablePointer<Float>, adding: Bool
  ) {
    let (taps, pointStride) = (r * r, values.pointStride)
    let filterStride = winograd.channels * taps
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: r * r) { raw in
      for c in channels {
        for lane in stride(from: 0, to: panel.width, by: 16) {
          let source = sums + c * panel.width + lane
          // ← ∂w ∂L/∂w
          filter.g.fromPoints {
            source.vector(at: ($0 * n + $1) * pointStride)
          } to: {
            raw[$0 * r + $1] = $2
          }
          let first = panel.first + lane
          guard first < winograd.filters else { continue }
          transpose(rows: taps, columns: min(16, winograd.filters - first)) { tap, _, _ in
            raw[tap]
          } to: { tap, k, count, vector in
            let weight = gradient + (first + k) * filterStride + c * taps + tap
            // What lies behind the taps is 0, and stands where the next channels' will come.
            if c * taps + tap + 16 <= channels.upperBound * taps {
              weight.store(
                adding ? UnsafePointer(weight).vector(at: 0) + vector : vector, at: 0)
            } else {
              for i in 0..<count { weight[i] = (adding ? weight[i] : 0) + vector[i] }
            }
          }
        }
      }
    }
  }
}
