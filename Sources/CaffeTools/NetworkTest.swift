import CaffeFormats
import CaffeMessages
import Datasets
import Foundation
import Layers
import Networks
import Tensors
import Training
import Tuned

/// A network in its phase of testing, and the data set that it is tested on.
///
/// ```swift
/// let test = try NetworkTest(
///   net: URL(filePath: "train_val.prototxt"), weights: URL(filePath: "net.caffemodel"))
/// for output in try test.run() { print(output) }
/// ```
///
/// Source: Caffe's `solver.cpp`, `Test`, and `tools/caffe.cpp`, `test`.
public final class NetworkTest {
  /// A loss or a metric.
  public struct Output: Equatable, Sendable, Encodable, CustomStringConvertible {
    /// The blob that the layer writes.
    public var name: String
    /// Its value, or the mean of several batches.
    public var value: Float
    /// What the value counts in the network's loss; 0 for a metric.
    public var lossWeight: Float
    /// Whether Caffe shows it: a blob with a name that no layer reads.
    var isShown = true

    private enum CodingKeys: String, CodingKey {
      case name, value, lossWeight
    }

    /// As Caffe prints it: `loss = 4.488 (* 1 = 4.488 loss)`.
    ///
    /// - Complexity: O(length) of the text.
    public var description: String {
      let loss =
        lossWeight == 0
        ? ""
        : " (* \(NetworkTest.number(lossWeight)) = \(NetworkTest.number(lossWeight * value)) loss)"
      return "\(name) = \(NetworkTest.number(value))\(loss)"
    }
  }

  /// How pictures of `dataset` are prepared for a network that has no Data layer.
  public struct Preparation: Sendable {
    /// What is subtracted.
    public var mean: PictureMean
    /// What the difference to the mean is multiplied by.
    public var scale: Float

    /// A preparation, CaffeNet's if left out.
    public init(mean: PictureMean = .caffenet, scale: Float = 1) {
      self.mean = mean
      self.scale = scale
    }
  }

  /// How many batches `run` tests: as many as the solver file says, or as the data set fills.
  public let iterations: Int
  /// How many records the data set has; 0 without one, where a distribution fills the network.
  public let records: Int
  /// How many of them a batch takes.
  public let batch: Int

  let network: Network<Float>
  private let caffe: CaffeNetwork
  private let feeders: [InputFeeder]

  /// A test net, its parameters those of its fillers; with accuracy and loss, if asked for, where
  /// it measures nothing.
  init(
    _ net: SolverFile.Net, backend: TunedBackend, beside folder: URL,
    seeds: inout MersenneTwister, measuringScores: Bool = false
  ) throws {
    let (caffe, feeders) = try net.open(training: false, beside: folder, seeds: &seeds)
    let definition = measuringScores ? caffe.definition.measuringScores() : caffe.definition
    self.caffe = caffe
    self.feeders = feeders
    batch = caffe.batch
    records = feeders.lazy.compactMap(\.recordCount).first ?? 0
    // Where there are no records to count, as many as `caffe test` takes.
    iterations =
      net.iterations > 0 ? net.iterations : records > 0 ? (records + batch - 1) / batch : 50
    try MemoryNeed(
      NetworkPlan(definition, batch: batch, gradients: .none), [.network, .weights]
    ).require()
    network = try caffe.locatingErrors { () throws(LayerError) in
      try Network(
        definition, backend: backend, batch: caffe.batch, gradients: .none,
        phase: .testing, keepingGradients: false)
    }
  }

  /// A network with weights and data.
  ///
  /// - Parameters:
  ///   - net: the network. It is fed by the Data layer of its phase of testing, or by `dataset`.
  ///     Where it measures nothing, as a `deploy.prototxt`, accuracy and loss of its scores are.
  ///   - weights: the parameters, by the names of layers.
  ///   - dataset: the folder of an LMDB database, in place of the one that the Data layer names.
  ///   - preparation: what becomes of its pictures, for a network without a Data layer; as for
  ///     CaffeNet if left out.
  ///   - iterations: how many batches; as many as it takes to see every record if left out.
  ///   - backend: which layers it runs on.
  /// - Throws: `CaffeFileError`, `DatasetError` or `LayerError` for files that can't be used or
  ///   don't fit together, `MemoryError` for a network that is too large for this process.
  /// - Complexity: O(parameters), which are read, and memory for them and the network's blobs; the
  ///   database is looked through once.
  public convenience init(
    net: URL, weights: URL, dataset: String? = nil, preparation: Preparation? = nil,
    iterations: Int? = nil, backend: TunedBackend = TunedBackend()
  ) throws {
    var seeds = MersenneTwister(seed: 1)
    try self.init(
      SolverFile.Net(
        prototxt: NetPrototxt(contentsOf: net), dataset: dataset, preparation: preparation,
        iterations: iterations ?? 0),
      backend: backend, beside: net.deletingLastPathComponent(), seeds: &seeds,
      measuringScores: true)
    try load(weights)
  }

  /// The test nets of a `solver.prototxt`, with weights.
  ///
  /// - Parameters:
  ///   - solver: the file.
  ///   - weights: the parameters, by the names of layers.
  ///   - iterations: how many batches; each net's `test_iter` if left out.
  ///   - backend: which layers they run on.
  /// - Throws: as `init(net:weights:dataset:preparation:iterations:)`, and `CaffeFileError` for a
  ///   solver without test nets.
  /// - Complexity: As that, for each net.
  public static func nets(
    ofSolver solver: URL, weights: URL, iterations: Int? = nil,
    backend: TunedBackend = TunedBackend()
  ) throws -> [NetworkTest] {
    let file = try SolverFile(contentsOf: solver)
    guard !file.testing.isEmpty else {
      throw CaffeFileError(
        file: solver.relativePath, problem: "has no test net: a test_iter for each is missing")
    }
    var seeds = MersenneTwister(seed: file.seed)
    return try file.testing.map { net in
      var net = net
      net.iterations = iterations ?? net.iterations
      let test = try NetworkTest(
        net, backend: backend, beside: solver.deletingLastPathComponent(),
        seeds: &seeds)
      try test.load(weights)
      return test
    }
  }

  /// A number as C++ streams print it: six significant digits.
  ///
  /// - Complexity: O(1).
  public static func number(_ value: some BinaryFloatingPoint) -> String {
    String(format: "%.6g", Double(value))
  }

  /// Has each forward pass print what Caffe's `debug_info` prints.
  func printDebugInfo(_ log: @escaping (String) -> Void) {
    DebugInfo(caffe, backwards: false, log: log).observe(network) { true }
  }

  private func load(_ weights: URL) throws {
    let report = try CaffeModel(contentsOf: weights).copy(into: network)
    guard report.untouched.isEmpty else {
      throw CaffeFileError(
        file: weights.relativePath,
        problem: "has no weights for \(report.untouched.joined(separator: ", ")) of "
          + "\(network.definition.name): layers are matched by name")
    }
  }

  /// The means of all outputs over the batches, which go on where the last test ended.
  ///
  /// - Parameter batchDone: told the outputs of each batch.
  /// - Throws: `DatasetError` or `LayerError` when images or labels can't be read or don't fit; what
  ///   `batchDone` throws.
  /// - Complexity: A forward pass for each batch.
  public func run(
    batchDone: (_ number: Int, _ outputs: [Output]) throws -> Void = { _, _ in }
  ) throws -> [Output] {
    var sums: [Output] = []
    for number in 0..<iterations {
      try feeders.loadNext(into: network)
      try feeders.namingRecords(of: network) { try network.forward() }
      let outputs = caffe.outputs(of: network)
      try batchDone(number, outputs)
      sums = sums.isEmpty ? outputs : sums
      if number > 0 { for index in sums.indices { sums[index].value += outputs[index].value } }
    }
    return sums.map {
      Output(name: $0.name, value: $0.value / Float(iterations), lossWeight: $0.lossWeight)
    }
  }

  /// The same with the parameters of the network that learns, by the names of layers. Afterwards
  /// this network has none.
  ///
  /// - Throws: `CaffeFileError` when a layer has parameters and no namesake that learns;
  ///   `DatasetError` or `LayerError` when images or labels can't be read or don't fit.
  func run(parametersOf trained: Network<Float>) throws -> [Output] {
    let positions = Dictionary(
      trained.definition.layers.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    // Lent, not copied: whoever trains them has them alone again afterwards.
    network.parameters = try zip(network.definition.layers, network.plan.layers).map {
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
    return try run()
  }
}

extension [NetworkTest.Output] {
  /// The sum of the losses, each times its weight.
  ///
  /// - Complexity: O(n) for n outputs.
  public var loss: Float { reduce(0) { $0 + $1.lossWeight * $1.value } }
}

extension CaffeNetwork {
  /// What a network has as outputs after a forward pass: each number of each blob that no layer reads, in
  /// the alphabetical order of the blobs, as Caffe keeps them (`net.cpp`, `available_blobs`). Losses that
  /// are read, and those without a name, are there as well, but aren't shown.
  ///
  /// - Parameters:
  ///   - network: made of this one's definition, or of it with more layers.
  ///   - means: the means over the blocks of a batch, by layer, where the network saw only one of them. Of
  ///     an output that has none, only a block is known, so that it isn't shown.
  func outputs(
    of network: Network<Float>, means: [String: Float]? = nil
  ) -> [NetworkTest.Output] {
    let definition = network.definition
    let known = means.map { means in
      let tops = definition.layers.compactMap { layer in means[layer.name].map { (layer.top, $0) } }
      return Dictionary(tops) { $1 }
    }
    // What the caller of a network fills, and nobody reads, is nobody's output either.
    var unread = Set(
      inputs.lazy.filter { if case .caller = $0.source { false } else { true } }.map(\.name))
    var lossWeights: [String: Float] = [:]
    for (layer, planned) in zip(definition.layers, network.plan.layers) {
      unread.subtract(layer.bottoms)
      unread.formUnion([layer.top, layer.probabilities].compactMap { $0 })
      if planned.lossWeight != 0 { lossWeights[layer.top] = Float(planned.lossWeight) }
    }
    for layer in message.layer where layer.type == "Silence" {
      unread.subtract(layer.bottom)
    }
    // Their tops got the names of their layers.
    let nameless = Set(message.layer.filter(\.top.isEmpty).map(\.name))
    return unread.union(lossWeights.keys).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      .flatMap { name in
        let values =
          known?[name].map { [$0] }
          ?? (name == definition.label
            ? network.labels.map(Float.init) : network.blob(name)?.elements ?? [])
        return values.map { value in
          NetworkTest.Output(
            name: name, value: value, lossWeight: lossWeights[name] ?? 0,
            isShown: unread.contains(name) && !nameless.contains(name)
              && (known == nil || known?[name] != nil))
        }
      }
  }
}

extension NetworkDefinition {
  /// The network with accuracy and loss of its scores, where it measures nothing itself.
  fileprivate func measuringScores() -> NetworkDefinition {
    guard !layers.contains(where: \.specification.takesLabels), let last = layers.last else {
      return self
    }
    var network = self
    var scores = last.top
    if last.specification is SoftmaxSpecification, let bottom = last.bottoms.first {
      network.layers.removeLast()
      scores = bottom
    }
    network.layers += [
      LayerDefinition(
        name: "accuracy", specification: AccuracySpecification(), bottoms: [scores, label],
        top: "accuracy"),
      LayerDefinition(
        name: "loss", specification: SoftmaxWithLossSpecification(),
        bottoms: [scores, label], top: "loss"),
    ]
    return network
  }
}
