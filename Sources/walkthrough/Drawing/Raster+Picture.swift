import Datasets
import WholeFiles

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
