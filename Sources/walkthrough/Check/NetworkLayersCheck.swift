import Dispatch
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
  /// Checked in Double, or in Float where a version has nothing else.
  var versions: [Version]
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
  var steps: Int { indices.count * versions.count }

  /// A layer in one version.
  private struct Job {
    var index: Int
    var input: Shape
    var version: Version
  }

  /// Checks the chosen layers in the chosen versions, two at a time: Reference leaves the
  /// second core idle, and more at a time would need memory for more copies of fc6's weights.
  ///
  /// - Throws: `LayerError` for an impossible network, `MemoryError` for one that is too large for
  ///   this process.
  func run() throws -> GradientReport {
    let summary = try definition.summary(batch: 2)
    // Two layers at a time; of each its weights, their gradient and what lies a step beside them, in
    // Double (as two single-precision numbers) and in dual numbers (as four). Most of CaffeNet's
    // parameters are those of one layer, of which two versions are checked at a time.
    try MemoryNeed(summary, parameters: 24, blobs: 2).require()
    let jobs = try indices.flatMap { index in
      let input = try definition.layers[index].operation.patch(of: summary.layers[index].input)
      return versions.map { Job(index: index, input: input, version: $0) }
    }
    let results = LockedState(
      [Result<GradientReport, any Error>?](repeating: nil, count: jobs.count))
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
      while true {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard number < jobs.count else { return }
        let job = jobs[number]
        progress.step("\(definition.layers[job.index].name), \(job.version.rawValue)")
        let result = Result { try check(job) }
        results.withLock { $0[number] = result }
      }
    }
    progress.finish()
    return try results.withLock { $0 }.compactMap { try $0?.get() }
      .reduce(GradientReport()) { $0.merging($1) }
  }

  private func check(_ job: Job) throws -> GradientReport {
    guard let backend = job.version.doubleBackend else {
      return try check(job, on: job.version.backend())
    }
    return try check(job, on: backend)
  }

  private func check<Scalar>(
    _ job: Job, on backend: some Backend<Scalar>
  ) throws -> GradientReport {
    let (layer, input) = (definition.layers[job.index], job.input)
    let exact = ReferenceBackend<Dual<Double>>()
    let options = options(for: layer.operation, input, job.version)
    func check(
      _ version: any Layer<Scalar>, _ dual: any Layer<Dual<Double>>
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
    for operation: LayerOperation, _ input: Shape, _ version: Version
  ) -> CheckOptions {
    let budget = version == .reference ? 300_000_000 : 1_500_000_000
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
