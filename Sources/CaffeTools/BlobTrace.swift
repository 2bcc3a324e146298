import CaffeFormats
import Foundation
import Layers
import Networks
import NumPyFiles
import Tensors
import WholeFiles

/// One pass of a network from Caffe's files, every blob and gradient kept.
public struct BlobTrace {
  private let net: NetPrototxt
  private let model: CaffeModel
  private let content: InputArrays
  private let phase: Phase
  private let backward: Bool
  private let seed: UInt32

  /// What a pass left.
  public struct Result {
    /// The blobs and gradients. `<index>` counts the layers of the phase from 00:
    ///
    ///     top/<index>_<layer>/<blob>          a blob right after the layer ran
    ///     bottom_grad/<index>_<layer>/<blob>  its gradient right after the layer ran backwards
    ///     param/<layer>/<i>                   weights (0) and bias (1)
    ///     param_grad/<layer>/<i>              their gradients
    public var arrays = NumPyArchive()
    /// What the user should know about how they came to be.
    public var notes: [String] = []

    package init() {}
  }

  /// A pass, which `run` takes.
  ///
  /// - Parameters:
  ///   - net: the network.
  ///   - model: its weights.
  ///   - input: the images as an `.npy`, N×C×H×W, or an `.npz` with an array for each input.
  ///   - label: the labels as an `.npy`, where the input doesn't have them.
  ///   - phase: training or testing.
  ///   - backward: whether to run backwards too.
  ///   - seed: the start of all randomness: what dropout drops, what `DummyData` layers draw.
  /// - Throws: `CaffeFileError`, `FileError` or `FileError` for files that can't be read.
  /// - Complexity: O(length) of the files, which are held in memory.
  public init(
    net: URL, model: URL, input: URL, label: URL? = nil, phase: Phase = .testing,
    backward: Bool = false, seed: UInt32 = 1
  ) throws {
    self.init(
      net: try NetPrototxt(contentsOf: net), model: try CaffeModel(contentsOf: model),
      content: try InputArrays(input: input, label: label), phase: phase, backward: backward,
      seed: seed)
  }

  /// A pass with what has been read.
  package init(
    net: NetPrototxt, model: CaffeModel, content: InputArrays, phase: Phase, backward: Bool,
    seed: UInt32
  ) {
    self.net = net
    self.model = model
    self.content = content
    self.phase = phase
    self.backward = backward
    self.seed = seed
  }

  /// Runs the network.
  ///
  /// - Parameter backend: whose version of the layers, and in which precision.
  /// - Throws: `CaffeFileError`, `LayerError` or `FileError` for files that don't fit together,
  ///   `MemoryError` for a network that is too large for this process.
  /// - Complexity: A forward pass, and a backward pass if asked for; memory for all blobs and
  ///   parameters, their gradients, and copies of them.
  public func run<Scalar>(on backend: some Backend<Scalar>) throws -> Result {
    let caffe = try net.network(phase: phase, fedExtents: content.extents)
    let fed = try feeds(of: caffe, as: Scalar.self)
    var definition = caffe.definition
    for index in definition.otherInputs.indices {
      if let tensor = fed[definition.otherInputs[index].name] {
        definition.otherInputs[index].dimensions = tensor.shape.dimensions
      }
    }
    guard let images = fed[definition.data] else {
      throw CaffeFileError(file: net.file, problem: "nothing feeds \"\(definition.data)\"")
    }
    guard
      !backward || definition.layers.contains(where: { $0.typeName == "SoftmaxWithLoss" })
    else {
      throw CaffeFileError(
        file: net.file,
        problem: "the network has no loss in this phase, so there is nothing to run backwards from")
    }
    let batch = images.shape.images
    let gradients: GradientScope = backward ? .parametersAndInput : .none
    try MemoryNeed(
      NetworkPlan(definition, batch: batch, gradients: gradients), [.network, .weights, .archive]
    ).require()
    let network = try caffe.locatingErrors { [definition] () throws(LayerError) in
      try Network(
        definition, backend: backend, batch: batch, gradients: gradients, phase: phase, seed: seed)
    }
    var result = Result()
    try copyWeights(into: network, notes: &result.notes)
    try network.load(fed)
    func key(_ number: Int) -> String {
      BlobTrace.key(number, caffe.message.layer[number].name)
    }
    result.arrays = try network.record(
      keys: caffe.numbers.map(key),
      inputs: caffe.inputs.compactMap { input in
        fed[input.name].map { (key(input.layer), input.name, $0) }
      }, backward: backward)
    return result
  }

  /// What stands for a layer in the keys: its number, in two digits at least, and its name.
  package static func key(_ number: Int, _ name: String) -> String {
    "\(number < 10 ? "0" : "")\(number)_\(name)"
  }

  private func copyWeights<Scalar>(into network: Network<Scalar>, notes: inout [String]) throws {
    let report = try model.copy(into: network)
    let learning = zip(network.definition.layers, network.parameters).filter { !$1.isEmpty }
    guard !report.copied.isEmpty || learning.isEmpty else {
      throw CaffeFileError(
        file: model.file,
        problem: "none of its layers has the name of one with weights in \(net.file): the file has "
          + "\(report.ignored.joined(separator: ", ")), the network "
          + learning.map(\.0.name).joined(separator: ", "))
    }
    if !report.untouched.isEmpty {
      notes.append(
        "not in \(model.file), so filled at random: \(report.untouched.joined(separator: ", "))")
    }
  }

  /// What every input is fed, its shape checked.
  private func feeds<Scalar: Tensors.Scalar>(
    of caffe: CaffeNetwork, as type: Scalar.Type
  ) throws -> [String: Tensor<Scalar>] {
    let unknown = content.unknown(among: caffe.inputs.map(\.name))
    guard unknown.isEmpty else {
      throw CaffeFileError(
        file: net.file,
        problem: "there is no input \(unknown.joined(separator: ", ")); the inputs are "
          + caffe.inputs.map(\.name).joined(separator: ", "))
    }
    if let file = content.labelFile, caffe.labels == nil {
      throw FileError(
        path: file,
        problem: "are labels, and \(net.file) takes none in this phase: leave out --label")
    }
    var seeds = SplitMix64(seed: UInt64(seed))
    var fed: [String: Tensor<Scalar>] = [:]
    for input in caffe.inputs {
      let isImages = input.name == caffe.definition.data
      let isLabels = input.name == caffe.definition.label
      if let given = content.array(for: input.name, isImages: isImages, isLabels: isLabels) {
        // Any number of images will do; of one image, the extents are fixed.
        guard given.array.shape.dimensions.dropFirst() == input.shape.dimensions.dropFirst(),
          given.array.shape.rank == input.shape.rank
        else {
          throw FileError(
            path: given.file,
            problem: "has shape \(given.array.shape); \"\(input.name)\" needs \(input.shape), with "
              + "any number of images")
        }
        fed[input.name] = given.array.tensor()
      } else if case .filler(let filler) = input.source {
        fed[input.name] = filler.fill(input.shape, seed: seeds.next())
      } else {
        let option = isLabels ? "--label, or" : "--input, as"
        throw CaffeFileError(
          file: net.file,
          problem: "input \"\(input.name)\" of shape \(input.shape) is not given; it can be with "
            + "\(option) an array \"\(input.name)\" in an .npz")
      }
    }
    return fed
  }
}

extension Network {
  /// Gives the network what it is fed, labels too, by the names of the blobs.
  package func load(_ fed: [String: Tensor<Scalar>]) throws {
    for (name, tensor) in fed {
      switch name {
      case definition.data, definition.label: continue
      default: try load(tensor, into: name)
      }
    }
    guard let images = fed[definition.data] else { return }
    var labels: [Int] = []
    for value in fed[definition.label]?.elements ?? [] {
      guard let label = Int32(exactly: value.doubleValue) else {
        throw LayerError(
          layer: definition.label, value: "label \(value.doubleValue)",
          rule: "must be a class: a whole number below 2^31")
      }
      labels.append(Int(label))
    }
    try load(images: images, labels: labels)
  }

  /// Runs the network layer by layer and keeps what is there after each, under the keys that
  /// `BlobTrace.Result` lists.
  ///
  /// - Parameters:
  ///   - keys: what stands for each layer; nil for one that isn't kept.
  ///   - inputs: what the network was fed: what stands for its layer, the blob's name, the content.
  ///   - backward: whether to run backwards too.
  package func record(
    keys: [String?], inputs: [(key: String, blob: String, content: Tensor<Scalar>)],
    backward: Bool
  ) throws -> NumPyArchive {
    var archive = NumPyArchive()
    let layers = definition.layers
    for input in inputs { archive["top/\(input.key)/\(input.blob)"] = numPyArray(input.content) }
    for (index, layer) in layers.enumerated() {
      try forward(layer: index)
      guard let key = keys[index] else { continue }
      for name in [layer.top, layer.probabilities].compactMap({ $0 }) {
        archive["top/\(key)/\(name)"] = blob(name).map(numPyArray)
      }
    }
    for (index, layer) in layers.enumerated() {
      for (number, tensor) in parameters[index].enumerated() {
        archive["param/\(layer.name)/\(number)"] = numPyArray(tensor)
      }
    }
    guard backward else { return archive }

    for (index, layer) in layers.enumerated().reversed() {
      self.backward(layer: index)
      guard let key = keys[index], layer.specification.isDifferentiable else { continue }
      let blob = layer.bottoms[0]
      archive["bottom_grad/\(key)/\(blob)"] = gradient(of: blob).map(numPyArray)
    }
    for (index, layer) in layers.enumerated() {
      for (number, tensor) in parameterGradients[index].enumerated() {
        archive["param_grad/\(layer.name)/\(number)"] = numPyArray(tensor)
      }
    }
    return archive
  }
}

/// An array in the precision of the tensor.
private func numPyArray<Scalar: Tensors.Scalar>(_ tensor: Tensor<Scalar>) -> NumPyArray {
  if let floats = tensor as? Tensor<Float> { return NumPyArray(floats) }
  return NumPyArray(tensor.converted(to: Double.self))
}

/// What is fed to a network: an array for each input, or one that goes to the images.
package struct InputArrays {
  /// The arrays by the names of their blobs; the images of a plain `.npy` under "".
  private var arrays: [String: NumPyArray] = [:]
  /// Where each came from, for error messages.
  private var files: [String: String] = [:]
  private let labels: (array: NumPyArray, file: String)?

  /// Reads an `.npy` of images, or an `.npz` with an array for each input, and the labels.
  package init(input: URL, label: URL?) throws {
    labels = try label.map { (try NumPyArray(contentsOf: $0), $0.relativePath) }
    // Read once, as a pipe can be.
    let bytes = try WholeFile.read(input)
    let kind = FileKind(of: bytes)
    if let kind, kind != .array, kind != .archive {
      throw FileError(
        path: input.relativePath, problem: "is \(kind.description); the input is an .npy or an .npz"
      )
    }
    if kind == .archive {
      let archive = try NumPyArchive(decoding: bytes, name: input.relativePath)
      for name in archive.names {
        arrays[name] = archive[name]
        files[name] = "\(input.relativePath)(\(name))"
      }
    } else {
      arrays[""] = try NumPyArray(decoding: bytes, name: input.relativePath)
      files[""] = input.relativePath
    }
  }

  /// The extents of one image in each array, by the names of their blobs.
  package var extents: [String: [Int]] {
    arrays.mapValues { Array($0.shape.dimensions.dropFirst()) }
  }

  /// The array for an input, and the file it came from.
  package func array(
    for blob: String, isImages: Bool, isLabels: Bool
  ) -> (array: NumPyArray, file: String)? {
    if isLabels, let labels { return labels }
    if let array = arrays[blob] { return (array, files[blob] ?? "") }
    if isImages, let array = arrays[""] { return (array, files[""] ?? "") }
    return nil
  }

  /// The file of the labels, if they have one of their own.
  package var labelFile: String? { labels?.file }

  /// The file that an array came from.
  package func file(of blob: String) -> String { files[blob] ?? blob }

  /// The names of arrays that belong to no input.
  package func unknown(among blobs: [String]) -> [String] {
    arrays.keys.filter { !$0.isEmpty && !blobs.contains($0) }.sorted()
  }
}
