import CaffeFormats
import CaffeTools
import Foundation
import Layers
import Networks
import Tensors
import WholeFiles

/// A network with what it has learnt, from Caffe's files.
struct TrainedNetwork {
  var definition: NetworkDefinition
  var parameters: [[Tensor<Float>]]
  /// Where they are from, for a reader.
  var source: String

  /// The `mini` that comes with the package.
  ///
  /// - Throws: `CaffeFileError` for a file that isn't whole.
  init(shipped definition: NetworkDefinition) throws {
    self.definition = definition
    let plan = try NetworkPlan(definition)
    let (read, _) = try TrainedMini.model().parameters(of: plan, as: Float.self)
    parameters = plan.layers.map { read[$0.name] ?? [] }
    source = "the mini.caffemodel that comes with the package, trained on synthetic pictures"
  }

  /// Reads the parameters of a network.
  ///
  /// Of a `.prototxt`, the layers of testing are taken. As in Caffe, a layer gets the parameters of
  /// its namesake; one without a namesake keeps its random ones, and `source` says so.
  ///
  /// - Parameters:
  ///   - weights: a `.caffemodel`.
  ///   - net: a `.prototxt`; without it, `standard` is taken.
  ///   - standard: a network of this package.
  ///   - seed: of the random parameters that are left.
  /// - Throws: `CaffeFileError` for files that are damaged or don't fit each other, `LayerError` for
  ///   an impossible network, `MemoryError` for one that is too large for this process.
  init(weights: String, net: String?, standard: NetworkDefinition, seed: UInt32) throws {
    definition =
      try net.map {
        try NetPrototxt(contentsOf: URL(fileNamed: $0)).network(phase: .testing).definition
      } ?? standard
    // The network's parameters, the file, and what is read of it.
    let plan = try NetworkPlan(definition)
    try MemoryNeed(plan, parameters: 3, blobs: 1).require()
    let (read, report) = try CaffeModel(contentsOf: URL(fileNamed: weights))
      .parameters(of: plan, as: Float.self)
    let name = URL(fileNamed: weights).lastPathComponent
    guard !report.copied.isEmpty else {
      throw LayerError(
        layer: name, value: "layers \(report.ignored.joined(separator: ", "))",
        rule: "must have the names of \(definition.name)'s layers for at least one of them")
    }
    parameters = definition.filledParameters(plan, seed: UInt64(seed))
    for (index, layer) in plan.layers.enumerated() {
      if let tensors = read[layer.name] { parameters[index] = tensors }
    }
    source =
      name
      + (report.untouched.isEmpty
        ? ""
        : " (not in it, so left to chance: \(report.untouched.joined(separator: ", ")))")
  }
}
