import CaffeFormats
import CaffeTools
import Datasets
import Foundation
import Layers
import Networks
import ONNXFiles
import Tensors
import WholeFiles

/// A network with what it has learnt, from files of any format that is read.
package struct TrainedNetwork {
  package var definition: NetworkDefinition
  package var parameters: [[Tensor<Float>]]
  /// What becomes of a picture on its way into it.
  package var transformer: DataTransformer
  /// Where the parameters are from, for a reader.
  package var source: String
  /// The layers that the file had no weights for: theirs are random.
  package private(set) var missing: [String] = []
  /// What was decided for the user, for a reader.
  package var notes: [String] = []

  /// Reads a network and its parameters.
  ///
  /// Of a `.prototxt`, the layers of testing are taken. An `.onnx` has parameters of its own. Without
  /// either, the network is that of a name, or the one that the weights belong to. As in Caffe, a layer gets
  /// the parameters of its namesake; one without a namesake keeps its random ones, and `source` says so.
  ///
  /// - Parameters:
  ///   - net: a `.prototxt` or `.onnx`.
  ///   - network: a network by name, if there is no `net`.
  ///   - weights: a file of weights; nil only where `net` has some.
  ///   - seed: of the random parameters that are left.
  /// - Throws: `CaffeFileError`, `TensorFileError` or `FileError` for files that are damaged or don't fit
  ///   each other, `LayerError` for an impossible network, `MemoryError` for one that is too large for
  ///   this process.
  package init(
    net: String?, network: KnownNetwork?, weights: String?, seed: UInt32 = 1
  ) throws {
    let file = try weights.map { try WeightFile(contentsOf: URL(fileNamed: $0)) }
    var known = network
    if let net, NetworkFile.isONNX(net) {
      let graph = try ONNXNetwork(ONNXModel(contentsOf: URL(fileNamed: net)))
      definition = graph.definition
      // The graph's tensors are the network's parameters, too.
      try MemoryNeed(
        NetworkPlan(definition, batch: graph.batch, gradients: .none),
        [.network, .parameters(1), .weights]
      ).require()
      parameters = graph.tensors()
      source = URL(fileNamed: net).lastPathComponent
      known = NetworkFile.pictures(of: graph)
    } else {
      if let net {
        definition = try NetPrototxt(contentsOf: URL(fileNamed: net)).network(phase: .testing)
          .definition
        known = nil
      } else if let network {
        definition = network.definition()
      } else if let found = try file?.recognised() {
        definition = found.definition
        known = found.network
        notes.append("the weights are \(definition.name)'s, by their names and shapes")
        if let doubt = found.doubt { notes.append(doubt) }
      } else {
        throw FileError(
          path: "--weights", problem: "is missing: a network that has learnt is needed")
      }
      let plan = try NetworkPlan(definition, gradients: .none)
      try MemoryNeed(plan, [.network, .weights]).require()
      parameters = definition.filledParameters(plan, seed: UInt64(seed))
      source = "random numbers from seed \(seed)"
    }
    transformer = NetworkFile.transformer(of: definition, known: known)
    if let file { try take(file) }
  }

  /// What becomes of a picture, for a reader.
  package var pictureNote: String { "a picture is \(transformer.summary)" }

  /// The `mini` that comes with the package.
  ///
  /// - Throws: `CaffeFileError` for a file that isn't whole.
  package init(shipped definition: NetworkDefinition) throws {
    self.definition = definition
    let plan = try NetworkPlan(definition)
    let (read, _) = try TrainedMini.model().parameters(of: plan, as: Float.self)
    parameters = plan.layers.map { read[$0.name] ?? [] }
    transformer = NetworkFile.transformer(of: definition, known: .mini)
    source = "the mini.caffemodel that comes with the package, trained on synthetic pictures"
  }

  /// Takes the weights of a file into the layers of the same names.
  private mutating func take(_ file: WeightFile) throws {
    let plan = try NetworkPlan(definition)
    let model = try file.model(for: plan)
    var (read, report) = try file.explaining(plan) {
      try model.parameters(of: plan, as: Float.self)
    }
    let name = URL(fileNamed: file.path).lastPathComponent
    guard !report.copied.isEmpty else {
      throw LayerError(
        layer: name, value: "layers \(report.ignored.joined(separator: ", "))",
        rule: "must have the names of \(definition.name)'s layers for at least one of them")
    }
    for (index, layer) in plan.layers.enumerated() {
      if let tensors = read.removeValue(forKey: layer.name) { parameters[index] = tensors }
    }
    missing = report.untouched
    source =
      name
      + (report.untouched.isEmpty
        ? ""
        : " (not in it, so left to chance: \(report.untouched.joined(separator: ", ")))")
    if case .graph = file.content, KnownNetwork(named: definition.name) != nil {
      notes.append(
        "the file's weights run in \(definition.name) as it is here; its own graph may round the sizes of "
          + "pools otherwise, as those of the ONNX Model Zoo do: --net \(file.path) runs it")
    }
  }
}

extension WeightFile {
  /// Says of weights that don't fit which network they belong to, if it has a name here.
  func explaining<Result>(_ plan: NetworkPlan, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as CaffeFileError {
      guard let found = try? recognised(), found.definition.name != plan.network else {
        throw error
      }
      var error = error
      error.problem +=
        "; these weights are \(found.definition.name)'s: --network \(found.network.rawValue)"
      throw error
    }
  }
}

/// What of a network can be told from its file's name and content.
package enum NetworkFile {
  /// Whether a file is an ONNX graph, by the ending of its name.
  package static func isONNX(_ path: String) -> Bool { path.lowercased().hasSuffix(".onnx") }

  /// A network in a file: a `.prototxt` in a phase, or a graph.
  ///
  /// - Throws: `CaffeFileError` or `TensorFileError` for a file that is damaged or has layers that aren't
  ///   known here.
  package static func definition(
    contentsOf path: String, phase: Phase = .training
  ) throws -> NetworkDefinition {
    let url = URL(fileNamed: path)
    return isONNX(path)
      ? try ONNXNetwork(ONNXModel(contentsOf: url)).definition
      : try NetPrototxt(contentsOf: url).network(phase: phase).definition
  }

  /// A network whose pictures a graph takes: one whose weights have the same shapes, but for the number of
  /// classes. Nil where there is none.
  static func pictures(of graph: ONNXNetwork) -> KnownNetwork? {
    let shapes = graph.products().compactMap(\.first?.shape)
    return KnownNetwork.allCases.first { network in
      guard let plan = try? NetworkPlan(network.definition()) else { return false }
      let expected = plan.layers.compactMap(\.parameters.first?.shape)
      return shapes.count == expected.count && shapes.dropLast() == expected.dropLast()
    }
  }

  /// What becomes of a picture on its way into a network: what its namesake does, or what Caffe does.
  package static func transformer(
    of definition: NetworkDefinition, known: KnownNetwork? = nil
  ) -> DataTransformer {
    var transformer =
      (known ?? KnownNetwork(named: definition.name))?.transformer ?? .caffenet
    // One channel has no mean of three.
    if definition.imageShape.first != 3, transformer.normalisation == nil {
      transformer.mean = .none
    }
    transformer.cropSize = definition.imageShape.count > 1 ? definition.imageShape[1] : nil
    return transformer
  }
}
