import Fast
import Layers
import Synchronization
import Tensors

/// The pass backwards. Some mosaics at a time, the threads
///
/// 1. transform ranges of the input's channels and of the output gradient's filters,
/// 2. multiply the output gradient's values with panels of channels for the input's gradient, and the
///    input's with the output gradient's for the sums of the weights' gradient at the points,
///
/// and at the end bring these sums into the order of the weights. Nothing is summed in an order that
/// depends on the threads.
struct WinogradBackward<let m: Int, let r: Int, let n: Int> {
  let plan: Winograd.Plan
  let filter: MinimalFilter<m, r, n>
  let engine: Engine
  /// (N, C, H, W)
  let input: UnsafePointer<Float>
  /// (N, K, H', W')
  let outputGradient: UnsafePointer<Float>
  /// (G, panels of channels), as `WinogradFilters` packs them, and (N, C, H, W).
  let inputGradient: (packed: UnsafePointer<Float>, tensor: UnsafeMutablePointer<Float>)?
  /// (K, C, r, r) without a stride, and (K).
  let weightGradient: UnsafeMutablePointer<Float>
  let biasGradient: UnsafeMutablePointer<Float>?
  /// Whether they hold something to add to.
  let accumulating, accumulatingBias: Bool

  private var winograd: Winograd { plan.winograd }
  private var steps: WinogradSteps<m, r, n> { WinogradSteps(plan: plan, filter: filter) }
  private var filters: WinogradFilters<m, r, n> {
    WinogradFilters(plan: plan, filter: filter, backwards: false)
  }
  private var filterCount: Int { plan.groups * winograd.filters }

  /// Returns the images whose gradient isn't finite, and whether those of the parameters are: only then these
  /// are written.
  func run() -> (broken: Set<Int>, isFinite: Bool) {
    let (groups, tiles) = (plan.groups, winograd.tiles)
    let largest = plan.blocks.largest * tiles.area
    let layouts = (
      input: PointValues(points: n, tiles: largest, channels: winograd.channels),
      output: PointValues(points: n, tiles: largest, channels: winograd.filters)
    )
    let sumCount = winograd.filterPanels.count * filters.values.panelStride
    let broken = LockedState<Set<Int>>([])
    var isFinite = true
    // Of each group: values of the input and of the output's gradient, and sums. Bias sums: (N, G·K)
    engine.lend(
      groups * (layouts.input.count + layouts.output.count + sumCount) + plan.batch * filterCount,
      of: Float.self
    ) { memory in
      let outputValues = memory + groups * layouts.input.count
      let sums = outputValues + groups * layouts.output.count
      let biasSums = sums + groups * sumCount
      for block in 0..<plan.blocks.parts {
        let chunk = WinogradSteps<m, r, n>.Chunk(
          mosaics: plan.blocks[block], tileRows: 0..<tiles.height)
        transform(chunk, layouts, memory, outputValues, biasSums)
        multiply(chunk, layouts, memory, outputValues, sums, isFirst: block == 0, broken)
      }
      isFinite = areFinite(sums)
      if isFinite {
        unpack(sums)
        addBias(biasSums)
      }
    }
    return (broken.withLock { $0 }, isFinite)
  }

  private typealias Layouts = (input: PointValues, output: PointValues)

  /// Step 1, and the sums of the output's gradient over each image.
  private func transform(
    _ chunk: WinogradSteps<m, r, n>.Chunk, _ layouts: Layouts,
    _ inputValues: UnsafeMutablePointer<Float>, _ outputValues: UnsafeMutablePointer<Float>,
    _ biasSums: UnsafeMutablePointer<Float>
  ) {
    let steps = steps
    // (side, lanes), for each mosaic and group
    let parts =
      steps.lanes(.output).map { (WinogradSteps<m, r, n>.Side.output, $0) }
      + steps.lanes(.input).map { (WinogradSteps<m, r, n>.Side.input, $0) }
    let frameCount = max(
      steps.frameCount(.input, tileRows: chunk.tileRows.count),
      steps.frameCount(.output, tileRows: chunk.tileRows.count))
    engine.run(
      chunk.mosaics.count * plan.groups * parts.count, scratch: frameCount, of: Float.self
    ) { piece, frame in
      let (side, lanes) = parts[piece % parts.count]
      let group = piece / parts.count % plan.groups
      let position = piece / parts.count / plan.groups
      let mosaic = chunk.mosaics.lowerBound + position
      let layout = side == .input ? layouts.input : layouts.output
      steps.toPoints(
        side, side == .input ? input : outputGradient,
        .init(mosaics: mosaic..<mosaic + 1, tileRows: chunk.tileRows), group: group, lanes: lanes,
        frame: frame,
        to: (side == .input ? inputValues : outputValues) + group * layout.count
          + position * winograd.tiles.area * layout.tileStride, layout)
      guard side == .output, biasGradient != nil else { return }
      for image in plan.images(ofMosaic: mosaic) {
        let gradient = outputGradient + plan.outputOffset(image: image, group: group)
        for k in lanes where k < winograd.filters {
          biasSums[image * filterCount + group * winograd.filters + k] =
            (gradient + k * plan.positions).sum(plan.positions)  // ← ∂b Σ_y, Σ_x, ∂L/∂out
        }
      }
    }
  }

  /// Step 2.
  private func multiply(
    _ chunk: WinogradSteps<m, r, n>.Chunk, _ layouts: Layouts,
    _ inputValues: UnsafePointer<Float>, _ outputValues: UnsafePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>, isFirst: Bool, _ broken: borrowing LockedState<Set<Int>>
  ) {
    let (steps, groups) = (steps, plan.groups)
    let panels = winograd.filterPanels
    let channelPanels = inputGradient == nil ? [] : winograd.channelPanels
    let back = WinogradFilters(plan: plan, filter: filter, backwards: true)
    let parts = plan.parts(ofMosaics: chunk.mosaics.count)
    // The long pieces come first: (G, panels of channels, parts of the mosaics), then (G, n·n).
    let inputPieces = groups * channelPanels.count * parts.parts
    engine.run(
      inputPieces + groups * steps.points,
      scratch: inputGradient == nil
        ? 0
        : steps.productCount(
          .input, mosaics: parts.largest, tileRows: chunk.tileRows.count), of: Float.self
    ) { piece, memory in
      if piece < inputPieces, let (packed, tensor) = inputGradient {
        let (mosaics, index) = (parts[piece % parts.parts], piece / parts.parts)
        let (group, panel) = (index / channelPanels.count, index % channelPanels.count)
        let part = WinogradSteps<m, r, n>.Chunk(
          mosaics: chunk.mosaics.lowerBound + mosaics.lowerBound..<chunk.mosaics.lowerBound
            + mosaics.upperBound, tileRows: chunk.tileRows)
        steps.multiply(
          .input,
          outputValues + group * layouts.output.count
            + mosaics.lowerBound * winograd.tiles.area * layouts.output.tileStride, layouts.output,
          inner: winograd.filters, channelPanels[panel],
          packed + group * back.groupCount + panel * back.values.panelStride, back.values, part,
          group: group, memory: memory, bias: nil, to: tensor, broken: broken)
        return
      }
      // All of a point's products one after the other: its values stay in the second-level cache.
      let (group, point) = (
        (piece - inputPieces) / steps.points, (piece - inputPieces) % steps.points
      )
      for (index, panel) in panels.enumerated() {
        // ← ∂w Σ_y, Σ_x
        PanelProduct(
          rows: winograd.channels, inner: steps.tileCount(chunk),
          a: inputValues + group * layouts.input.count + point * layouts.input.pointStride,
          rowStride: 1, step: layouts.input.tileStride,
          b: outputValues + group * layouts.output.count + point * layouts.output.pointStride
            + panel.first, bStride: layouts.output.tileStride,
          c: sums + (group * panels.count + index) * filters.values.panelStride
            + point * filters.values.pointStride, width: panel.width, adding: !isFirst
        ).run()
      }
    }
  }

  /// Whether all sums at the points are finite.
  private func areFinite(_ sums: UnsafePointer<Float>) -> Bool {
    let panels = winograd.filterPanels
    let isFinite = Atomic(true)
    engine.run(plan.groups * panels.count * steps.points) { piece in
      let (point, part) = (piece % steps.points, piece / steps.points)
      let sums = sums + part * filters.values.panelStride + point * filters.values.pointStride
      // 0·x is 0, but NaN for infinities and NaN.
      var zeros = Vector(repeating: 0)
      for i in stride(from: 0, to: winograd.channels * panels[part % panels.count].width, by: 16) {
        zeros.addProduct(Vector(repeating: 0), sums.vector(at: i))
      }
      if zeros.sum() != 0 { isFinite.store(false, ordering: .relaxed) }
    }
    return isFinite.load(ordering: .relaxed)
  }

  private func unpack(_ sums: UnsafePointer<Float>) {
    let panels = winograd.filterPanels
    let ranges = Partition(winograd.channels, partsOfAtMost: 32)
    engine.run(plan.groups * panels.count * ranges.parts) { piece in
      let (range, part) = (ranges[piece % ranges.parts], piece / ranges.parts)
      filters.unpack(
        sums + part * filters.values.panelStride, panels[part % panels.count], channels: range,
        into: weightGradient
          + part / panels.count * winograd.filters * winograd.channels * r * r,
        adding: accumulating)
    }
  }

  /// Image after image.
  private func addBias(_ biasSums: UnsafePointer<Float>) {
    guard let biasGradient else { return }
    for k in 0..<filterCount {
      var sum = accumulatingBias ? biasGradient[k] : 0
      for image in 0..<plan.batch { sum += biasSums[image * filterCount + k] }
      biasGradient[k] = sum  // ← ∂b ∂L/∂b
    }
  }
}
