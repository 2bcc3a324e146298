import Fast
import Layers
import Tensors

/// The pass backwards by `ChannelsLast`: a piece takes a part of the images of a group and a range of
/// its channels. It copies 8 images after the other with their output's gradient, masked by the ReLU
/// if there is one, and adds up the gradient of the weights. The input's gradient is a convolution of
/// the output's: its kernels are the channels, and its windows are turned around.
///
/// The pointers lead to memory of the size that the geometry gives them.
struct ChannelsLastBackward {
  private let layer: ChannelsLastConvolution
  private let input, weights, output, outputGradient: UnsafePointer<Float>
  private let inputGradient: UnsafeMutablePointer<Float>?
  private let weightGradient: UnsafeMutablePointer<Float>
  private let biasGradient: UnsafeMutablePointer<Float>?
  private let accumulating: Bool

  private let kernels: KernelPanels
  /// Of the images' tiles: each has its own sums.
  private let parts: Partition
  /// The channels of each range, cut between tiles of 8.
  private let ranges: [Range<Int>]
  /// The channels of all ranges, and of the largest, with those that fill up a tile or a panel.
  private let paddedChannels, largestRange: Int

  /// Partial sums of the weights' gradient, at most.
  private static var largestParts: Int { 8 }
  /// Output positions that the weights' gradient is summed over before it is written: more would not
  /// stay in the second-level cache.
  private static var positionsAtOnce: Int { 512 }

  init(
    layer: ChannelsLastConvolution, input: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    output: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>?, weightGradient: UnsafeMutablePointer<Float>,
    biasGradient: UnsafeMutablePointer<Float>?, accumulating: Bool
  ) {
    (self.layer, self.accumulating) = (layer, accumulating)
    (self.input, self.weights, self.output) = (input, weights, output)
    (self.outputGradient, self.inputGradient) = (outputGradient, inputGradient)
    (self.weightGradient, self.biasGradient) = (weightGradient, biasGradient)
    let geometry = layer.geometry
    kernels = KernelPanels(count: geometry.groupKernels)
    parts = Partition(layer.images.parts, parts: Self.largestParts)
    let tiles = (geometry.groupChannels + 7) / 8
    // A range has two tiles at least.
    let tilesOfRanges = Partition(
      tiles, parts: min(layer.parts(of: parts.parts * geometry.groups), tiles / 2))
    ranges = (0..<tilesOfRanges.parts).map {
      let tiles = tilesOfRanges[$0]
      return tiles.lowerBound * 8..<min(tiles.upperBound * 8, geometry.groupChannels)
    }
    paddedChannels = tiles * 8
    largestRange = KernelPanels(count: tilesOfRanges.largest * 8).padded
  }

  private var geometry: ConvolutionGeometry { layer.geometry }
  /// The sums of a part and group: the weights' gradient in panels, and the bias's.
  private var weightCount: Int { kernels.padded * geometry.taps * paddedChannels }
  private var sumCount: Int { weightCount + kernels.padded }
  /// The numbers of a range's panels on the way back to the input.
  private var panelCount: Int {
    inputGradient == nil ? 0 : largestRange * geometry.taps * kernels.padded
  }
  /// The numbers of an image in a piece's memory: of the input, the output's gradient and the
  /// input's.
  private var inputCount: Int { largestRange * geometry.plane }
  private var upstreamCount: Int { kernels.padded * geometry.positions }
  private var gradientCount: Int { inputGradient == nil ? 0 : largestRange * geometry.plane }

  func run() {
    let panelsCount = geometry.groups * ranges.count * panelCount
    let sumsCount = parts.parts * geometry.groups * sumCount
    layer.engine.lend(panelsCount + sumsCount, of: Float.self) { memory in
      let (panels, sums) = (memory, memory + panelsCount)
      if inputGradient != nil { fill(panels) }
      layer.engine.run(
        parts.parts * geometry.groups * ranges.count,
        scratch: ChannelsLast.imagesAtOnce * (inputCount + upstreamCount + gradientCount),
        of: Float.self
      ) { piece, memory in
        let (range, group) = (piece % ranges.count, piece / ranges.count % geometry.groups)
        let part = piece / ranges.count / geometry.groups
        run(
          part: part, group: group, range: range,
          panels: panels + (group * ranges.count + range) * panelCount,
          sum: sums + (part * geometry.groups + group) * sumCount, memory)
      }
      addParts(sums)
    }
  }

  /// The convolution that leads back to a range of the input's channels.
  private func wayBack(to range: Int) -> ChannelsLast {
    ChannelsLast(
      channels: kernels.padded, height: geometry.outputHeight, width: geometry.outputWidth,
      kernels: KernelPanels(count: ranges[range].count), outputHeight: geometry.height,
      outputWidth: geometry.width, kernel: geometry.kernel, stride: 1,
      pad: (
        geometry.kernel.height - 1 - geometry.pad.height,
        geometry.kernel.width - 1 - geometry.pad.width
      ))
  }

  /// The weights for the way back, of each group and range.
  private func fill(_ panels: UnsafeMutablePointer<Float>) {
    layer.engine.run(geometry.groups * ranges.count) { piece in
      let (group, range) = (piece / ranges.count, piece % ranges.count)
      let channels = ranges[range]
      wayBack(to: range).fill(panels + piece * panelCount) { c, k, i, j in
        guard c < channels.count, k < geometry.groupKernels else { return 0 }
        return weights[
          layer.weight(
            group, k, channels.lowerBound + c, geometry.kernel.height - 1 - i,
            geometry.kernel.width - 1 - j)]
      }
    }
  }

  /// A piece. Its memory holds, for 8 images, what the three counts above say.
  @inline(__always)
  private func run(
    part: Int, group: Int, range: Int, panels: UnsafePointer<Float>,
    sum: UnsafeMutablePointer<Float>, _ memory: UnsafeMutablePointer<Float>
  ) {
    let channels = ranges[range]
    let convolution = layer.convolution(channels: channels.count)
    let upstream = memory + ChannelsLast.imagesAtOnce * inputCount
    let imageCount = channels.count * geometry.plane
    for tile in parts[part] {
      let isFirst = tile == parts[part].lowerBound
      let images = layer.images[tile]
      for (i, image) in images.enumerated() {
        convolution.copy(
          input + inputOffset(image, group, range), plane: geometry.plane, pixels: geometry.plane,
          to: memory + i * imageCount)
        let start = geometry.outputOffset(image: image, group: group)
        convolution.copyUpstream(
          outputGradient + start, signs: output + start, slope: layer.slope,
          pixels: geometry.positions, to: upstream + i * upstreamCount)
      }
      if range == 0 {
        let bias = sum + weightCount
        if isFirst { bias.fill(kernels.padded, with: 0) }
        for position in 0..<images.count * geometry.positions {
          bias.add(upstream + position * kernels.padded, kernels.padded)
        }
      }
      let together = Partition(
        images.count, partsOfAtMost: max(1, Self.positionsAtOnce / geometry.positions))
      for i in 0..<together.parts {
        let first = together[i].lowerBound
        convolution.addWeightGradient(
          sum, gradientChannels: paddedChannels, firstChannel: channels.lowerBound,
          input: memory + first * imageCount, upstream: upstream + first * upstreamCount,
          images: together[i].count, adding: !isFirst || i > 0)
      }
      goBack(
        to: images, group, range, upstream, panels,
        upstream + ChannelsLast.imagesAtOnce * upstreamCount)
    }
  }

  /// The input's gradient of some images' range of channels, if it is asked for.
  @inline(__always)
  private func goBack(
    to images: Range<Int>, _ group: Int, _ range: Int, _ upstream: UnsafePointer<Float>,
    _ panels: UnsafePointer<Float>, _ memory: UnsafeMutablePointer<Float>
  ) {
    guard let inputGradient else { return }
    let back = wayBack(to: range)
    back.run(
      rows: 0..<geometry.height, inputRows: 0..<geometry.outputHeight, input: upstream,
      images: images.count, weights: panels, output: memory)
    for (i, image) in images.enumerated() {
      back.copyOutput(
        memory + i * geometry.plane * back.kernels.padded, pixels: geometry.plane,
        to: inputGradient + inputOffset(image, group, range), plane: geometry.plane
      ) { _, _ in }
    }
  }

  /// Where a range of channels starts in the input.
  private func inputOffset(_ image: Int, _ group: Int, _ range: Int) -> Int {
    geometry.inputOffset(image: image, group: group) + ranges[range].lowerBound * geometry.plane
  }

  /// Adds the parts' sums in their order, each channel a piece.
  private func addParts(_ sums: UnsafePointer<Float>) {
    layer.engine.run(geometry.groups * geometry.groupChannels) { piece in
      let (group, c) = (piece / geometry.groupChannels, piece % geometry.groupChannels)
      kernels.forEach { first, width in
        let panel = sums + group * sumCount + first * geometry.taps * paddedChannels
        for tap in 0..<geometry.taps {
          let start = panel + (tap * paddedChannels + c) * width
          for k in 0..<min(width, kernels.count - first) {
            let weight = layer.weight(group, first + k, c, 0, 0) + tap
            addParts(start + k, to: weightGradient + weight)
          }
        }
      }
    }
    guard let biasGradient else { return }
    for group in 0..<geometry.groups {
      for k in 0..<kernels.count {
        addParts(
          sums + group * sumCount + weightCount + k, to: biasGradient + group * kernels.count + k)
      }
    }
  }

  /// The same for a number.
  @inline(__always)
  private func addParts(_ first: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    var sum = accumulating ? target.pointee : 0
    for part in 0..<parts.parts { sum += first[part * geometry.groups * sumCount] }
    target.pointee = sum
  }
}
