import CaffeFormats
import Datasets
import Foundation
import Layers
import Networks
import Tensors
import Tuned
import WholeFiles

/// A trained network that says what pictures show, prepared as Caffe's classification example does:
/// resized, cropped, blue before green before red, the mean subtracted.
public struct Classifier {
  /// A class and how sure the network is.
  public struct Prediction: Encodable, Equatable, Sendable {
    /// The class's number.
    public var index: Int
    /// What it is called.
    public var name: String
    /// How sure the network is, between 0 and 1.
    public var probability: Float

    /// A class.
    public init(index: Int, name: String, probability: Float) {
      self.index = index
      self.name = name
      self.probability = probability
    }
  }

  /// How pictures are prepared.
  public struct Preparation: Sendable {
    /// The rows and columns that a picture is resized to; `nil` for 256 in front of a crop of 227,
    /// and in that proportion for other crops.
    public var resize: Int?
    /// The file with the mean; `nil` for CaffeNet's 104, 117 and 123.
    public var mean: URL?
    /// What the difference to the mean is multiplied by.
    public var scale: Float
    /// Whether the four corners, the middle and the mirror images of all five are averaged.
    public var tenCrop: Bool

    /// A preparation, CaffeNet's if left out.
    public init(
      resize: Int? = nil, mean: URL? = nil, scale: Float = 1, tenCrop: Bool = false
    ) {
      self.resize = resize
      self.mean = mean
      self.scale = scale
      self.tenCrop = tenCrop
    }
  }

  private let network: Network<Float>
  private let probabilities: String
  private let transformer: DataTransformer
  private let side: Int
  private let tenCrop: Bool
  private let labels: [String]

  /// How many classes the network knows.
  public let classCount: Int

  /// A network with its weights.
  ///
  /// - Throws: `CaffeFileError` or `LayerError` for files that can't be used or don't fit together,
  ///   `MemoryError` for a network that is too large for this process.
  /// - Complexity: O(parameters), which are read, and memory for them and the network's blobs.
  public init(
    net: URL, weights: URL, labels: [String]? = nil, preparation: Preparation = .init()
  ) throws {
    let caffe = try NetPrototxt(contentsOf: net).network(phase: .testing)
    let (definition, probabilities) = caffe.definition.showingProbabilities()
    let image = definition.imageShape
    guard definition.otherInputs.isEmpty, image.count == 3, image[0] == 3 || image[0] == 1,
      image[1] == image[2]
    else {
      throw CaffeFileError(
        file: net.relativePath,
        problem:
          "takes \(image.map(String.init).joined(separator: "×")) numbers an image; "
          + "classifying needs a network for "
          + "square pictures of 1 or 3 channels, and no other input")
    }
    let batch = preparation.tenCrop ? 10 : 1
    // The network's parameters, the file, and what is read of it.
    try MemoryNeed(NetworkPlan(definition, batch: batch), parameters: 3, blobs: 2).require()
    network = try caffe.locatingErrors { () throws(LayerError) in
      try Network(
        definition, backend: TunedBackend(), batch: batch,
        gradients: .none, phase: .testing)
    }
    self.probabilities = probabilities
    let model = try CaffeModel(contentsOf: weights)
    let report = try model.copy(into: network)
    guard report.untouched.isEmpty else {
      throw CaffeFileError(
        file: weights.relativePath,
        problem: "has no weights for \(report.untouched.joined(separator: ", ")) of "
          + "\(net.relativePath): layers are matched by name")
    }
    classCount = network.blob(probabilities)?.shape.channels ?? 0
    if let labels, labels.count != classCount {
      throw CaffeFileError(
        file: net.relativePath,
        problem: "tells \(classCount) classes apart, but there are \(labels.count) labels")
    }
    self.labels = labels ?? []

    side = preparation.resize ?? (image[1] * 256 + 113) / 227
    guard side >= image[1] else {
      throw CaffeFileError(
        file: net.relativePath,
        problem: "takes \(image[1]) rows and columns: resizing to \(side) is too small")
    }
    tenCrop = preparation.tenCrop
    transformer = DataTransformer(
      cropSize: image[1],
      mean: try Self.mean(preparation.mean, channels: image[0], side: side),
      scale: preparation.scale)
  }

  /// The classes of a picture, the likeliest first; of equal ones the first.
  ///
  /// - Throws: `PictureError` for a file that is no picture.
  /// - Complexity: O(pixels) to prepare the picture, a forward pass, and O(C·log C) for C classes.
  public func predictions(for file: URL, count: Int) throws -> [Prediction] {
    let isGray = network.input.shape.channels == 1
    let picture = try Picture(
      decoding: try Picture.fileContent(file), name: file.relativePath, inGray: isGray
    ).resized(height: side, width: side)
    let datum = isGray ? Datum(gray: picture) : Datum(picture)
    var images = Tensor<Float>(network.input.shape)
    for (index, placement) in placements(of: datum).enumerated() {
      try transformer.write(datum, placement: placement, into: &images, image: index)
    }
    try network.load(images: images, labels: [])
    try network.forward()
    guard let output = network.blob(probabilities) else { return [] }
    let crops = images.shape.images
    let average = (0..<classCount).map { index in
      (0..<crops).reduce(Float(0)) { $0 + output.elements[$1 * classCount + index] } / Float(crops)
    }
    return average.indices.sorted { (average[$0], $1) > (average[$1], $0) }.prefix(count).map {
      Prediction(
        index: $0, name: labels.indices.contains($0) ? labels[$0] : "class \($0)",
        probability: average[$0])
    }
  }

  /// The middle; or the corners and the middle, then their mirror images.
  private func placements(of datum: Datum) -> [DataTransformer.Placement] {
    let centre = transformer.centre(of: datum)
    guard tenCrop else { return [centre] }
    let last = side - network.input.shape.height
    let corners = [(0, 0), (0, last), (last, 0), (last, last), (centre.top, centre.left)]
    return [false, true].flatMap { mirrored in
      corners.map { .init(top: $0.0, left: $0.1, isMirrored: mirrored) }
    }
  }

  /// A mean image where it has the size of the resized picture, else its average in each channel.
  private static func mean(_ file: URL?, channels: Int, side: Int) throws -> DataTransformer.Mean {
    guard let file else {
      return channels == 3 ? DataTransformer.caffenet.mean : .none
    }
    let image = try MeanImage.read(file, as: Float.self)
    guard image.shape.dimensions[0] == channels else {
      throw CaffeFileError(
        file: file.relativePath,
        problem: "has \(image.shape.dimensions[0]) channels; the network takes \(channels)")
    }
    if image.shape.dimensions == [channels, side, side] { return .image(image) }
    let area = image.count / channels
    return .perChannel(
      (0..<channels).map { channel in
        let values = image.elements[channel * area..<(channel + 1) * area]
        return Float(values.reduce(0.0) { $0 + Double($1) } / Double(area))
      })
  }
}

extension NetworkDefinition {
  /// The network up to its scores, with a softmax behind them, and the blob it writes: losses and
  /// metrics, which need labels, are left out.
  fileprivate func showingProbabilities() -> (network: NetworkDefinition, blob: String) {
    var network = self
    network.layers.removeAll { $0.specification.takesLabels }
    let loss = layers.first {
      $0.specification is SoftmaxWithLossSpecification
    }
    guard let last = network.layers.last else { return (network, network.data) }
    if loss == nil, last.specification is SoftmaxSpecification { return (network, last.top) }
    let taken = Set(network.layers.map(\.top) + [network.data])
    let name = taken.contains("probabilities") ? "probabilities of \(self.name)" : "probabilities"
    network.layers.append(
      LayerDefinition(
        name: name, specification: SoftmaxSpecification(),
        bottoms: [loss?.bottoms.first ?? last.top], top: name))
    return (network, name)
  }
}

/// What classes are called, from a file with a line for each, as Caffe's `synset_words.txt`.
public enum ClassNames {
  /// Reads the names, in the order of the classes.
  ///
  /// Lines end with a line feed, which a carriage return may precede; a byte order mark at the beginning
  /// is none of the first name.
  ///
  /// Where every line begins with an id of WordNet, as `n01440764 tench, Tinca tinca`, the names
  /// are what stands behind it. Empty lines at the end are no names.
  ///
  /// - Throws: `FileError` for a file that can't be read.
  /// - Complexity: O(length) of the file.
  public static func read(_ path: String) throws(FileError) -> [String] {
    let bytes = try WholeFile.read(URL(fileNamed: path), limit: 1 << 26)
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    var lines = bytes.dropFirst(bytes.starts(with: mark) ? mark.count : 0)
      .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    while lines.last?.isEmpty == true { lines.removeLast() }
    let names = lines.compactMap(nameBehindID)
    return names.count == lines.count ? names : lines
  }

  /// What stands behind an id: `n` and eight digits. `nil` where there is none.
  private static func nameBehindID(_ line: String) -> String? {
    let parts = line.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].count == 9, parts[0].first == "n",
      parts[0].dropFirst().allSatisfy({ ("0"..."9").contains($0) })
    else { return nil }
    return String(parts[1])
  }
}
