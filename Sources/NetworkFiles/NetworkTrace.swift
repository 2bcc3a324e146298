import CaffeFormats
import CaffeTools
import Foundation
import Layers
import Networks
import NumPyFiles
import ONNXFiles
import TensorFiles
import Tensors
import WholeFiles

/// One pass of a network from files of any format that is read, every blob kept, and every gradient if
/// asked for.
package struct NetworkTrace {
  /// What runs.
  private enum Source {
    case caffe(BlobTrace)
    case graph(ONNXModel, weights: WeightFile?)
    /// A network with a name, and what was decided for the user.
    case known(NetworkDefinition, weights: WeightFile?, notes: [String])
  }

  private let source: Source
  private let content: InputArrays
  private let phase: Phase
  private let backward: Bool
  private let seed: UInt32

  /// A pass, which `run` takes.
  ///
  /// - Parameters:
  ///   - net: a `.prototxt`, whose weights have to be given, or an `.onnx`, which has its own.
  ///   - network: a network by name, if there is no `net`; if left out, the one that the weights belong
  ///     to, and `mini` without any.
  ///   - weights: a file of weights in any format; if left out, what comes with the package for `mini`,
  ///     random ones for others.
  ///   - input: an `.npy` for the first input, or an `.npz` with an array for each.
  ///   - label: the labels as an `.npy`.
  ///   - phase: training or testing.
  ///   - backward: whether to run backwards too.
  ///   - seed: the start of all randomness.
  /// - Throws: errors of files that can't be read.
  package init(
    net: URL?, network: KnownNetwork?, weights: URL?, input: URL, label: URL?, phase: Phase,
    backward: Bool, seed: UInt32
  ) throws {
    content = try InputArrays(input: input, label: label)
    (self.phase, self.backward, self.seed) = (phase, backward, seed)
    if let net, NetworkFile.isONNX(net.path) {
      source = .graph(
        try ONNXModel(contentsOf: net), weights: try weights.map(WeightFile.init(contentsOf:)))
    } else if let net {
      let prototxt = try NetPrototxt(contentsOf: net)
      guard let weights else {
        throw FileError(
          path: net.relativePath, problem: "has no weights: give them with --weights")
      }
      let file = try WeightFile(contentsOf: weights)
      let model: CaffeModel
      if case .caffe(let own) = file.content {
        model = own
      } else {
        let caffe = try prototxt.network(phase: phase, fedExtents: content.extents)
        model = try file.model(for: NetworkPlan(caffe.definition))
      }
      source = .caffe(
        BlobTrace(
          net: prototxt, model: model, content: content, phase: phase, backward: backward,
          seed: seed))
    } else {
      let file = try weights.map(WeightFile.init(contentsOf:))
      if let network, network != .mini || file != nil {
        let note = "without --weights the parameters are random numbers from seed \(seed)"
        source = .known(network.definition(), weights: file, notes: file == nil ? [note] : [])
      } else if let file {
        let found = try file.recognised()
        source = .known(
          found.definition, weights: file,
          notes: ["the weights are \(found.definition.name)'s, by their names and shapes"]
            + (found.doubt.map { [$0] } ?? []))
      } else {
        source = .known(mini(), weights: WeightFile(try TrainedMini.model()), notes: [])
      }
    }
  }

  /// Runs the network.
  ///
  /// - Parameter backend: whose version of the layers, and in which precision.
  /// - Throws: errors of files that don't fit together, `MemoryError` for a network that is too large for
  ///   this process.
  package func run<Scalar>(on backend: some Backend<Scalar>) throws -> BlobTrace.Result {
    switch source {
    case .caffe(let trace): return try trace.run(on: backend)
    case .graph(let model, let weights): return try run(model, weights, on: backend)
    case .known(let network, let weights, let notes):
      return try run(network, weights, notes, on: backend)
    }
  }

  private func run<Scalar>(
    _ model: ONNXModel, _ weights: WeightFile?, on backend: some Backend<Scalar>
  ) throws -> BlobTrace.Result {
    let weightNames = Set(model.message.graph.initializer.map(\.name))
    let names = model.message.graph.input.map(\.name).filter { !weightNames.contains($0) }
    var fed: [String: Tensor<Scalar>] = [:]
    let unknown = content.unknown(among: names)
    guard unknown.isEmpty else {
      throw TensorFileError(
        model.file,
        "there is no input \(unknown.joined(separator: ", ")); the inputs are "
          + names.joined(separator: ", "))
    }
    if let file = content.labelFile {
      throw TensorFileError(
        file,
        "are labels, and a graph takes none: leave out --label, or give its inputs by name in an .npz "
          + "(\(names.joined(separator: ", ")))")
    }
    for name in names {
      guard
        let given = content.array(for: name, isImages: names.count == 1, isLabels: false)
      else {
        throw TensorFileError(
          model.file,
          "input \"\(name)\" is not given; it can be with --input, as an array \"\(name)\" in an .npz"
        )
      }
      fed[name] = given.array.tensor()
    }
    let graph = try ONNXNetwork(model, shapes: fed.mapValues(\.shape))
    let definition = graph.definition
    guard !backward else {
      throw TensorFileError(
        model.file, "the graph has no loss, so there is nothing to run backwards from")
    }
    // The graph's tensors are the network's parameters, too.
    try MemoryNeed(
      NetworkPlan(definition, batch: graph.batch, gradients: .none),
      [.network, .parameters(1), .weights, .archive]
    ).require()
    let network = try Network(
      definition, backend: backend, batch: graph.batch, gradients: .none, phase: phase, seed: seed,
      parameters: graph.tensors())
    var result = BlobTrace.Result()
    if let weights { result.notes += try copy(weights, into: network) }
    try network.load(fed)
    result.arrays = try network.record(
      keys: graph.origins.map { $0.isWhole ? BlobTrace.key($0.node, $0.name) : nil }, inputs: [],
      backward: false)
    return result
  }

  private func run<Scalar>(
    _ network: NetworkDefinition, _ weights: WeightFile?, _ notes: [String],
    on backend: some Backend<Scalar>
  ) throws -> BlobTrace.Result {
    var definition = network
    let unknown = content.unknown(among: [definition.data, definition.label])
    guard unknown.isEmpty else {
      throw FileError(
        path: content.file(of: unknown[0]),
        problem:
          "is no input of \(definition.name): they are \(definition.data), \(definition.label)")
    }
    guard
      let images = content.array(for: definition.data, isImages: true, isLabels: false)
    else {
      throw FileError(path: "--input", problem: "has no array \"\(definition.data)\"")
    }
    var fed = [definition.data: images.array.tensor(as: Scalar.self)]
    guard images.array.shape.dimensions.dropFirst() == definition.imageShape[...],
      images.array.shape.rank == 4
    else {
      throw FileError(
        path: images.file,
        problem:
          "has shape \(images.array.shape); \(definition.name) needs any number of images of "
          + definition.imageShape.map(String.init).joined(separator: "×"))
    }
    if let labels = content.array(for: definition.label, isImages: false, isLabels: true) {
      fed[definition.label] = labels.array.tensor()
    } else if backward {
      throw FileError(path: "--label", problem: "is missing: backwards starts from a loss")
    } else {
      definition.layers.removeAll { $0.specification.takesLabels }
    }
    let batch = images.array.shape.images
    let gradients: GradientScope = backward ? .parametersAndInput : .none
    try MemoryNeed(
      NetworkPlan(definition, batch: batch, gradients: gradients), [.network, .weights, .archive]
    ).require()
    let network = try Network(
      definition, backend: backend, batch: batch, gradients: gradients, phase: phase, seed: seed)
    var result = BlobTrace.Result()
    result.notes = notes + (try weights.map { try copy($0, into: network) } ?? [])
    try network.load(fed)
    // As in Caffe's files, the input is a layer of its own.
    let inputs = [definition.data, definition.label].compactMap { blob in
      fed[blob].map { (BlobTrace.key(0, definition.data), blob, $0) }
    }
    result.arrays = try network.record(
      keys: definition.layers.enumerated().map { BlobTrace.key($0 + 1, $1.name) }, inputs: inputs,
      backward: backward)
    return result
  }

  /// Copies weights by the layers' names, and says which layers have none.
  private func copy<Scalar>(
    _ weights: WeightFile, into network: Network<Scalar>
  ) throws -> [String] {
    let report = try weights.explaining(network.plan) {
      try weights.model(for: network.plan).copy(into: network)
    }
    guard !report.copied.isEmpty else {
      throw FileError(
        path: weights.path, problem: "has weights for no layer of \(network.definition.name)")
    }
    return report.untouched.isEmpty
      ? []
      : ["not in \(weights.path), so filled at random: \(report.untouched.joined(separator: ", "))"]
  }
}

extension TensorFileError {
  fileprivate init(_ file: String, _ problem: String) {
    self = FilePlace(file: file).error(problem)
  }
}
