import Tensors

extension Raster {
  /// One channel of the first image, at its own size.
  ///
  /// - Parameter isSigned: whether 0 is the middle of the scale, as where other channels go below
  ///   it; if left out, whether this one does.
  init(_ tensor: Tensor<Float>, channel: Int, isSigned: Bool? = nil) {
    let plane = tensor.shape.spatialCount
    let values = tensor.elements[channel * plane..<(channel + 1) * plane].map(Double.init)
    let finite = values.lazy.filter(\.isFinite)
    let (least, greatest) = (finite.min() ?? 0, finite.max() ?? 0)
    let reach = max(-least, greatest)
    let isSigned = isSigned ?? (least < 0)
    self.init(
      values, width: tensor.shape.width, height: tensor.shape.height,
      scale: isSigned ? .diverging : .sequential, lower: isSigned ? -reach : least,
      upper: isSigned ? reach : greatest)
  }

  /// Numbers as levels between two bounds; NaN as the lower one.
  init(
    _ values: [Double], width: Int, height: Int, scale: Scale, lower: Double, upper: Double
  ) {
    let factor = upper > lower ? 255 / (upper - lower) : 0
    self.init(
      width: width, height: height, scale: scale,
      pixels: values.map { value in
        let level = (value - lower) * factor
        return level.isNaN ? 0 : UInt8(min(max(level.rounded(), 0), 255))
      }, lower: lower, upper: upper)
  }

  /// The filters of a convolution of blue, green and red planes, in colour: all on one scale, on
  /// which grey is 0.
  ///
  /// - Parameter weights: K×3×H×W.
  static func filters(_ weights: Tensor<Float>) -> [Raster] {
    let shape = weights.shape
    guard shape.rank == 4, shape.channels == 3 else { return [] }
    let reach = weights.largestMagnitude
    return (0..<shape.images).map { kernel in
      colour(weights, image: kernel, lower: -reach, upper: reach)
    }
  }

  /// The planes blue, green and red of one image of a tensor as a picture in colour.
  static func colour(
    _ tensor: Tensor<Float>, image: Int, lower: Double, upper: Double,
    adding mean: [Double] = [0, 0, 0]
  ) -> Raster {
    let (height, width) = (tensor.shape.height, tensor.shape.width)
    var values: [Double] = []
    values.reserveCapacity(3 * height * width)
    for y in 0..<height {
      for x in 0..<width {
        for channel in [2, 1, 0] {
          values.append(Double(tensor[image, channel, y, x]) + mean[channel])
        }
      }
    }
    return Raster(
      values, width: width, height: height, scale: .colour, lower: lower, upper: upper)
  }
}
