import CaffeFormats
import Datasets
import Foundation
import Layers
import Networks
import Tensors
import Tuned
import WholeFiles

/// A trained network that says what pictures show, prepared as the network's pictures are: as one of Caffe's
/// two examples does it, blue before green before red, the mean subtracted; or as torchvision does it.
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

  /// Which of Caffe's two programs pictures are prepared as. They cut and resize differently, and so don't
  /// say the same of a picture.
  public enum Preprocessing: String, CaseIterable, Sendable {
    /// `python/classify.py`: resized to 256×256 for a network that takes 227×227, and in that proportion for
    /// others, between floating-point numbers; the middle cut out (there: `--center_only`), or ten crops;
    /// a mean image resized to the crop.
    case classifyPy = "classify.py"
    /// `examples/cpp_classification/classification.cpp`: the whole picture resized to what the network
    /// takes, nothing cut; of a mean image the average of each channel.
    case classification
  }

  /// How pictures are prepared.
  public struct Preparation: Sendable {
    /// As which of Caffe's programs.
    public var preprocessing: Preprocessing
    /// The rows and columns that `classifyPy` resizes a picture to; `nil` for 256 in front of a crop of 227,
    /// and in that proportion for other crops.
    public var resize: Int?
    /// What is subtracted.
    public var mean: PictureMean
    /// What the difference to the mean is multiplied by.
    public var scale: Float
    /// Whether `classifyPy` averages the four corners, the middle and the mirror images of all five.
    public var tenCrop: Bool

    /// A preparation, CaffeNet's if left out.
    public init(
      preprocessing: Preprocessing = .classifyPy, resize: Int? = nil, mean: PictureMean = .caffenet,
      scale: Float = 1, tenCrop: Bool = false
    ) {
      self.preprocessing = preprocessing
      self.resize = resize
      self.mean = mean
      self.scale = scale
      self.tenCrop = tenCrop
    }
  }

  private let network: Network<Float>
  private let probabilities: String
  private let transformer: DataTransformer
  /// The rows and columns that a picture is resized to before it is cut.
  private let side: Int
  private let preprocessing: Preprocessing
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
    net: URL, weights: URL, labels: [String]? = nil, preparation: Preparation = .init(),
    backend: TunedBackend = TunedBackend()
  ) throws {
    let caffe = try NetPrototxt(contentsOf: net).network(phase: .testing)
    let plan = try caffe.locatingErrors { () throws(LayerError) in
      try NetworkPlan(caffe.definition, gradients: .none)
    }
    try MemoryNeed(plan, [.network, .weights]).require()
    let model = try CaffeModel(contentsOf: weights)
    var (read, report) = try model.parameters(of: plan, as: Float.self)
    guard report.untouched.isEmpty else {
      throw CaffeFileError(
        file: model.file,
        problem: "has no weights for \(report.untouched.joined(separator: ", ")) of "
          + "\(net.relativePath): layers are matched by name")
    }
    let parameters = plan.layers.map { read.removeValue(forKey: $0.name) ?? [] }
    try self.init(
      caffe.definition, parameters: parameters, file: net.relativePath,
      transformer: DataTransformer(scale: preparation.scale), labels: labels,
      preparation: preparation, backend: backend)
  }

  /// A network with its parameters, on its way into which a picture is transformed.
  ///
  /// - Parameters:
  ///   - definition: the network, of which losses and metrics are left out.
  ///   - parameters: those of all its layers.
  ///   - file: what error messages call it.
  ///   - transformer: what becomes of a picture, but for the crop, which is the network's, and the mean,
  ///     which is that of the preparation.
  ///   - labels: what the classes are called.
  ///   - preparation: what is done otherwise; its scale is not looked at.
  ///   - backend: which layers it runs on.
  package init(
    _ definition: NetworkDefinition, parameters: [[Tensor<Float>]], file: String,
    transformer: DataTransformer, labels: [String]?, preparation: Preparation,
    backend: TunedBackend
  ) throws {
    let image = definition.imageShape
    guard definition.otherInputs.isEmpty, image.count == 3, image[0] == 3 || image[0] == 1,
      image[1] == image[2]
    else {
      throw CaffeFileError(
        file: file,
        problem:
          "takes \(image.map(String.init).joined(separator: "×")) numbers an image; "
          + "classifying needs a network for "
          + "square pictures of 1 or 3 channels, and no other input")
    }
    let (shown, kept, probabilities) = definition.showingProbabilities()
    let batch = preparation.tenCrop ? 10 : 1
    try MemoryNeed(
      NetworkPlan(shown, batch: batch, gradients: .none), [.network, .parameters(1)]
    ).require()
    network = try Network(
      shown, backend: backend, batch: batch, gradients: .none, phase: .testing,
      parameters: kept.map { $0.map { parameters[$0] } ?? [] })
    self.probabilities = probabilities
    classCount = network.blob(probabilities)?.shape.channels ?? 0
    if let labels, labels.count != classCount {
      throw CaffeFileError(
        file: file,
        problem: "tells \(classCount) classes apart, but there are \(labels.count) labels")
    }
    self.labels = labels ?? []

    var transformer = transformer
    transformer.cropSize = image[1]
    preprocessing = preparation.preprocessing
    tenCrop = preparation.tenCrop
    switch preprocessing {
    case .classification:
      guard preparation.resize == nil, !tenCrop else {
        throw CaffeFileError(
          file: file,
          problem:
            "as classification prepares pictures they are resized to what the network takes, and "
            + "nothing is cut: leave out the other size and the ten crops")
      }
      side = image[1]
    case .classifyPy:
      side = preparation.resize ?? transformer.recordSide
      guard side >= image[1] else {
        throw CaffeFileError(
          file: file,
          problem: "takes \(image[1]) rows and columns: resizing to \(side) is too small")
      }
    }
    if transformer.normalisation == nil {
      transformer.mean = try Self.mean(preparation, image)
    } else {
      let foreign: String? =
        switch (preparation.mean, preprocessing) {
        case (.file(let file), _): file.relativePath
        case (.values, _): "--mean"
        case (.caffenet, .classification): "--preprocessing"
        case (.caffenet, .classifyPy): nil
        }
      if let foreign { throw Self.doesNotBelong(foreign) }
    }
    self.transformer = transformer
  }

  /// The classes of a picture, the likeliest first; of equal ones the first.
  ///
  /// - Throws: `FileError` for a file that is no picture.
  /// - Complexity: O(pixels) to prepare the picture, a forward pass, and O(C·log C) for C classes.
  public func predictions(for file: URL, count: Int) throws -> [Prediction] {
    let isGray = network.input.shape.channels == 1
    let picture = try Picture(
      decoding: try Picture.fileContent(file), name: file.relativePath, inGray: isGray)
    // Of each record where it is cut; Caffe's way has cut before.
    let whole = DataTransformer.Placement(top: 0, left: 0)
    func datum(_ picture: Picture) -> Datum { isGray ? Datum(gray: picture) : Datum(picture) }
    let crops: [(record: Datum, placement: DataTransformer.Placement)]
    if transformer.normalisation != nil {
      let record = datum(try transformer.resized(picture, to: side))
      crops = placements(
        height: record.height, width: record.width, centre: transformer.centre(of: record)
      ).map { (record, $0) }
    } else if preprocessing == .classification {
      crops = [(datum(try picture.resized(height: side, width: side)), whole)]
    } else {
      let planes = FloatPlanes(datum(picture)).resized(height: side, width: side)
      let crop = network.input.shape.height
      let middle = DataTransformer.Placement(top: (side - crop) / 2, left: (side - crop) / 2)
      crops = try placements(height: side, width: side, centre: middle).map {
        (try planes.cropped(crop, $0).datum(), whole)
      }
    }
    var images = Tensor<Float>(network.input.shape)
    for (index, crop) in crops.enumerated() {
      try transformer.write(
        crop.record, placement: crop.placement, into: &images, image: index)
    }
    try network.load(images: images, labels: [])
    try network.forward()
    guard let output = network.blob(probabilities) else { return [] }
    let average = (0..<classCount).map { index in
      crops.indices.reduce(Float(0)) { $0 + output.elements[$1 * classCount + index] }
        / Float(crops.count)
    }
    return average.indices.sorted { (average[$0], $1) > (average[$1], $0) }.prefix(count).map {
      Prediction(
        index: $0, name: labels.indices.contains($0) ? labels[$0] : "class \($0)",
        probability: average[$0])
    }
  }

  /// The middle; or the corners and the middle, then their mirror images.
  private func placements(
    height: Int, width: Int, centre: DataTransformer.Placement
  ) -> [DataTransformer.Placement] {
    guard tenCrop else { return [centre] }
    let bottom = height - network.input.shape.height
    let right = width - network.input.shape.width
    let corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), (centre.top, centre.left)]
    return [false, true].flatMap { mirrored in
      corners.map { .init(top: $0.0, left: $0.1, isMirrored: mirrored) }
    }
  }

  /// What is subtracted from what the network takes, whose image has these extents.
  private static func mean(
    _ preparation: Preparation, _ image: [Int]
  ) throws -> DataTransformer.Mean {
    let mean = try preparation.mean.content(channels: image[0])
    guard preparation.preprocessing == .classifyPy else { return mean.averaged }
    guard case .image(let picture) = mean else { return mean }
    let resized = FloatPlanes(
      channels: image[0], height: picture.shape[1], width: picture.shape[2],
      values: picture.elements
    ).resized(height: image[1], width: image[1])
    return .image(Tensor(Shape(image[0], image[1], image[2]), resized.values))
  }

  /// The error for what belongs to Caffe's networks beside a network of PyTorch's.
  package static func doesNotBelong(_ name: String) -> CaffeFileError {
    CaffeFileError(
      file: name,
      problem: "doesn't belong to this network, whose pictures are normalised in PyTorch's way")
  }
}

extension NetworkDefinition {
  /// The network up to its scores, with a softmax behind them; for each of its layers, which of this
  /// network's it is; and the blob that the softmax writes. Losses and metrics, which need labels, are left
  /// out.
  fileprivate func showingProbabilities() -> (
    network: NetworkDefinition, kept: [Int?], blob: String
  ) {
    var network = self
    let kept = layers.indices.filter { !layers[$0].specification.takesLabels }
    network.layers = kept.map { layers[$0] }
    let loss = layers.first {
      $0.specification is SoftmaxWithLossSpecification
    }
    guard let last = network.layers.last else { return (network, kept, network.data) }
    if loss == nil, last.specification is SoftmaxSpecification { return (network, kept, last.top) }
    let taken = Set(network.layers.map(\.top) + [network.data])
    let name = taken.contains("probabilities") ? "probabilities of \(self.name)" : "probabilities"
    network.layers.append(
      LayerDefinition(
        name: name, specification: SoftmaxSpecification(),
        bottoms: [loss?.bottoms.first ?? last.top], top: name))
    return (network, kept + [nil], name)
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
