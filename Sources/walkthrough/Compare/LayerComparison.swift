import Fast
import Networks
import Reference
import Tensors

/// Measures the layers of a network on both versions, naive and optimized in turn.
struct LayerComparison {
  var definition: NetworkDefinition
  var batch: Int
  var warmup: Int
  var repeats: Int
  var versions: VersionChoice
  /// The layer to measure, by index, instead of all.
  var only: Int?
  var seed: UInt32
  var progress: Progress

  /// Measures, a result for each layer. Counts two steps a pass and one before.
  func measure(_ engine: Engine) throws -> [CompareReport.Layer] {
    progress.step("laying out the layers")
    let fast =
      try versions.includesFast
      ? Network(definition, backend: FastBackend<Float>(engine: engine), batch: batch, seed: seed)
      : nil
    let naive =
      try versions.includesNaive
      ? Network(
        definition, backend: ReferenceBackend<Float>(), batch: batch, seed: seed,
        parameters: fast?.parameters) : nil
    let running = [naive, fast].compactMap { $0 }
    for network in running { try network.loadNoise(seed: seed) }

    let measured = only.map { [$0] } ?? Array(definition.layers.indices)
    let scene = try only.flatMap { try OneLayer($0, of: naive, fast) }
    var results = measured.map { _ in Result() }
    for pass in 0..<warmup + repeats {
      let isMeasured = pass >= warmup
      progress.step("layer by layer")
      try scene?.prepareForward(running)
      for (position, index) in measured.enumerated() {
        try naive?.timed(isMeasured, &results[position].naive.forward) {
          try $0.forward(layer: index)
        }
        try fast?.timed(isMeasured, &results[position].fast.forward) {
          try $0.forward(layer: index)
        }
        if pass == 0 { results[position].outputs.compareOutputs(naive, fast, index) }
      }
      progress.step("layer by layer")
      try scene?.prepareBackward(running)
      for (position, index) in measured.enumerated().reversed() {
        naive?.timed(isMeasured, &results[position].naive.backward) { $0.backward(layer: index) }
        fast?.timed(isMeasured, &results[position].fast.backward) { $0.backward(layer: index) }
        if pass == 0 { results[position].gradients.compareGradients(naive, fast, index) }
      }
    }
    let summary = try NetworkPlan(definition, batch: batch)
    return zip(measured, results).map { index, result in
      CompareReport.Layer(
        name: definition.layers[index].name, result,
        forwardFlops: summary.layers[index].floatingPointOperations,
        backwardFlops: definition.backwardFlops(summary, index))
    }
  }

  /// What was measured of one layer; without times where a version doesn't run.
  struct Result {
    var naive = (forward: Measurement(), backward: Measurement())
    var fast = (forward: Measurement(), backward: Measurement())
    var outputs = Difference()
    var gradients = Difference()
  }

  /// How far the two versions are apart; nothing where they weren't compared.
  struct Difference {
    /// The greatest difference between two elements.
    var absolute: Double?
    /// The greatest difference by the largest magnitude of its tensor.
    var relative: Double?

    fileprivate mutating func compareOutputs(
      _ naive: Network<Float>?, _ fast: Network<Float>?, _ index: Int
    ) {
      guard let naive, let fast else { return }
      let blob = naive.definition.layers[index].top
      if let a = naive.blob(blob), let b = fast.blob(blob) { add(a, b) }
    }

    fileprivate mutating func compareGradients(
      _ naive: Network<Float>?, _ fast: Network<Float>?, _ index: Int
    ) {
      guard let naive, let fast else { return }
      let blob = naive.definition.layers[index].bottoms[0]
      if let a = naive.gradient(of: blob), let b = fast.gradient(of: blob) { add(a, b) }
      for (a, b) in zip(naive.parameterGradients[index], fast.parameterGradients[index]) {
        add(a, b)
      }
    }

    private mutating func add(_ a: Tensor<Float>, _ b: Tensor<Float>) {
      let scale = a.largestMagnitude
      let difference = a.largestDifference(to: b)
      absolute = max(absolute ?? 0, difference)
      relative = max(relative ?? 0, scale == 0 ? difference : difference / scale)
    }
  }
}

/// What one layer works on when the others aren't measured: they run once, on one version.
private struct OneLayer {
  private let index: Int
  /// The layers that have to run again before one that works in place, which spoils its input.
  private let writers: Range<Int>
  private let blob: String
  /// The gradient of the layer's output, if there is one, and whether the layer spoils it.
  private let gradient: Tensor<Float>?
  private let isInPlace: Bool

  /// Runs the optimized version, or the naive one without it, up to the layer from both sides. The
  /// naive one beside it needs to run only what is before the layer.
  init?(_ index: Int, of naive: Network<Float>?, _ fast: Network<Float>?) throws {
    guard let leader = fast ?? naive else { return nil }
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
    guard let naive, naive !== leader else { return }
    for before in 0..<index { try naive.forward(layer: before) }
    naive.context = leader.context
    if let gradient { try naive.load(gradient: Self.copy(gradient), of: top) }
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
