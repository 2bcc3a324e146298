import GradientChecking
import Layers
import Tensors
import Testing

/// A layer at a point: one row of a table of cases.
struct LayerCase: CustomTestStringConvertible, Sendable {
  /// What the input is drawn from.
  enum Point: Sendable {
    /// Normal numbers of deviation 1.
    case normal
    /// The same, times a factor.
    case scaled(Double)
    /// Small integers, so that windows hold equal values and ReLU meets 0.
    case integers
    /// The same number everywhere.
    case constant(Double)
  }

  let title: String
  let specification: any SingleInputSpecification
  let input: Shape
  var point = Point.normal
  var phase = Phase.training

  init(
    _ title: String, _ specification: any SingleInputSpecification, _ input: Shape,
    at point: Point = .normal, phase: Phase = .training
  ) {
    self.title = title
    self.specification = specification
    self.input = input
    self.point = point
    self.phase = phase
  }

  var testDescription: String { title }

  /// The input that is checked at.
  func data(seed: UInt64) -> Tensor<Double> {
    var generator = SplitMix64(seed: seed)
    switch point {
    case .normal: return .normal(input, using: &generator)
    case .scaled(let factor): return .normal(input, deviation: factor, using: &generator)
    case .integers:
      var tensor = Tensor<Double>(input)
      for i in 0..<tensor.count { tensor[i] = Double(Int.random(in: -2...2, using: &generator)) }
      return tensor
    case .constant(let value): return Tensor(input, repeating: value)
    }
  }

  /// The check of this case on one version.
  func report(on backend: any Backend<Double>, seed: UInt64 = 1) throws -> GradientReport {
    try check(
      backend.layer(specification), input: input, at: data(seed: seed),
      exact: exactVersion.layer(specification), version: backend.name,
      options: CheckOptions(seed: seed, phase: phase))
  }
}

/// Runs a table of cases on every version, demands what the issue demands, and prints the worst
/// relative error of each version.
///
/// - Parameter smooth: the worst relative error that is allowed. 1e-7 is the goal of the project
///   for any layer; smooth layers reach 1e-9 against extrapolated quotients.
func expectRight(_ cases: [LayerCase], smooth tolerance: Double) throws {
  for backend in versions {
    var summary = Summary(version: backend.name)
    for entry in cases {
      let report = try entry.report(on: backend)
      let passed = report.passed
      #expect(passed, "\(entry.title):\n\(report.explanation)")
      for tensor in report.tensors {
        #expect(tensor.worstRelativeError <= tolerance, "\(entry.title) \(tensor.tensor)")
        // Exact derivatives and a backward pass in Double differ by rounding only.
        #expect(tensor.dualRelativeError ?? 0 <= 1e-12, "\(entry.title) \(tensor.tensor)")
        #expect(tensor.undecided == 0, "\(entry.title) \(tensor.tensor)")
        summary.add(tensor)
      }
    }
    print(summary.line)
  }
}

/// The worst of many reports, as one line of the test log.
struct Summary {
  let version: String
  var layer = ""
  private var elements = 0
  private var kinks = 0
  private var nearKinks = 0
  private var relative = 0.0
  private var overBar = 0.0
  private var dual = 0.0

  init(version: String) {
    self.version = version
  }

  mutating func add(_ tensor: TensorReport) {
    layer = tensor.layer
    elements += tensor.checked
    kinks += tensor.kinks
    nearKinks += tensor.nearKinks
    relative = max(relative, tensor.worstRelativeError)
    overBar = max(overBar, tensor.worstErrorOverBar)
    dual = max(dual, tensor.dualRelativeError ?? 0)
  }

  var line: String {
    "gradients of \(layer) (\(version)): \(elements) elements, worst relative error \(relative), "
      + "worst error/bar \(overBar), against dual numbers \(dual), \(kinks) at kinks, "
      + "\(nearKinks) near kinks"
  }
}
