import CaffeTools
import Dispatch
import Fast
import GradientChecking
import Layers
import Networks
import Reference
import Synchronization
import Tensors

/// Checks every layer of a network by itself: its own hyper-parameters and channels, on two images
/// that are patches of its input, wide enough for three windows.
///
/// A patch has everything in it that a gradient can get wrong, borders, overlaps and groups, and
/// spares the positions that only repeat it.
struct NetworkLayersCheck {
  var definition: NetworkDefinition
  var versions: VersionChoice
  /// Checks this layer only, by position.
  var only: Int?
  var mode: CheckOptions.Mode
  var seed: UInt64
  var progress: Progress

  /// The layers that are checked: those with a gradient.
  private var indices: [Int] {
    definition.layers.indices.filter { index in
      if case .accuracy = definition.layers[index].operation { return false }
      return only == nil || only == index
    }
  }

  /// The number of steps that `run` reports to its progress.
  var steps: Int { indices.count * (versions == .both ? 2 : 1) }

  /// A layer in one version.
  private struct Job {
    var index: Int
    var input: Shape
    var backend: any Backend<Double>
  }

  /// Checks the chosen layers in the chosen versions, two at a time: the naive version leaves the
  /// second core idle, and more at a time would need memory for more copies of fc6's weights.
  ///
  /// - Throws: `LayerError` for an impossible network, `MemoryError` for one that is too large for
  ///   this process.
  func run() throws -> GradientReport {
    let summary = try definition.summary(batch: 2)
    // Two layers at a time; of each its weights, their gradient and what lies a step beside them, in
    // Double (as two single-precision numbers) and in dual numbers (as four). Most of CaffeNet's
    // parameters are those of one layer, of which both versions are checked at a time.
    try MemoryNeed(summary, parameters: 24, blobs: 2).require()
    var backends: [any Backend<Double>] = []
    if versions.includesNaive { backends.append(ReferenceBackend<Double>()) }
    if versions.includesFast { backends.append(FastBackend<Double>()) }
    let jobs = try indices.flatMap { index in
      let input = try definition.layers[index].operation.patch(of: summary.layers[index].input)
      return backends.map { Job(index: index, input: input, backend: $0) }
    }
    let results = LockedState(
      [Result<GradientReport, any Error>?](repeating: nil, count: jobs.count))
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
      while true {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard number < jobs.count else { return }
        let job = jobs[number]
        progress.step("\(definition.layers[job.index].name), \(job.backend.name)")
        let result = Result { try check(job.index, job.input, job.backend) }
        results.withLock { $0[number] = result }
      }
    }
    progress.finish()
    return try results.withLock { $0 }.compactMap { try $0?.get() }
      .reduce(GradientReport()) { $0.merging($1) }
  }

  private func check(
    _ index: Int, _ input: Shape, _ backend: some Backend<Double>
  ) throws -> GradientReport {
    let layer = definition.layers[index]
    let exact = ReferenceBackend<Dual<Double>>()
    let options = options(
      for: layer.operation, input, isNaive: backend is ReferenceBackend<Double>)
    func check(
      _ version: any Layer<Double>, _ dual: any Layer<Dual<Double>>
    ) throws -> GradientReport {
      try GradientChecking.check(
        version, input: input, exact: dual, name: layer.name, version: backend.name,
        options: options)
    }
    switch layer.operation {
    case .convolution(let specification):
      return try check(backend.convolution(specification), exact.convolution(specification))
    case .relu(let specification):
      return try check(backend.relu(specification), exact.relu(specification))
    case .pooling(let specification):
      return try check(backend.pooling(specification), exact.pooling(specification))
    case .lrn(let specification):
      return try check(backend.lrn(specification), exact.lrn(specification))
    case .innerProduct(let specification):
      return try check(backend.innerProduct(specification), exact.innerProduct(specification))
    case .dropout(let specification):
      return try check(backend.dropout(specification), exact.dropout(specification))
    case .softmax(let specification):
      return try check(backend.softmax(specification), exact.softmax(specification))
    case .softmaxWithLoss(let specification):
      let count = input.images * input.spatialCount
      return try GradientChecking.check(
        backend.softmaxWithLoss(specification), scores: input,
        labels: (0..<count).map { ($0 * 7 + 3) % input.channels },
        exact: exact.softmaxWithLoss(specification), name: layer.name, version: backend.name,
        options: options)
    case .accuracy:
      return GradientReport()
    }
  }

  /// As asked for, with fewer elements where each costs much. A quotient takes some four
  /// evaluations, and the budget of multiply-accumulates is spent on each tensor four times; the
  /// directions look at all elements in any case.
  private func options(
    for operation: LayerOperation, _ input: Shape, isNaive: Bool
  ) -> CheckOptions {
    let budget = isNaive ? 300_000_000 : 1_500_000_000
    let work = (try? operation.specification.multiplyAccumulates(for: input)) ?? 0
    let affordable = max(4, budget / max(work, 1))
    let isCostly = work > 2_000_000
    var options = CheckOptions(
      mode: mode, directions: isCostly ? 1 : 2, exactElements: isCostly ? 2 : 64, seed: seed)
    if case .sampled(let count) = mode { options.mode = .sampled(min(count, affordable)) }
    return options
  }
}

extension LayerOperation {
  /// A part of an input that is wide enough for three windows of this layer side by side.
  fileprivate func patch(of input: Shape) throws -> Shape {
    guard input.rank == 4 else { return input }
    // An inner product has one window, the whole input, and weights that fit no other.
    if case .innerProduct = self { return input }
    let window = try specification.window(for: input)
    func side(_ size: Int, _ window: Int, _ stride: Int) -> Int { min(size, window + 2 * stride) }
    return Shape(
      input.images, input.channels,
      side(input.height, window?.extent.height ?? 1, window?.stride.height ?? 1),
      side(input.width, window?.extent.width ?? 1, window?.stride.width ?? 1))
  }
}
