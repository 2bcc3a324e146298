import Datasets
import Foundation
import Layers
import Networks
import Tensors
import WholeFiles

/// A picture that the tour shows the network.
struct TourImage: Sendable {
  /// 1×3×H×W, blue, green and red planes, the mean subtracted.
  var tensor: Tensor<Float>
  /// Its class.
  var label: Int
  /// Whether nobody said so.
  var isLabelAssumed = false
  /// What it is, for a reader.
  var name: String

  /// The picture as the network gets it, cropped, in colour.
  var picture: Raster

  /// The mean of blue, green and red that is subtracted, of ImageNet's pictures.
  static let mean: [Double] = [104, 117, 123]

  /// A picture from a file, or a synthetic one drawn from the seed.
  ///
  /// As Caffe's classification example does it: the picture is resized so that the network's crop
  /// keeps 227 of 256 rows and columns, cropped in the centre, and the mean of each channel is
  /// subtracted.
  ///
  /// - Throws: `PictureError` for a file that is no picture.
  init(path: String?, seed: UInt32, definition: NetworkDefinition) throws {
    guard let path else {
      self = try Self.synthetic(seed: seed, definition: definition, numbers: 0..<1)[0]
      return
    }
    let picture = try Picture(contentsOf: URL(fileNamed: path))
    try self.init(
      picture, label: 0,
      name:
        "\(URL(fileNamed: path).lastPathComponent), \(picture.height)×\(picture.width), resized",
      definition: definition)
    isLabelAssumed = true
  }

  /// Pictures drawn from the seed, by number: of each ten in a row, every one shows another class.
  static func synthetic(
    seed: UInt32, definition: NetworkDefinition, numbers: Range<Int>
  ) throws -> [TourImage] {
    let images = try SyntheticImages(seed: UInt64(seed))
    return try numbers.map { number in
      let label = images.label(number)
      return try TourImage(
        images.picture(number), label: label,
        name: "a synthetic picture of class \"\(SyntheticImages.classNames[label])\"",
        definition: definition)
    }
  }

  /// An image that is there already.
  init(tensor: Tensor<Float>, label: Int, name: String) {
    self.init(tensor: tensor, label: label, name: name, pixelScale: 1)
  }

  /// An image whose pixels were multiplied by a scale when the mean was subtracted.
  private init(tensor: Tensor<Float>, label: Int, name: String, pixelScale: Float) {
    self.tensor = tensor
    self.label = label
    self.name = name
    let pixels = Tensor(tensor.shape, tensor.elements.map { $0 / pixelScale })
    picture = .colour(pixels, image: 0, lower: 0, upper: 255, adding: Self.mean)
  }

  private init(
    _ picture: Picture, label: Int, name: String, definition: NetworkDefinition
  ) throws {
    guard definition.imageShape.count == 3, definition.imageShape[0] == 3,
      definition.imageShape[1] == definition.imageShape[2], definition.imageShape[1] > 0
    else {
      throw LayerError(
        layer: definition.name,
        value: "images of " + Format.extents(definition.imageShape),
        rule: "can't be toured: they must have 3 channels and as many rows as columns")
    }
    let side = definition.imageShape[1]
    let classes = try definition.scoresShape().channels
    // No overflow: the shape of scores exists, so an extent is below 2³¹.
    let whole = (side * 256 + 113) / 227
    let transformer = definition.transformer
    let resized = try picture.resized(height: whole, width: whole)
    self.init(
      tensor: try transformer.tensor(Datum(resized)), label: min(label, classes - 1), name: name,
      pixelScale: transformer.scale)
  }
}
