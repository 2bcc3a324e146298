import Fast
import Layers

/// The pass backwards. A piece takes a part of the batch, a group, and a range of its channels: it
/// copies the input and the output's gradient into frames, adds up the gradient of the weights, and
/// convolves the output's gradient for that of the input.
///
/// The parts of the batch have sums of their own, which are added in order.
struct DirectBackward {
  let plan: DirectConvolution.Plan
  let engine: Engine
  /// (N, C, H, W)
  let input: UnsafePointer<Float>
  /// (K, C/G, kernel height, kernel width)
  let weights: UnsafePointer<Float>
  /// (N, K, H', W')
  let outputGradient: UnsafePointer<Float>
  /// Like the input, the weights and the bias.
  let inputGradient: UnsafeMutablePointer<Float>?
  let weightGradient: UnsafeMutablePointer<Float>
  let biasGradient: UnsafeMutablePointer<Float>?
  let accumulating: Bool

  /// Partial sums of the weights' gradient, at most.
  private static var largestParts: Int { 8 }
  /// Output positions that the weights' gradient is summed over before it is written: more would not
  /// stay in the second-level cache.
  private static var positionsAtOnce: Int { 512 }

  private var convolution: DirectConvolution { plan.convolution }
  private var filters: PackedFilters { convolution.filters }

  func run() {
    let work = Work(self)
    // packed: (G, ranges, panels of a range); sums: (parts, G, ranges, panels of K)
    let sumsCount = work.parts.parts * plan.groups * work.ranges.count * work.sumCount
    engine.lend(work.packedCount + sumsCount, of: Float.self) { packed in
      let sums = packed + work.packedCount
      if inputGradient != nil { work.packTurned(into: packed) }
      engine.run(
        work.parts.parts * plan.groups * work.ranges.count, scratch: work.scratch, of: Float.self
      ) { piece, memory in
        let (range, group) = (piece % work.ranges.count, piece / work.ranges.count % plan.groups)
        let part = piece / work.ranges.count / plan.groups
        work.run(
          part: part, group: group, range: range, packed: packed,
          sums: sums + piece * work.sumCount, memory)
      }
      work.addParts(sums, stride: plan.groups * work.ranges.count * work.sumCount)
    }
    sumBias()
  }

  /// ∂L/∂bias, image after image.
  private func sumBias() {
    guard let biasGradient else { return }
    let filterCount = plan.groups * filters.count
    engine.run(filterCount) { k in
      var sum = accumulating ? biasGradient[k] : 0
      for image in 0..<plan.images {
        // ← ∂b Σ_y, Σ_x, ∂L/∂out
        sum += (outputGradient + (image * filterCount + k) * plan.positions).sum(plan.positions)
      }
      // ← ∂b ∂L/∂b
      biasGradient[k] = sum
    }
  }

  /// How the work is cut, and its pieces.
  private struct Work {
    let pass: DirectBackward
    /// A unit is some images' output rows: all of them where the input's gradient may be asked for.
    let images, bands: Partition
    /// Of the units: each has its own sums.
    let parts: Partition
    /// The channels of each range, cut between multiples of 8.
    let ranges: [Range<Int>]

    private var plan: DirectConvolution.Plan { pass.plan }
    private var filters: PackedFilters { pass.filters }
    private var taps: Int { filters.kernel.area }

    init(_ pass: DirectBackward) {
      self.pass = pass
      let (plan, convolution) = (pass.plan, pass.convolution)
      let rowsAtOnce = max(1, DirectBackward.positionsAtOnce / convolution.outputWidth)
      // By the shapes alone: the gradient of the weights has the same bits whether or not the input's is
      // asked for.
      if plan.goesBackwards(toInput: true) {
        images = Partition(plan.images, partsOfAtMost: Tile.rows)
        bands = Partition(convolution.outputHeight, parts: 1)
      } else {
        images = Partition(
          plan.images, partsOfAtMost: max(1, rowsAtOnce / convolution.outputHeight))
        bands = Partition(convolution.outputHeight, partsOfAtMost: rowsAtOnce)
      }
      parts = Partition(images.parts * bands.parts, parts: DirectBackward.largestParts)
      let eighths = Partition(
        (plan.groupChannels + 7) / 8,
        parts: min(
          (DirectConvolution.Plan.leastPieces + parts.parts * plan.groups - 1)
            / (parts.parts * plan.groups),
          plan.groupChannels / 16))
      ranges = (0..<eighths.parts).map {
        eighths[$0].lowerBound * 8..<min(eighths[$0].upperBound * 8, plan.groupChannels)
      }
    }

    private var largestRange: Int { ranges.map(\.count).max() ?? 0 }

    /// The convolution of a range of channels, forwards.
    private func convolution(channels: Int) -> DirectConvolution {
      let all = pass.convolution
      return DirectConvolution(
        filters: PackedFilters(count: filters.count, kernel: filters.kernel, channels: channels),
        height: all.height, width: all.width, outputHeight: all.outputHeight,
        outputWidth: all.outputWidth, stride: all.stride, pad: all.pad)
    }

    /// In whose frames the output's gradient lies: of the convolution that leads back, or else of a
    /// 1×1 convolution.
    private func upstreamConvolution(channels: Int) -> DirectConvolution {
      guard pass.inputGradient == nil else {
        return plan.inputGradientConvolution(channels: channels)
      }
      let all = pass.convolution
      return DirectConvolution(
        filters: PackedFilters(count: channels, kernel: 1, channels: filters.padded),
        height: all.outputHeight, width: all.outputWidth, outputHeight: all.outputHeight,
        outputWidth: all.outputWidth, stride: 1, pad: (0, 0))
    }

    /// The gradient of a range's weights: (panels of K) of (depth and what fills up a tile, width).
    private func sumRows(channels: Int) -> Int {
      (taps * channels + Tile.rows - 1) / Tile.rows * Tile.rows
    }
    var sumCount: Int { sumRows(channels: largestRange) * filters.padded }

    /// The turned filters of a range, if they are needed, and of all.
    private var rangePackedCount: Int {
      guard pass.inputGradient != nil else { return 0 }
      let turned = plan.inputGradientConvolution(channels: largestRange).filters
      return turned.padded * turned.depth
    }
    var packedCount: Int { plan.groups * ranges.count * rangePackedCount }

    /// The numbers of a piece's memory: of `images.largest` images each, frames of the input, frames
    /// of the output's gradient, and the input's gradient.
    private var frameCount: Int {
      convolution(channels: largestRange).frameCount(for: 0..<bands.largest)
    }
    private var upstreamRows: Int {
      pass.inputGradient == nil ? bands.largest : pass.convolution.height
    }
    private var upstreamCount: Int {
      upstreamConvolution(channels: largestRange).frameCount(for: 0..<upstreamRows)
    }
    private var gradientCount: Int {
      guard pass.inputGradient != nil else { return 0 }
      let back = plan.inputGradientConvolution(channels: largestRange)
      return back.positionCount(rows: back.outputHeight, images: images.largest)
        * back.filters.padded
    }
    var scratch: Int { images.largest * (frameCount + upstreamCount) + gradientCount }

    /// Packs the filters of the convolution that leads back, for each group and range.
    func packTurned(into packed: UnsafeMutablePointer<Float>) {
      pass.engine.run(plan.groups * ranges.count) { piece in
        let (group, channels) = (piece / ranges.count, ranges[piece % ranges.count])
        let turned = plan.inputGradientConvolution(channels: channels.count).filters
        for panel in turned.panels {
          turned.packTurned(
            panel,
            of: pass.weights + group * filters.count * filters.depth + channels.lowerBound * taps,
            filterCount: filters.count, stride: filters.depth,
            before: pass.weights + plan.groups * filters.count * filters.depth,
            into: packed + piece * rangePackedCount + panel.first * turned.depth)
        }
      }
    }

    /// A piece: unit after unit.
    func run(
      part: Int, group: Int, range: Int, packed: UnsafePointer<Float>,
      sums: UnsafeMutablePointer<Float>, _ memory: UnsafeMutablePointer<Float>
    ) {
      let channels = ranges[range].count
      let convolution = convolution(channels: channels)
      let upstreamConvolution = upstreamConvolution(channels: channels)
      let upstream = memory + images.largest * frameCount
      let upstreamChannels = upstreamConvolution.channels
      let inputEnd = pass.input + plan.inputOffset(image: plan.images, group: 0)
      let gradientEnd = pass.outputGradient + plan.outputOffset(image: plan.images, group: 0)
      for unit in parts[part] {
        let isFirst = unit == parts[part].lowerBound
        let (images, rows) = (images[unit / bands.parts], bands[unit % bands.parts])
        let upstreamRows = pass.inputGradient == nil ? rows : 0..<convolution.height
        let frameCount = convolution.frameCount(for: rows)
        let upstreamCount = upstreamConvolution.frameCount(for: upstreamRows)
        for (i, image) in images.enumerated() {
          convolution.copyIn(
            pass.input + inputOffset(image, group, range), channels: channels, before: inputEnd,
            rows: rows, to: memory + i * frameCount)
          let source = pass.outputGradient + plan.outputOffset(image: image, group: group)
          upstreamConvolution.copyIn(
            source, channels: filters.count, before: gradientEnd, rows: upstreamRows,
            to: upstream + i * upstreamCount)
        }
        // Where the pixel (0, 0) of the output's gradient lies, or would lie if its row were copied.
        let lineStride = upstreamConvolution.frameWidth * upstreamChannels
        let corner =
          (upstreamConvolution.pad.above - upstreamRows.lowerBound) * lineStride
          + upstreamConvolution.pad.left * upstreamChannels
        let together = Partition(
          images.count, partsOfAtMost: max(1, DirectBackward.positionsAtOnce / plan.positions))
        for i in 0..<together.parts {
          for panel in filters.panels {
            DirectWeightGradient(
              convolution: convolution, images: together[i].count, rows: rows,
              frames: memory + together[i].lowerBound * frameCount, frameStride: frameCount,
              upstream: upstream + together[i].lowerBound * upstreamCount + corner + panel.first,
              upstreamStride: upstreamCount, lineStride: lineStride, pixelStride: upstreamChannels,
              gradient: sums + panel.first * sumRows(channels: channels),
              adding: !isFirst || i > 0
            ).run(columns: panel.width)
          }
        }
        if let inputGradient = pass.inputGradient {
          let product = upstream + self.images.largest * self.upstreamCount
          let padded = upstreamConvolution.filters.padded
          for panel in upstreamConvolution.filters.panels {
            // ← ∂in Σ_k, w
            upstreamConvolution.run(
              rows: upstreamRows, images: images.count, frames: upstream,
              frameStride: upstreamCount, panel: panel,
              packed: packed + (group * ranges.count + range) * rangePackedCount
                + panel.first * upstreamConvolution.filters.depth,
              output: product + panel.first, outputStride: padded)
          }
          for (i, image) in images.enumerated() {
            for panel in upstreamConvolution.filters.panels {
              upstreamConvolution.copyOut(
                product + i * padded + panel.first, stride: images.count * padded,
                pixels: plan.plane, panel: panel, bias: nil,
                to: inputGradient + inputOffset(image, group, range), plane: plan.plane)
            }
          }
        }
      }
    }

    /// Where a range of channels starts in the input.
    private func inputOffset(_ image: Int, _ group: Int, _ range: Int) -> Int {
      plan.inputOffset(image: image, group: group) + ranges[range].lowerBound * plan.plane
    }

    /// Adds the parts' sums in their order, `stride` apart, and brings them into the weights' order: a
    /// panel of a range is a piece.
    func addParts(_ sums: UnsafePointer<Float>, stride: Int) {
      let panels = filters.panels
      pass.engine.run(plan.groups * ranges.count * panels.count) { piece in
        let (panel, range) = (panels[piece % panels.count], piece / panels.count % ranges.count)
        let group = piece / panels.count / ranges.count
        let channels = ranges[range].count
        let source =
          sums + (group * ranges.count + range) * sumCount
          + panel.first * sumRows(channels: channels)
        let target =
          pass.weightGradient + (group * filters.count + panel.first) * filters.depth
          + ranges[range].lowerBound * taps
        for c in 0..<channels {
          transpose(rows: taps, columns: min(panel.width, filters.count - panel.first)) {
            tap, k, _ in
            let first = source + (tap * channels + c) * panel.width + k
            var sum = first.vector(at: 0)
            for part in 1..<max(1, parts.parts) { sum += first.vector(at: part * stride) }
            return sum
          } to: { tap, k, count, vector in
            let weight = target + k * filters.depth + c * taps + tap
            // What lies behind the taps is 0, and stands where the next channels' will come.
            if c * taps + tap + 16 <= channels * taps {
              weight.store(
                pass.accumulating ? UnsafePointer(weight).vector(at: 0) + vector : vector, at: 0)
            } else {
              for i in 0..<count {
                weight[i] = (pass.accumulating ? weight[i] : 0) + vector[i]
              }
            }
          }
        }
      }
    }
  }
}
