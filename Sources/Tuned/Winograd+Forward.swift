import Fast
import Layers
import Tensors

/// The pass forwards.
///
/// Of many images, a piece takes some mosaics of a group from the input to the output. Of few, the pieces
/// are ranges of channels first, whose values at the points are shared, and then panels of filters.
struct WinogradForward<let m: Int, let r: Int, let n: Int> {
  let plan: Winograd.Plan
  let filter: MinimalFilter<m, r, n>
  let engine: Engine
  /// (N, C, H, W)
  let input: UnsafePointer<Float>
  /// (G, panels of filters), as `WinogradFilters` packs them.
  let packed: UnsafePointer<Float>
  /// (K)
  let bias: UnsafePointer<Float>?
  /// (N, K, H', W')
  let output: UnsafeMutablePointer<Float>

  /// Fewer pieces than this would leave threads idle.
  private static var fewPieces: Int { 8 }

  private var winograd: Winograd { plan.winograd }
  private var steps: WinogradSteps<m, r, n> { WinogradSteps(plan: plan, filter: filter) }
  private var filters: WinogradFilters<m, r, n> {
    WinogradFilters(plan: plan, filter: filter, backwards: false)
  }

  /// Returns the images whose output isn't finite.
  func run() -> Set<Int> {
    let (steps, groups) = (steps, plan.groups)
    let (lanes, panels) = (steps.lanes(.input), winograd.filterPanels)
    let (mosaics, bands) = (plan.mosaics, plan.bands)
    let layout = PointValues(
      points: n, tiles: mosaics.largest * bands.largest * winograd.tiles.width,
      channels: winograd.channels)
    let frameCount = steps.frameCount(.input, tileRows: bands.largest)
    let productCount = steps.productCount(
      .output, mosaics: mosaics.largest, tileRows: bands.largest)
    let broken = LockedState<Set<Int>>([])

    func chunk(_ index: Int) -> WinogradSteps<m, r, n>.Chunk {
      .init(mosaics: mosaics[index / bands.parts], tileRows: bands[index % bands.parts])
    }
    func transform(
      _ index: Int, group: Int, lanes: Range<Int>, frame: UnsafeMutablePointer<Float>,
      to values: UnsafeMutablePointer<Float>
    ) {
      steps.toPoints(
        .input, input, chunk(index), group: group, lanes: lanes, frame: frame, to: values, layout)
    }
    func multiply(
      _ values: UnsafePointer<Float>, _ index: Int, group: Int, panel: Int,
      memory: UnsafeMutablePointer<Float>
    ) {
      steps.multiply(
        .output, values, layout, inner: winograd.channels, panels[panel],
        packed + group * filters.groupCount + panel * filters.values.panelStride, filters.values,
        chunk(index), group: group, memory: memory, bias: bias, to: output,
        broken: broken)
    }

    let chunks = mosaics.parts * bands.parts
    if chunks * groups >= Self.fewPieces {
      // memory: values at the points, and frame or products
      engine.run(
        chunks * groups, scratch: layout.count + max(frameCount, productCount), of: Float.self
      ) { piece, memory in
        let (index, group, other) = (piece / groups, piece % groups, memory + layout.count)
        for lanes in lanes {
          transform(index, group: group, lanes: lanes, frame: other, to: memory)
        }
        for panel in panels.indices {
          multiply(memory, index, group: group, panel: panel, memory: other)
        }
      }
    } else {
      // values: (chunks, G)
      engine.lend(chunks * groups * layout.count, of: Float.self) { values in
        engine.run(chunks * groups * lanes.count, scratch: frameCount, of: Float.self) {
          piece, frame in
          let part = piece / lanes.count
          transform(
            part / groups, group: part % groups, lanes: lanes[piece % lanes.count], frame: frame,
            to: values + part * layout.count)
        }
        engine.run(chunks * groups * panels.count, scratch: productCount, of: Float.self) {
          piece, memory in
          let part = piece / panels.count
          multiply(
            values + part * layout.count, part / groups, group: part % groups,
            panel: piece % panels.count, memory: memory)
        }
      }
    }
    return broken.withLock { $0 }
  }
}
