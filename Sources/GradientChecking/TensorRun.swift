import RealModule
import Tensors

/// The checks of one tensor while they are being gathered.
struct TensorRun {
  let variable: Variable
  let gradient: Tensor<Double>
  let values: Tensor<Double>
  var elements: [ElementCheck] = []
  var directions: [ElementCheck] = []
  private let largestClaim: Double
  private var dualRelativeError: Double?
  private var dualFailed = false

  init(_ variable: Variable, gradient: Tensor<Double>, values: Tensor<Double>) {
    self.variable = variable
    self.gradient = gradient
    self.values = values
    largestClaim = gradient.elements.lazy.filter(\.isFinite).reduce(0) { max($0, abs($1)) }
  }

  /// The largest gradient in the tensor, claimed or measured, by which relative errors are judged.
  var scale: Double {
    elements.lazy.filter { $0.place != .undecided }
      .map(\.numeric).filter(\.isFinite)
      .reduce(largestClaim) { max($0, abs($1)) }
  }

  /// Compares with the exact derivatives by single elements, and along random directions.
  ///
  /// vᵀ·(J·u) by dual numbers and (Jᵀ·v)ᵀ·u by the backward pass are the same number. Elements at
  /// a kink are left out of u: there a dual number follows one side, as the program does.
  mutating func compare(
    with exact: inout any ExactlyDifferentiable, variable number: Int, upstream: [Double],
    options: CheckOptions, precision: Double, using generator: inout SplitMix64
  ) throws {
    let smooth = elements.indices.filter { elements[$0].place != .kink }
    let chosen =
      smooth.count <= options.exactElements
      ? smooth : Array(smooth.shuffled(using: &generator).prefix(options.exactElements))
    let scale = scale
    for i in chosen {
      guard let position = elements[i].position else { continue }
      var unit = Tensor<Double>(variable.shape)
      unit[position] = 1
      let derivative = try exact.derivative(
        alongVariable: number, unit, seed: options.layerSeed)
      let value = inner(upstream, derivative)
      elements[i].exact = value
      let zero = elements[i].place == .zero ? elements[i].bar : 0
      note(
        elements[i].analytic, value, scale: 1e-3 * scale, rounding: scale, precision, zero: zero)
    }
    let kinks = elements.compactMap { $0.place == .kink ? $0.position : nil }
    for _ in 0..<max(options.directions, 1) where gradient.count > 0 {
      var direction = Signs(seed: generator.next(), size: 1).tensor(variable.shape)
      for position in kinks { direction[position] = 0 }
      let derivative = try exact.derivative(
        alongVariable: number, direction, seed: options.layerSeed)
      let claimed = inner(gradient.elements, direction.elements)
      let size = Double.sqrt(inner(gradient.elements, gradient.elements))
      note(
        claimed, inner(upstream, derivative), scale: size, rounding: size, precision,
        zero: directionalZero)
    }
  }

  /// How large the derivative along a direction may be, of components of ±1, if everything that was
  /// looked at is nothing but rounding; 0 otherwise.
  private var directionalZero: Double {
    let lines = elements.isEmpty ? directions : elements
    guard lines.allSatisfy({ $0.place == .zero }) else { return 0 }
    let bar = lines.reduce(0) { max($0, $1.bar) }
    // The components of the directions that were checked are as large as the values are.
    return elements.isEmpty
      ? bar / powerOfTwo(below: typicalMagnitude(of: values.elements))
      : bar * .sqrt(Double(gradient.count))
  }

  /// Agreement is to 1e-12 relative. A sum of terms as large as `rounding` can't be more accurate
  /// than some of their last digits. Numbers of a gradient that is nothing but rounding are both 0 if
  /// they are no larger than `zero`.
  private mutating func note(
    _ claimed: Double, _ exact: Double, scale: Double, rounding: Double, _ precision: Double,
    zero: Double
  ) {
    let isZero = max(abs(claimed), abs(exact)) <= zero
    let difference = isZero ? 0 : abs(claimed - exact)
    let size = max(abs(claimed), abs(exact), scale)
    let relative = difference == 0 ? 0 : difference / size
    dualRelativeError = max(dualRelativeError ?? 0, relative.isNaN ? .infinity : relative)
    let allowed = 1e-12 * precision / 0x1p-52 * size + 32 * precision * rounding
    if !(difference <= allowed) { dualFailed = true }
  }

  /// Whether any element or direction is wrong.
  var hasFailures: Bool { !elements.allSatisfy(\.passed) || !directions.allSatisfy(\.passed) }

  /// What was found, with the likely causes of what failed.
  func report(
    layer: String, version: String, facts: Facts, experiments: Experiments?
  ) -> TensorReport {
    let all = elements + directions
    let failures = all.filter { !$0.passed }.sorted { $0.errorOverBar > $1.errorOverBar }
    let decided = elements.filter { $0.place != .undecided }
    let scale = scale
    let relative = decided.filter { $0.place != .kink && $0.place != .zero }
      .map { $0.relativeError(scale: scale) }
    let undecided = all.count { $0.place == .undecided }
    var causes =
      failures.isEmpty
      ? []
      : Diagnosis(
        variable, elements: elements, directions: directions, facts: facts,
        experiments: experiments
      ).causes
    if dualFailed && failures.isEmpty {
      causes.append(
        "the difference quotients agree within their bars, the exact derivative by dual numbers "
          + "doesn't: an error too small for the quotients, or two versions of the formula")
    }
    if undecided * 2 > all.count {
      causes.append(
        "most difference quotients don't converge: the function is rougher than its noise explains")
    }
    return TensorReport(
      layer: layer, version: version, tensor: variable.name, shape: variable.shape.dimensions,
      checked: elements.count, directions: directions.count,
      worstRelativeError: relative.max() ?? 0,
      worstErrorOverBar: all.map(\.errorOverBar).max() ?? 0,
      dualRelativeError: dualRelativeError,
      kinks: elements.count { $0.place == .kink },
      nearKinks: elements.count { $0.place == .nearKink },
      zeros: elements.count { $0.place == .zero }, undecided: undecided,
      worst: all.max { $0.errorOverBar < $1.errorOverBar }, failures: Array(failures.prefix(10)),
      failed: elements.count { !$0.passed },
      failedDirections: directions.count { !$0.passed }, causes: causes,
      passed: failures.isEmpty && !dualFailed && undecided * 2 <= all.count)
  }
}

/// Σ aᵢ·bᵢ.
func inner(_ a: [Double], _ b: [Double]) -> Double {
  var (sum, lost) = (0.0, 0.0)
  for i in a.indices {
    let corrected = a[i] * b[i] - lost
    let next = sum + corrected
    lost = (next - sum) - corrected
    sum = next
  }
  return sum
}
