import Fast
import Networks
import Tensors

/// Measures the layers of a network on several versions in turn.
struct LayerComparison {
  var definition: NetworkDefinition
  var batch: Int
  var warmup: Int
  var repeats: Int
  var versions: [Version]
  /// The layer to measure, by index, instead of all.
  var only: Int?
  var seed: UInt32
  var progress: Progress

  /// Measures, a result for each layer. Counts two steps a pass and one before.
  ///
  /// - Throws: `LayerError` for an impossible network.
  func measure(_ engine: Engine) throws -> [CompareReport.Layer] {
    progress.step("laying out the layers")
    var running: [Network<Float>] = []
    for version in versions {
      let network = try Network(
        definition, backend: version.backend(engine: engine), batch: batch, seed: seed,
        parameters: running.first?.parameters)
      try network.loadNoise(seed: seed)
      running.append(network)
    }

    let measured = only.map { [$0] } ?? Array(definition.layers.indices)
    let scene = try only.map { try OneLayer($0, of: running) }
    // By layer and version.
    var results = measured.map { _ in versions.map { _ in Result() } }
    for pass in 0..<warmup + repeats {
      let isMeasured = pass >= warmup
      progress.step("layer by layer")
      try scene?.prepareForward(running)
      for (position, index) in measured.enumerated() {
        for (version, network) in running.enumerated() {
          try network.timed(isMeasured, &results[position][version].forward) {
            try $0.forward(layer: index)
          }
        }
        if pass == 0 { compareOutputs(running, index, &results[position]) }
      }
      progress.step("layer by layer")
      try scene?.prepareBackward(running)
      for (position, index) in measured.enumerated().reversed() {
        for (version, network) in running.enumerated() {
          network.timed(isMeasured, &results[position][version].backward) {
            $0.backward(layer: index)
          }
        }
        if pass == 0 { compareGradients(running, index, &results[position]) }
      }
    }
    let summary = try NetworkPlan(definition, batch: batch)
    return zip(measured, results).map { index, results in
      CompareReport.Layer(
        name: definition.layers[index].name,
        forwardFlops: summary.layers[index].floatingPointOperations,
        backwardFlops: definition.backwardFlops(summary, index),
        versions: versions.indices.map { version in
          results[version].report(
            versions[version], algorithm: running[version].algorithm(ofLayer: index))
        })
    }
  }

  /// How far each version's output is from that of Reference, if that runs.
  private func compareOutputs(
    _ running: [Network<Float>], _ index: Int, _ results: inout [Result]
  ) {
    guard versions.first == .reference else { return }
    let blob = definition.layers[index].top
    for version in versions.indices.dropFirst() {
      guard let a = running[0].blob(blob), let b = running[version].blob(blob) else { continue }
      results[version].difference = Difference()
      results[version].difference?.add(b, reference: a)
    }
  }

  /// The same of the gradients with respect to input and parameters.
  private func compareGradients(
    _ running: [Network<Float>], _ index: Int, _ results: inout [Result]
  ) {
    guard versions.first == .reference else { return }
    let blob = definition.layers[index].bottoms[0]
    for version in versions.indices.dropFirst() {
      var pairs = Array(
        zip(running[0].parameterGradients[index], running[version].parameterGradients[index]))
      if let a = running[0].gradient(of: blob), let b = running[version].gradient(of: blob) {
        pairs.append((a, b))
      }
      guard !pairs.isEmpty else { continue }
      results[version].gradientDifference = Difference()
      for (a, b) in pairs { results[version].gradientDifference?.add(b, reference: a) }
    }
  }

  /// What was measured of one layer on one version.
  private struct Result {
    var forward = Measurement()
    var backward = Measurement()
    var difference: Difference?
    var gradientDifference: Difference?

    func report(_ version: Version, algorithm: String?) -> VersionReport {
      VersionReport(
        version: version, algorithm: algorithm, forwardSeconds: forward.medianIfAny,
        backwardSeconds: backward.medianIfAny, forwardSecondsRange: forward.rangeIfAny,
        backwardSecondsRange: backward.rangeIfAny, difference: difference,
        gradientDifference: gradientDifference)
    }
  }
}

/// What one layer works on when the others aren't measured: they run once, on the fastest version.
private struct OneLayer {
  private let index: Int
  /// The layers that have to run again before one that works in place, which spoils its input.
  private let writers: Range<Int>
  private let blob: String
  /// The gradient of the layer's output, if there is one, and whether the layer spoils it.
  private let gradient: Tensor<Float>?
  private let isInPlace: Bool

  /// Runs the last of the networks up to the layer from both sides. The others need to run only
  /// what is before the layer.
  ///
  /// - Precondition: there is a network.
  init(_ index: Int, of networks: [Network<Float>]) throws {
    let leader = networks[networks.count - 1]
    self.index = index
    let layer = leader.definition.layers[index]
    blob = layer.top
    isInPlace = layer.isInPlace
    let top = layer.top
    let first = leader.definition.layers.firstIndex { $0.top == top } ?? index
    writers = layer.isInPlace ? first..<index : index..<index
    for index in leader.definition.layers.indices { try leader.forward(layer: index) }
    for behind in leader.definition.layers.indices.reversed() where behind > index {
      leader.backward(layer: behind)
    }
    gradient = leader.gradient(of: top)
    for network in networks.dropLast() {
      for before in 0..<index { try network.forward(layer: before) }
      network.context = leader.context
      if let gradient { try network.load(gradient: Self.copy(gradient), of: top) }
    }
  }

  /// Gives all networks the same input and the same randomness.
  func prepareForward(_ networks: [Network<Float>]) throws {
    for network in networks {
      for writer in writers { try network.forward(layer: writer) }
    }
  }

  /// Gives all networks the same gradient of the output.
  func prepareBackward(_ networks: [Network<Float>]) throws {
    guard isInPlace, let gradient else { return }
    for network in networks { try network.load(gradient: Self.copy(gradient), of: blob) }
  }

  /// Memory of its own, so that none has to be found when the layer writes into it.
  private static func copy(_ tensor: Tensor<Float>) -> Tensor<Float> {
    var copy = tensor
    if tensor.count > 0 { copy[0] = tensor[0] }
    return copy
  }
}
