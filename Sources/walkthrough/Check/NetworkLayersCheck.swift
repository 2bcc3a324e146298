import CaffeTools
import Dispatch
import GradientChecking
import Layers
import Networks
import ONNXFiles
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
      definition.layers[index].specification.isDifferentiable && (only == nil || only == index)
    }
  }

  /// The number of steps that `run` reports to its progress.
  var steps: Int { indices.count * versions.count }

  /// A layer in one version.
  private struct Job {
    var index: Int
    var inputs: [Shape]
    var version: Version
  }

  /// Checks the chosen layers in the chosen versions, two at a time: Reference leaves the
  /// second core idle, and more at a time would need memory for more copies of fc6's weights.
  ///
  /// - Throws: `LayerError` for an impossible network, `MemoryError` for one that is too large for
  ///   this process.
  func run() throws -> GradientReport {
    try reports { try check($0) }.reduce(GradientReport()) { $0.merging($1) }
  }

  /// Checks the second derivatives of the chosen layers in the chosen versions, all of which have layers
  /// in Double.
  ///
  /// - Throws: as `run`.
  func runSecond() throws -> SecondReport {
    try reports { try checkSecond($0) }.reduce(SecondReport()) { $0.merging($1) }
  }

  private func reports<Report: Sendable>(_ check: (Job) throws -> Report) throws -> [Report] {
    let plan = try NetworkPlan(definition, batch: 2)
    // Two layers at a time; of each its weights, their gradient and what lies a step beside them, in
    // Double (as two single-precision numbers) and in dual numbers (as four). Most of CaffeNet's
    // parameters are those of one layer, of which two versions are checked at a time.
    try MemoryNeed(plan, [.parameters(24), .blobs(2)]).require()
    let jobs = try indices.flatMap { index in
      let inputs = try definition.layers[index].specification.patches(
        of: plan.layers[index].inputs)
      return versions.map { Job(index: index, inputs: inputs, version: $0) }
    }
    let results = LockedState(
      [Result<Report, any Error>?](repeating: nil, count: jobs.count))
    let next = Atomic<Int>(0)
    nonisolated(unsafe) let check = check
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
  }

  private func check(_ job: Job) throws -> GradientReport {
    guard let backend = job.version.doubleBackend() else {
      return try check(job, on: job.version.backend())
    }
    return try check(job, on: backend)
  }

  private func check<Scalar>(
    _ job: Job, on backend: some Backend<Scalar>
  ) throws -> GradientReport {
    let (layer, inputs) = (definition.layers[job.index], job.inputs)
    let specification = layer.specification
    let version = try specification.layer(on: backend)
    var watch = CheckWatch(what: "\(layer.name), \(backend.name)", progress: progress)
    return try GradientChecking.check(
      version, inputs: inputs, labels: labels(for: specification, inputs),
      exact: try specification.layer(on: ReferenceBackend<Dual<Double>>()), name: layer.name,
      version: backend.name, options: options(for: specification, inputs, job.version)
    ) { state in
      watch.see(state)
      return true
    }
  }

  private func checkSecond(_ job: Job) throws -> SecondReport {
    guard let backend = job.version.doubleBackend() else { return SecondReport() }
    return try checkSecond(job, on: backend)
  }

  private func checkSecond(_ job: Job, on backend: some Backend<Double>) throws -> SecondReport {
    let (layer, inputs) = (definition.layers[job.index], job.inputs)
    let specification = layer.specification
    let version = try specification.layer(on: backend)
    let exact = try specification.layer(on: ReferenceBackend<Dual<Double>>())
    var watch = CheckWatch(what: "\(layer.name), \(backend.name)", progress: progress)
    return try GradientChecking.checkSecond(
      version, inputs: inputs, labels: labels(for: specification, inputs), exact: exact,
      name: layer.name, version: backend.name,
      options: options(for: specification, inputs, job.version)
    ) { state in
      watch.see(state)
      return true
    }
  }

  private func labels(for specification: any LayerSpecification, _ inputs: [Shape]) -> [Int] {
    guard specification.takesLabels, let scores = inputs.first else { return [] }
    return (0..<scores.images * scores.spatialCount).map { ($0 * 7 + 3) % scores.channels }
  }

  /// As asked for, with fewer elements where each costs much. A quotient takes some four
  /// evaluations, and the budget of multiply-accumulates is spent on each tensor four times; the
  /// directions look at all elements in any case.
  private func options(
    for specification: any LayerSpecification, _ inputs: [Shape], _ version: Version
  ) -> CheckOptions {
    let budget = version == .reference ? 300_000_000 : 1_500_000_000
    let work = (try? specification.multiplyAccumulates(for: inputs)) ?? 0
    let affordable = max(4, budget / max(work, 1))
    let isCostly = work > 2_000_000
    var options = CheckOptions(
      mode: mode, directions: isCostly ? 1 : 2, exactElements: isCostly ? 2 : 64, seed: seed)
    if case .sampled(let count) = mode { options.mode = .sampled(min(count, affordable)) }
    return options
  }
}

extension LayerSpecification {
  /// Parts of the inputs that are wide enough for three windows of this layer side by side.
  fileprivate func patches(of inputs: [Shape]) throws -> [Shape] {
    // What ONNX's graphs say of shapes and constants fits no other input.
    if self is ViewSpecification || self is AddSpecification { return inputs }
    let window = try window(for: inputs)
    return inputs.map { input in
      guard input.rank == 4 else { return input }
      let plane = smallPlane(input, window: window?.extent ?? 1, stride: window?.stride ?? 1)
      return Shape(input.images, input.channels, plane[0], plane[1])
    }
  }
}

/// Shows how far a long check has come, and how long the tensor under check is going to take.
struct CheckWatch {
  /// What is being checked.
  let what: String
  let progress: Progress

  private var tensor = -1
  private var start = ContinuousClock.now
  private var shown = ContinuousClock.now

  init(what: String, progress: Progress) {
    self.what = what
    self.progress = progress
  }

  /// Takes note of a moment, and shows one of each second.
  mutating func see(_ state: CheckProgress) {
    let now = ContinuousClock.now
    if state.tensorsDone != tensor { (tensor, start) = (state.tensorsDone, now) }
    guard shown.duration(to: now) >= .seconds(1) else { return }
    shown = now
    let share = Double(state.linesDone) / Double(max(state.lines, 1))
    let seconds = start.duration(to: now) / .seconds(1)
    var text = "\(what): \(state.tensor) \(Format.percent(share))"
    // Of the first lines nothing can be told.
    if share > 0.01, seconds > 1 {
      text += ", \(Format.grouped(Int((seconds / share * (1 - share)).rounded()))) s left"
    }
    progress.detail(text)
  }
}
