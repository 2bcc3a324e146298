import Fast
import GradientChecking
import Layers
import Networks
import Reference
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

  /// Checks the chosen layers in the chosen versions.
  ///
  /// - Throws: `LayerError` for an impossible network.
  func run() throws -> GradientReport {
    let summary = try definition.summary(batch: 2)
    var report = GradientReport()
    for index in indices {
      let row = summary.layers[index]
      let input = try definition.layers[index].operation.patch(of: row.input)
      if versions.includesNaive {
        progress.step("\(row.name), reference")
        report = report.merging(try check(index, input, ReferenceBackend<Double>()))
      }
      if versions.includesFast {
        progress.step("\(row.name), fast")
        report = report.merging(try check(index, input, FastBackend<Double>()))
      }
    }
    progress.finish()
    return report
  }

  private func check(
    _ index: Int, _ input: Shape, _ backend: some Backend<Double>
  ) throws -> GradientReport {
    let layer = definition.layers[index]
    let exact = ReferenceBackend<Dual<Double>>()
    let options = options(for: layer.operation, input)
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

  /// As asked for, with fewer elements where each costs much: a quotient takes some thirty
  /// evaluations, and about 3·10⁹ multiply-accumulates a tensor keep the naive loops bearable.
  private func options(for operation: LayerOperation, _ input: Shape) -> CheckOptions {
    let work = (try? operation.specification.multiplyAccumulates(for: input)) ?? 0
    let affordable = max(2, 100_000_000 / max(work, 1))
    let isCostly = affordable < 50
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
