import Datasets
import Foundation
import Tensors
import WholeFiles

/// A small picture of numbers in 8 bits.
///
/// What colours the levels get is decided by whoever draws it.
struct Raster: Encodable, Equatable, Sendable {
  /// What a level means.
  enum Scale: String, Encodable, Sendable {
    /// From `lower`, drawn as nothing, to `upper`, drawn as most.
    case sequential
    /// `lower` is −`upper`, and the middle is 0.
    case diverging
    /// Three bytes a pixel: red, green, blue.
    case colour
  }

  var width: Int
  var height: Int
  var scale: Scale
  /// Row after row from the top left: 0 is `lower`, 255 is `upper`. In JSON as base64.
  var pixels: [UInt8]
  var lower: Double
  var upper: Double

  private enum CodingKeys: String, CodingKey {
    case width, height, scale, pixels, lower, upper
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(width, forKey: .width)
    try container.encode(height, forKey: .height)
    try container.encode(scale, forKey: .scale)
    try container.encode(Data(pixels).base64EncodedString(), forKey: .pixels)
    try container.encode(lower, forKey: .lower)
    try container.encode(upper, forKey: .upper)
  }
}

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

extension Raster {
  /// How many bytes a pixel has.
  var depth: Int { scale == .colour ? 3 : 1 }

  /// A square, as far as it lies on the picture; a single pixel where it doesn't.
  func cropped(top: Int, left: Int, side: Int) -> Raster {
    let rows = clipped(top, side, height)
    let columns = clipped(left, side, width)
    var bytes: [UInt8] = []
    for row in rows {
      let start = (row * width + columns.lowerBound) * depth
      bytes += pixels[start..<start + columns.count * depth]
    }
    return Raster(
      width: columns.count, height: rows.count, scale: scale, pixels: bytes, lower: lower,
      upper: upper)
  }

  private func clipped(_ start: Int, _ length: Int, _ size: Int) -> Range<Int> {
    let lower = min(max(start, 0), size - 1)
    return lower..<max(min(start + length, size), lower + 1)
  }

  /// The picture with no side longer than `side`: every pixel the mean of those that it stands for.
  func shrunk(toFit side: Int) -> Raster {
    let longest = max(width, height)
    guard longest > side else { return self }
    return resized(
      width: max(width * side / longest, 1), height: max(height * side / longest, 1))
  }

  /// The picture in at most `side` pixels a side; a smaller one in as many whole multiples of its
  /// pixels as fit.
  func fitted(to side: Int) -> Raster {
    let factor = side / max(width, height, 1)
    return factor > 1 ? magnified(factor) : shrunk(toFit: side)
  }

  /// The picture with squares in place of pixels.
  func magnified(_ factor: Int) -> Raster {
    resized(width: width * factor, height: height * factor)
  }

  /// The picture in fewer or more pixels: each the mean of those that it stands for.
  func resized(width newWidth: Int, height newHeight: Int) -> Raster {
    guard width > 0, height > 0, (newWidth, newHeight) != (width, height) else { return self }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(newWidth * newHeight * depth)
    for y in 0..<newHeight {
      let rows =
        y * height / newHeight..<max((y + 1) * height / newHeight, y * height / newHeight + 1)
      for x in 0..<newWidth {
        let first = x * width / newWidth
        let columns = first..<max((x + 1) * width / newWidth, first + 1)
        for channel in 0..<depth {
          var sum = 0
          for row in rows {
            for column in columns { sum += Int(pixels[(row * width + column) * depth + channel]) }
          }
          let count = rows.count * columns.count
          bytes.append(UInt8((sum + count / 2) / count))
        }
      }
    }
    return Raster(
      width: newWidth, height: newHeight, scale: scale, pixels: bytes, lower: lower, upper: upper)
  }
}

extension Raster {
  /// The colour of a pixel.
  func colour(_ x: Int, _ y: Int) -> Colour {
    let start = (y * width + x) * depth
    return switch scale {
    case .sequential: Ramp.sequential[Int(pixels[start])]
    case .diverging: Ramp.diverging[Int(pixels[start])]
    case .colour:
      Colour(red: pixels[start], green: pixels[start + 1], blue: pixels[start + 2])
    }
  }

  /// The picture in colours.
  ///
  /// - Throws: `FileError` for one without pixels.
  func picture() throws(FileError) -> Picture {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(3 * width * height)
    for y in 0..<height {
      for x in 0..<width {
        let colour = colour(x, y)
        bytes += [colour.red, colour.green, colour.blue]
      }
    }
    return try Picture(height: height, width: width, bytes: bytes)
  }

  /// Rasters of one size side by side on white.
  ///
  /// - Parameters:
  ///   - columns: how many stand in a row; if left out, as many as make it about square.
  ///   - magnification: how many pixels wide and high each becomes; so wide are the gaps too.
  /// - Throws: `FileError` when there is none, or they differ in size.
  static func sheet(
    _ rasters: [Raster], columns: Int? = nil, magnification: Int = 1
  ) throws(FileError) -> Picture {
    var pictures: [Picture] = []
    for raster in rasters { pictures.append(try raster.magnified(magnification).picture()) }
    let square = Int(Double(rasters.count).squareRoot().rounded(.up))
    return try Picture.grid(pictures, columns: columns ?? max(square, 1), gap: magnification)
  }
}
