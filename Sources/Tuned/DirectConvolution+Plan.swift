import Fast
import Layers
import Tensors

extension DirectConvolution {
  /// A convolution of a shape that this algorithm takes, and how its work is cut: by the shapes alone.
  struct Plan {
    let images, groups: Int
    /// K and C of a group.
    let groupFilters, groupChannels: Int
    /// Of a group, forwards.
    let convolution: DirectConvolution

    /// What it is called in reports.
    static var name: String { "direct, NHWC" }

    /// The numbers of an image's group, in a frame or in the output, beyond which the working memory
    /// would be too much.
    private static var largestCount: Int { 1 << 19 }
    /// Fewer pieces than this would leave threads idle.
    static var leastPieces: Int { 4 }

    /// `nil` for what another algorithm does better: few filters, 1×1 kernels, which im2col has no
    /// columns for either, and dilation.
    init?(_ specification: ConvolutionSpecification, _ input: Shape) {
      guard Tile.isSupported, let output = try? specification.outputShape(for: input) else {
        return nil
      }
      images = input.images
      groups = specification.group
      groupFilters = specification.outputChannels / groups
      groupChannels = input.channels / groups
      convolution = DirectConvolution(
        filters: PackedFilters(
          count: groupFilters, kernel: specification.kernel, channels: groupChannels),
        height: input.height, width: input.width, outputHeight: output.height,
        outputWidth: output.width, stride: specification.stride,
        pad: (specification.pad.height, specification.pad.width))
      guard images > 0, specification.dilation == 1, specification.kernel != 1, groupFilters >= 16,
        max(specification.pad.height, specification.pad.width) < Self.largestCount,
        convolution.height * convolution.width <= Self.largestCount,
        output.spatialCount * convolution.filters.padded <= Self.largestCount,
        convolution.frameCount(for: 0..<output.height) <= Self.largestCount
      else { return nil }
    }

    /// The convolution that leads from the output's gradient back to that of some of the input's
    /// channels: its filters are these channels, its channels the filters, and its windows are turned
    /// around.
    func inputGradientConvolution(channels: Int) -> DirectConvolution {
      DirectConvolution(
        filters: PackedFilters(
          count: channels, kernel: convolution.kernel, channels: convolution.filters.padded),
        height: convolution.outputHeight, width: convolution.outputWidth,
        outputHeight: convolution.height, outputWidth: convolution.width, stride: 1,
        pad: (
          convolution.kernel.height - 1 - convolution.pad.above,
          convolution.kernel.width - 1 - convolution.pad.left
        ))
    }

    /// Whether the pass backwards is better done so as well.
    ///
    /// - Parameter toInput: whether the input's gradient is asked for.
    func goesBackwards(toInput: Bool) -> Bool {
      guard toInput else { return true }
      let back = inputGradientConvolution(channels: groupChannels)
      return convolution.stride == 1 && groupChannels >= 16
        && back.frameCount(for: 0..<convolution.height) <= Self.largestCount
        && convolution.height * convolution.width * back.filters.padded <= Self.largestCount
    }

    /// H·W and H'·W'.
    var plane: Int { convolution.height * convolution.width }
    var positions: Int { convolution.outputHeight * convolution.outputWidth }

    /// Where the channels of a group begin in the input.
    func inputOffset(image: Int, group: Int) -> Int {
      (image * groups + group) * groupChannels * plane
    }

    /// Where the filters of a group begin in the output.
    func outputOffset(image: Int, group: Int) -> Int {
      (image * groups + group) * groupFilters * positions
    }
  }
}
