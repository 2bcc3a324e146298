import Datasets
import Foundation
import Networks
import Tensors

/// The picture that the tour shows the network.
struct TourImage {
  /// 1×3×H×W, blue, green and red planes, the mean subtracted.
  var tensor: Tensor<Float>
  var label: Int
  /// What it is, for a reader.
  var name: String

  /// A picture from a file, or a synthetic one drawn from the seed.
  ///
  /// As Caffe's classification example does it: the picture is resized so that the network's crop
  /// keeps 227 of 256 rows and columns, cropped in the centre, and the mean of each channel is
  /// subtracted.
  ///
  /// - Throws: `PictureError` for a file that is no picture.
  init(path: String?, seed: UInt32, definition: NetworkDefinition) throws {
    let side = definition.imageShape[1]
    let whole = (side * 256 + 113) / 227
    let picture: Picture
    if let path {
      picture = try Picture(contentsOf: URL(filePath: path))
      label = 0
      name = "\(URL(filePath: path).lastPathComponent), \(picture.height)×\(picture.width), resized"
    } else {
      let images = try SyntheticImages(seed: UInt64(seed))
      picture = images.picture(0)
      label = images.label(0)
      name = "a synthetic picture of class \"\(SyntheticImages.classNames[label])\""
    }
    var transformer = Transformer.caffenet
    transformer.cropSize = side
    tensor = try transformer.tensor(Datum(try picture.resized(height: whole, width: whole)))
  }
}
