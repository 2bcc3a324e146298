import Datasets
import Foundation
import Layers
import Networks
import Tensors
import WholeFiles

/// A picture that the tour shows the network.
struct TourImage: Sendable {
  /// 1×3×H×W, as the network's pictures are prepared.
  var tensor: Tensor<Float>
  /// Its class.
  var label: Int
  /// Whether nobody said so.
  var isLabelAssumed = false
  /// What it is, for a reader.
  var name: String

  /// The picture as the network gets it, cropped, in colour, as it was before it was prepared.
  var picture: Raster

  /// A picture from a file, or a synthetic one drawn from the seed.
  ///
  /// It is prepared as the network's pictures are: as Caffe's classification example does it, resized so
  /// that the network's crop keeps 227 of 256 rows and columns, cropped in the centre, the mean of each
  /// channel subtracted; or as torchvision does it.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - seed: that of a synthetic picture.
  ///   - definition: the network.
  ///   - transformer: how its pictures are prepared; as its name says if left out.
  /// - Throws: `FileError` for a file that is no picture.
  init(
    path: String?, seed: UInt32, definition: NetworkDefinition,
    transformer: DataTransformer? = nil
  ) throws {
    guard let path else {
      self = try Self.synthetic(
        seed: seed, definition: definition, numbers: 0..<1, transformer: transformer)[0]
      return
    }
    let picture = try Picture(contentsOf: URL(fileNamed: path))
    try self.init(
      picture, label: 0,
      name:
        "\(URL(fileNamed: path).lastPathComponent), \(picture.height)×\(picture.width), resized",
      definition: definition, transformer: transformer)
    isLabelAssumed = true
  }

  /// Pictures drawn from the seed, by number: of each ten in a row, every one shows another class.
  static func synthetic(
    seed: UInt32, definition: NetworkDefinition, numbers: Range<Int>,
    transformer: DataTransformer? = nil
  ) throws -> [TourImage] {
    let images = try SyntheticImages(seed: UInt64(seed))
    return try numbers.map { number in
      let label = images.label(number)
      return try TourImage(
        images.picture(number), label: label,
        name: "a synthetic picture of class \"\(SyntheticImages.classNames[label])\"",
        definition: definition, transformer: transformer)
    }
  }

  /// An image that is there already.
  init(tensor: Tensor<Float>, label: Int, name: String) {
    self.init(tensor: tensor, label: label, name: name, transformer: .caffenet)
  }

  /// An image, and what has become of the picture's pixels.
  private init(tensor: Tensor<Float>, label: Int, name: String, transformer: DataTransformer) {
    self.tensor = tensor
    self.label = label
    self.name = name
    picture = .colour(transformer.pixels(of: tensor), image: 0, lower: 0, upper: 255)
  }

  private init(
    _ picture: Picture, label: Int, name: String, definition: NetworkDefinition,
    transformer: DataTransformer?
  ) throws {
    guard definition.imageShape.count == 3, definition.imageShape[0] == 3,
      definition.imageShape[1] == definition.imageShape[2], definition.imageShape[1] > 0
    else {
      throw LayerError(
        layer: definition.name,
        value: "images of " + Format.extents(definition.imageShape),
        rule: "can't be toured: they must have 3 channels and as many rows as columns")
    }
    let classes = try definition.scoresShape().channels
    let transformer = transformer ?? definition.transformer
    let resized = try transformer.resized(picture)
    self.init(
      tensor: try transformer.tensor(Datum(resized)), label: min(label, classes - 1), name: name,
      transformer: transformer)
  }
}
