import CaffeFormats
import Foundation
import Layers
import Networks
import Tensors

/// A test net of a solver: it measures the parameters of the net that learns.
///
/// Source: Caffe's `solver.cpp`, `Test`.
final class SolverTest {
  private let caffe: CaffeNetwork
  private let network: Network<Float>
  private let data: DataLayer
  private let iterations: Int

  /// A test net with memory of its own, but no parameters.
  init(_ net: SolverFile.Net, backend: any Backend<Float>, beside folder: URL, seed: UInt32) throws
  {
    let (caffe, data) = try net.open(training: false, beside: folder, seed: seed)
    self.caffe = caffe
    self.data = data
    iterations = net.iterations
    network = try caffe.locatingErrors { () throws(LayerError) in
      try Network(
        caffe.definition, backend: backend, batch: caffe.batch, gradients: .none,
        phase: .testing, fusing: true, keepingGradients: false)
    }
    network.parameters = []
  }

  /// The means of all outputs over the batches, which go on where the last test ended.
  ///
  /// - Throws: `CaffeFileError` when a layer has parameters and no namesake that learns;
  ///   `DatasetError` or `LayerError` when images or labels can't be read or don't fit.
  func run(_ trained: Network<Float>) throws -> [String: Float] {
    let positions = Dictionary(
      trained.definition.layers.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    // Lent, not copied: whoever trains them has them alone again afterwards.
    network.parameters = try zip(network.definition.layers, network.summary.layers).map {
      definition, summary in
      guard !summary.parameters.isEmpty else { return [] }
      guard let position = positions[definition.name],
        trained.parameters[position].map(\.shape) == summary.parameters.map(\.shape)
      else {
        throw caffe.located(
          LayerError(
            layer: definition.name, value: "the test net's layer",
            rule: "must have a namesake with parameters of the same shapes in the train net"))
      }
      return trained.parameters[position]
    }
    defer { network.parameters = [] }
    var sums: [String: Float] = [:]
    for _ in 0..<iterations {
      try data.load(into: network)
      try network.forward()
      sums.merge(network.results, uniquingKeysWith: +)
    }
    return sums.mapValues { $0 / Float(iterations) }
  }

  /// The sum of the losses, each times its weight.
  func loss(_ means: [String: Float]) -> Float {
    network.definition.layers.reduce(0) { sum, layer in
      guard case .softmaxWithLoss(let loss) = layer.operation else { return sum }
      return sum + Float(loss.lossWeight) * (means[layer.name] ?? 0)
    }
  }

  /// Caffe's lines about the outputs.
  func lines(_ means: [String: Float]) -> [String] { network.outputLines("Test", means) }
}

extension Network<Float> {
  /// A line for each loss and metric, as Caffe prints them.
  func outputLines(_ phase: String, _ results: [String: Float]) -> [String] {
    var lines: [String] = []
    for layer in definition.layers {
      guard let result = results[layer.name] else { continue }
      var line =
        "    \(phase) net output #\(lines.count): \(layer.top) = \(SolverRun.number(result))"
      if case .softmaxWithLoss(let loss) = layer.operation, loss.lossWeight != 0 {
        let weight = Float(loss.lossWeight)
        line +=
          " (* \(SolverRun.number(weight)) = \(SolverRun.number(weight * result)) loss)"
      }
      lines.append(line)
    }
    return lines
  }
}
