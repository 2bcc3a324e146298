import Layers
import Tensors

/// What a check of second derivatives has found.
public struct SecondReport: Sendable, Encodable {
  /// vᵀHu beside uᵀHv, for random u and v. Second derivatives may be taken in either order, so a Hessian
  /// is symmetric. If the two numbers differ, what the backward pass gives is the gradient of nothing.
  public struct Symmetry: Hashable, Sendable, Encodable {
    /// The layer's or network's name.
    public let layer: String
    /// `reference`, `fast`, or the module of a layer from elsewhere.
    public let version: String
    /// The number vᵀHu.
    public let first: Double
    /// The number uᵀHv.
    public let second: Double
    /// How far the two may be apart by rounding.
    public let bar: Double
    /// Whether the two numbers agree to within the bar.
    public let passed: Bool

    init(layer: String, version: String, first: Double, second: Double, bar: Double) {
      (self.layer, self.version) = (layer, version)
      (self.first, self.second, self.bar) = (first, second, bar)
      passed = abs(first - second) <= bar
    }
  }

  /// Of each layer, as many as there were directions, and one at least.
  public var symmetries: [Symmetry]
  /// H·w beside difference quotients of the gradient: as a gradient check of the gradient. The
  /// tensors are those that moved.
  public var quotients: GradientReport

  /// A report of its parts.
  public init(symmetries: [Symmetry] = [], quotients: GradientReport = GradientReport()) {
    self.symmetries = symmetries
    self.quotients = quotients
  }

  /// Whether every Hessian is symmetric and agrees with the difference quotients.
  ///
  /// - Complexity: O(symmetries + tensors).
  public var passed: Bool { symmetries.allSatisfy(\.passed) && quotients.passed }

  private enum CodingKeys: String, CodingKey {
    case passed, symmetries, quotients
  }

  /// An object with `passed`, `symmetries` and `quotients`.
  ///
  /// - Complexity: O(size) of what is written.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(passed, forKey: .passed)
    try container.encode(symmetries, forKey: .symmetries)
    try container.encode(quotients, forKey: .quotients)
  }

  /// This report and another one as one.
  ///
  /// - Complexity: O(symmetries + tensors).
  public func merging(_ other: SecondReport) -> SecondReport {
    SecondReport(
      symmetries: symmetries + other.symmetries,
      quotients: quotients.merging(other.quotients))
  }

  /// What is wrong, in sentences; empty if nothing is.
  ///
  /// - Complexity: O(symmetries + tensors).
  public var explanation: String {
    let asymmetries = symmetries.filter { !$0.passed }.map {
      "\($0.layer) (\($0.version)): vᵀHu is \($0.first) and uᵀHv is \($0.second), \($0.bar) apart at "
        + "most by rounding. A Hessian is symmetric, so the backward pass gives the gradient of "
        + "no function: look for a term that one of two gradients has and the other lacks."
    }
    let wrong = quotients.tensors.filter { !$0.passed }.map {
      "\($0.layer) (\($0.version)): when \($0.tensor) moves, the gradient changes otherwise than H·w "
        + "says, by \($0.worstErrorOverBar) error bars. If the gradient itself is right, the backward "
        + "pass loses derivatives on the way: look for a number that is converted, or kept from before."
    }
    return (asymmetries + wrong).joined(separator: "\n")
  }
}

/// Checks the second derivatives of a function: the gradient's own gradient.
///
/// Two things are tried. The Hessian H that the backward pass has on dual numbers must be symmetric. And
/// the gradient must change as H says when the point moves a little, which difference quotients of the
/// gradient tell, with error bars as in a check of the first derivatives.
///
/// - Parameters:
///   - function: whose gradients are differenced.
///   - exact: the same function at the same point, its backward pass on dual numbers.
///   - name: for the report.
///   - version: for the report.
///   - options: which elements are moved, along how many directions, from which seed.
///     `exactElements` doesn't count.
///   - progress: told after each element and direction how much is done; returning false stops the check.
/// - Throws: `CheckError` when outputs or gradients are not finite, and whatever the functions throw.
/// - Complexity: As `check`, a forward and a backward pass in the place of a forward pass, and two products
///   of `exact` for each direction and one for all elements.
public func checkSecond<F: DifferentiableFunction>(
  _ function: F, exact: any TwiceDifferentiable, name: String = "function",
  version: String? = nil, options: CheckOptions = CheckOptions(),
  progress: ((CheckProgress) -> Bool)? = nil
) throws -> SecondReport {
  var (function, exact) = (function, exact)
  let version = version ?? moduleName(of: F.self)
  let seed = options.layerSeed
  var generator = SplitMix64(seed: options.seed ^ 0x5EC0)
  var outputs: [Double] = []
  try function.evaluate(into: &outputs, seed: seed, movedOnly: nil)
  let upstream = outputs.count == 1 ? [1.0] : outputs.map { _ in generator.nextNormal() }
  // Each variable moves by a share of its own size, so that none drowns the others.
  let sizes = function.variables.indices.map {
    typicalMagnitude(of: function.values(of: $0).elements)
  }
  func direction() -> [Tensor<Double>] {
    zip(function.variables, sizes).map {
      .normal($0.shape, deviation: $1, using: &generator)
    }
  }
  let symmetries = try (0..<max(1, options.directions)).map { _ in
    let (u, v) = (direction(), direction())
    let hu = try exact.hessianProduct(u, upstream: upstream, seed: seed)
    let hv = try exact.hessianProduct(v, upstream: upstream, seed: seed)
    // Each product is a sum of up to 10⁵ or so terms on its way, and each term is off by 10⁻¹⁶ of its
    // size. A missing term of one element among 10⁶ is a thousand times larger than this.
    let bar =
      1e-10
      * (dot(v, v).squareRoot() * dot(hu, hu).squareRoot()
        + dot(u, u).squareRoot() * dot(hv, hv).squareRoot())
    return SecondReport.Symmetry(
      layer: name, version: version, first: dot(v, hu), second: dot(u, hv), bar: bar)
  }
  let quotients = try check(
    GradientFunction(function, exact: exact, upstream: upstream), name: name, version: version,
    options: options, progress: progress)
  return SecondReport(symmetries: symmetries, quotients: quotients)
}

/// Checks the second derivatives of a layer with respect to its inputs and the parameters that it learns.
///
///     let report = try checkSecond(
///       MyLayer<Double>(), inputs: [Shape(2, 3, 5, 5)], exact: MyLayer<Dual<Double>>())
///     print(report.passed ? "right" : report.explanation)
///
/// Of a layer that bends, as ReLU does, the second derivatives are 0 beside the kinks, and nothing is
/// claimed at them.
///
/// - Parameters:
///   - layer: the version whose gradients are differenced; in `Double`, unless wide bars will do.
///   - shapes: of the inputs.
///   - labels: the true classes, for a loss that takes some.
///   - inputs: the point to check at, where a random one won't do.
///   - parameters: likewise. Unless given, state has its first value.
///   - exact: the layer on dual numbers, whose backward pass is checked for symmetry.
///   - name: for the report; the layer's type unless given.
///   - version: for the report; the layer's module in lower case unless given.
///   - options: which elements, along how many directions, from which seed.
///   - progress: told after each element and direction how much is done; returning false stops the check.
/// - Throws: `LayerError` when the layer refuses the shape or the labels, `CheckError` when the input
///   given has another shape, or outputs or gradients are not finite.
/// - Complexity: As `check`, a forward and a backward pass in the place of a forward pass.
public func checkSecond<L: Layer>(
  _ layer: L, inputs shapes: [Shape], labels: [Int] = [], at inputs: [Tensor<Double>]? = nil,
  parameters: [Tensor<Double>]? = nil, exact: any Layer<Dual<Double>>,
  name: String? = nil, version: String? = nil, options: CheckOptions = CheckOptions(),
  progress: ((CheckProgress) -> Bool)? = nil
) throws -> SecondReport {
  let (inputs, parameters) = try point(
    of: layer.specification, shapes, inputs, parameters, seed: options.seed)
  let dual = try secondDerivatives(
    of: exact, inputs: inputs, parameters: parameters, labels: labels, phase: options.phase)
  return try checkSecond(
    LayerFunction(
      layer, inputs: inputs, parameters: parameters, labels: labels, phase: options.phase),
    exact: dual, name: name ?? layerName(of: L.self), version: version ?? moduleName(of: L.self),
    options: options, progress: progress)
}
