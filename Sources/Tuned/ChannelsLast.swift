import Fast
import Layers

/// A convolution of `Float`s over images whose channels come last, without columns: eight images at
/// a time, and no multiplication by the padding's zeros.
///
///     out[n, y, x, k] = Σ_{i, j inside} Σ_c in[n, y·s + i − p, x·s + j − p, c] · weights[i, j, c, k]
///
/// Tricks:
/// - A tile's 8 rows (`ProductTile`) are one position of 8 images, so they meet the border together:
///   weights that lie in the padding are left out of the sum. With kernels of 3×3 and a pad of 1,
///   those are a tenth of what im2col multiplies on 13×13 pixels.
/// - With the channels last, what a row of a kernel looks at is one run of memory, and so are its
///   weights: nothing is copied for each weight, as im2col does.
/// - The weights are rearranged once for a pass, in panels of as many kernels as a tile has columns.
///
/// The pointers that its passes are given lead to as many numbers as their parameters say; each
/// offset is made of indices below those sizes: pixels `inside` the image, channels of a run.
///
/// Source: the order is the one that NVIDIA's and Intel's libraries for convolutions call NHWC.
struct ChannelsLast {
  /// C, H and W of what is read.
  let channels, height, width: Int
  /// K, H' and W' of what is written.
  let kernels: KernelPanels
  let outputHeight, outputWidth: Int
  let kernel, stride: Extent
  /// The padding above and on the left; negative where rows or columns are left out instead.
  let pad: (above: Int, left: Int)

  /// The images of a tile.
  static var imagesAtOnce: Int { 8 }

  /// The weights of a kernel.
  var depth: Int { kernel.area * channels }

  /// The input rows that some output rows look at.
  func inputRows(for rows: Range<Int>) -> Range<Int> {
    let first = rows.lowerBound * stride.height - pad.above
    let end = (rows.upperBound - 1) * stride.height - pad.above + kernel.height
    return (first..<max(first, end)).clamped(to: 0..<height)
  }

  // MARK: Passes

  /// Computes some output rows.
  ///
  /// - Parameters:
  ///   - rows: the output rows.
  ///   - inputRows: the input rows in memory: those that the output rows look at, or more.
  ///   - input: of each image those rows, × W × C.
  ///   - images: how many there are, 1 to 8.
  ///   - weights: the panels, `kernels.padded` × `depth` in all.
  ///   - output: takes 8 images' rows × W' × `kernels.padded`, of which the images that there aren't,
  ///     and the kernels beyond the last, mean nothing.
  @inline(__always)
  func run(
    rows: Range<Int>, inputRows: Range<Int>, input: UnsafePointer<Float>, images: Int,
    weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>
  ) {
    kernels.forEach { first, width in
      let (panel, output) = (weights + first * depth, output + first)
      switch width {
      case 16: run(Row16.self, rows, inputRows, input, images, panel, output)
      case 32: run(Row32.self, rows, inputRows, input, images, panel, output)
      default: run(Row48.self, rows, inputRows, input, images, panel, output)
      }
    }
  }

  /// The same for a panel of kernels.
  @inline(never)
  private func run<Row: TileRow>(
    _ row: Row.Type, _ rows: Range<Int>, _ inputRows: Range<Int>, _ input: UnsafePointer<Float>,
    _ images: Int, _ panel: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>
  ) {
    let inputStride = inputRows.count * width * channels
    let outputStride = rows.count * outputWidth * kernels.padded
    var target = output
    for y in rows {
      let top = y * stride.height - pad.above
      let inside = steps(from: top, by: 1, limit: kernel.height, inside: height)
      for x in 0..<outputWidth {
        let left = x * stride.width - pad.left
        let across = steps(from: left, by: 1, limit: kernel.width, inside: width)
        let run = across.count * channels
        var sums = ProductTile<Row>()
        for i in inside {
          let pixel = (top + i - inputRows.lowerBound) * width + left + across.lowerBound
          let weights = panel + (i * kernel.width + across.lowerBound) * channels * Row.count
          sums.add(
            inner: run, input + pixel * channels, rowStride: inputStride, rows: images, step: 1
          ) {
            Row(weights + $0 * Row.count)
          }
        }
        sums.store(target, stride: outputStride)
        target += kernels.padded
      }
    }
  }

  /// Adds the gradient of the weights over all output positions of some images.
  ///
  ///     gradient[i, j, c, k] = Σ_{n, y, x} upstream[n, y, x, k] · in[n, y·s + i − p, x·s + j − p, c]
  ///
  /// over the positions from which the weight lies inside.
  ///
  /// - Parameters:
  ///   - gradient: panels as of weights that have `gradientChannels` channels.
  ///   - gradientChannels: a multiple of 8. The C channels stand behind `firstChannel` others, and
  ///     the last tile of 8 takes those behind them as well.
  ///   - firstChannel: a multiple of 8.
  ///   - input: the images' H × W × C.
  ///   - upstream: the images' H' × W' × `kernels.padded`.
  ///   - adding: whether the gradient holds something to add to.
  @inline(__always)
  func addWeightGradient(
    _ gradient: UnsafeMutablePointer<Float>, gradientChannels: Int, firstChannel: Int,
    input: UnsafePointer<Float>, upstream: UnsafePointer<Float>, images: Int, adding: Bool
  ) {
    kernels.forEach { first, width in
      let work = WeightGradient(
        convolution: self,
        panel: gradient + first * kernel.area * gradientChannels + firstChannel * width,
        panelChannels: gradientChannels, input: input, upstream: upstream + first, images: images,
        adding: adding)
      switch width {
      case 16: work.run(Row16.self)
      case 32: work.run(Row32.self)
      default: work.run(Row48.self)
      }
    }
  }

  /// The gradient of a panel of weights: in tiles of 8 channels.
  private struct WeightGradient {
    let convolution: ChannelsLast
    let panel: UnsafeMutablePointer<Float>
    let panelChannels: Int
    let input, upstream: UnsafePointer<Float>
    let images: Int
    let adding: Bool

    @inline(never)
    func run<Row: TileRow>(_ row: Row.Type) {
      let (kernel, pad, stride) = (convolution.kernel, convolution.pad, convolution.stride)
      for i in 0..<kernel.height {
        let rows = steps(
          from: i - pad.above, by: stride.height, limit: convolution.outputHeight,
          inside: convolution.height)
        for j in 0..<kernel.width {
          let columns = steps(
            from: j - pad.left, by: stride.width, limit: convolution.outputWidth,
            inside: convolution.width)
          let target = panel + (i * kernel.width + j) * panelChannels * Row.count
          for c in Swift.stride(from: 0, to: convolution.channels, by: 8) {
            run(row, i - pad.above, j - pad.left, rows, columns, c, target + c * Row.count)
          }
        }
      }
    }

    /// Channels from c on, for the weight that looks `down` and `right` of where a window stands.
    @inline(__always)
    private func run<Row: TileRow>(
      _ row: Row.Type, _ down: Int, _ right: Int, _ rows: Range<Int>, _ columns: Range<Int>,
      _ c: Int, _ target: UnsafeMutablePointer<Float>
    ) {
      var sums = sums(row, down, right, rows, columns, c)
      if adding { sums.add(target, stride: Row.count) }
      sums.store(target, stride: Row.count)
    }

    /// Σ_{n, y, x}, in a function of its own so that the tile stays in registers.
    @inline(__always)
    private func sums<Row: TileRow>(
      _ row: Row.Type, _ down: Int, _ right: Int, _ rows: Range<Int>, _ columns: Range<Int>,
      _ c: Int
    ) -> ProductTile<Row> {
      let (stride, channels) = (convolution.stride, convolution.channels)
      let (width, outputWidth) = (convolution.width, convolution.outputWidth)
      let (step, upstreamStep) = (stride.width * channels, convolution.kernels.padded)
      let left = columns.lowerBound * stride.width + right
      let count = min(8, channels - c)
      var sums = ProductTile<Row>()
      for row in 0..<images * rows.count {
        let (n, y) = (row / rows.count, rows.lowerBound + row % rows.count)
        let pixel = (n * convolution.height + y * stride.height + down) * width + left
        let position = (n * convolution.outputHeight + y) * outputWidth + columns.lowerBound
        var upstream = upstream + position * upstreamStep
        sums.add(
          inner: columns.count, input + pixel * channels + c, rowStride: 1, rows: count, step: step
        ) { _ in
          let row = Row(upstream)
          upstream += upstreamStep
          return row
        }
      }
      return sums
    }
  }
}

/// Kernels in panels of as many as a tile has columns.
///
/// A panel holds, for each row and column of the kernels and each channel, the weights of its kernels
/// side by side. It starts behind the panels of the kernels before.
struct KernelPanels {
  /// The kernels.
  let count: Int

  /// With those that fill up the last panel, whose weights are 0.
  var padded: Int { (count + 15) / 16 * 16 }

  /// Calls `body` with the first kernel and the width of each panel.
  @inline(__always)
  func forEach(_ body: (_ first: Int, _ width: Int) -> Void) {
    var first = 0
    while first < count {
      let width = tileWidth(for: count - first)
      body(first, width)
      first += width
    }
  }
}
