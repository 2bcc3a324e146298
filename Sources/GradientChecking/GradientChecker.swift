import RealModule
import Tensors

/// Checks a function's gradient, one variable after another.
///
/// The gradient that is checked is that of Σ vⱼ·yⱼ, the outputs times a random upstream gradient,
/// or of the output itself where there is only one.
public struct GradientChecker<F: DifferentiableFunction> {
  /// How thoroughly to check.
  public let options: CheckOptions
  /// The names for the report.
  public let layer, version: String

  private var lines: LineChecker<F>
  private let gradients: [Tensor<Double>]
  private var generator: SplitMix64
  /// Apart from the other, so that what is reconsidered changes no direction.
  private var noiseGenerator: SplitMix64

  /// Evaluates the function and its gradient at the point.
  ///
  /// - Throws: `CheckError` when outputs at the point aren't finite, or gradients don't have the
  ///   shapes of the variables; and whatever the function throws.
  /// - Complexity: One evaluation and one gradient of the function, which is kept: memory of all
  ///   variables.
  public init(
    _ function: F, layer: String, version: String, options: CheckOptions = CheckOptions()
  ) throws {
    var function = function
    var generator = SplitMix64(seed: options.seed ^ 0x5EED_0F_C4EC)
    var centre: [Double] = []
    try function.evaluate(into: &centre, seed: options.layerSeed, movedOnly: nil)
    guard centre.allSatisfy(\.isFinite) else {
      throw CheckError(reason: "\(layer) gives outputs that are not finite at the point")
    }
    let upstream = centre.count == 1 ? [1.0] : centre.map { _ in generator.nextNormal() }
    gradients = try function.gradients(upstream: upstream, seed: options.layerSeed)
    guard gradients.map(\.shape) == function.variables.map(\.shape) else {
      throw CheckError(
        reason: "\(layer) gives gradients of shapes \(gradients.map(\.shape)) for variables of "
          + "shapes \(function.variables.map(\.shape))")
    }
    self.options = options
    self.layer = layer
    self.version = version
    self.generator = generator
    noiseGenerator = SplitMix64(seed: options.seed ^ 0x2E20)
    lines = LineChecker(function, seed: options.layerSeed, centre: centre, upstream: upstream)
  }

  /// The variables, in the order of their numbers.
  public var variables: [Variable] { lines.function.variables }

  /// The upstream gradient v.
  public var upstream: [Double] { lines.upstream }

  /// Checks the gradient of one variable.
  ///
  /// - Parameters:
  ///   - variable: its number.
  ///   - exact: the same function on dual numbers, if there is one.
  ///   - facts: what explanations may refer to.
  ///   - progress: told how many of how many lines are done; returning false stops the check.
  /// - Throws: whatever the function throws.
  /// - Complexity: For each element and direction 6 evaluations where the function is straight, some
  ///   12 where it is curved, up to 48 where it bends or the gradient is wrong; 1 or 2 where
  ///   `options.isEconomical` and the gradient is right; 9 or 17 in all for the noise. Beside outputs
  ///   so large that greater steps have to be found, up to 28. Where a claim that may be 0 but for
  ///   rounding fails, 32 gradients of the function. The findings at every element are kept until the
  ///   report is made.
  public mutating func check(
    variable: Int, exact: (any ExactlyDifferentiable)? = nil, facts: Facts = Facts(),
    progress: ((_ done: Int, _ of: Int) -> Bool)? = nil
  ) throws -> TensorReport {
    try lines.prepare(for: variable, using: &generator)
    let gradient = gradients[variable]
    let values = lines.function.values(of: variable)
    let scale = gradient.elements.lazy.filter(\.isFinite).reduce(0) { max($0, abs($1)) }
    let size = typicalMagnitude(of: values.elements)
    let positions = chosenPositions(of: gradient.count)
    let total = positions.count + (options.directions == 0 ? 0 : options.directions + 1)
    var run = TensorRun(variables[variable], gradient: gradient, values: values)
    var claims: [LineChecker<F>.Claim] = []

    for position in positions {
      let firstStep = 0.25 * powerOfTwo(below: max(abs(values[position]), size))
      let claim = LineChecker<F>.Claim(
        variable: variable, line: .element(position), analytic: gradient[position], scale: scale,
        firstStep: firstStep, isEconomical: options.isEconomical)
      run.elements.append(try lines.check(claim))
      claims.append(claim)
      if progress?(run.elements.count, total) == false { break }
    }
    let directions = chosenDirections(size: powerOfTwo(below: size))
    let noise = directions.isEmpty ? 0 : argumentNoise(gradient, values)
    for signs in directions where gradient.count > 0 {
      let inner = signs.inner(gradient)
      let claim = LineChecker<F>.Claim(
        variable: variable, line: .direction(signs), analytic: inner.sum, scale: inner.size,
        firstStep: 0.25, extraNoise: noise, isEconomical: options.isEconomical)
      run.directions.append(try lines.check(claim))
      claims.append(claim)
      if progress?(run.elements.count + run.directions.count, total) == false { break }
    }
    try reconsider(claims, in: &run)
    if var exact {
      try run.compare(
        with: &exact, variable: variable, upstream: upstream, options: options,
        precision: lines.function.precision,
        using: &generator)
    }
    let experiments =
      run.hasFailures && gradient.count <= Experiments.sizeLimit
      ? try Experiments(&lines.function, upstream: upstream, variable, gradient, seed: lines.seed)
      : nil
    return run.report(layer: layer, version: version, facts: facts, experiments: experiments)
  }

  /// If claims failed or couldn't be decided, checks those again that are nothing but rounding of 0.
  private mutating func reconsider(
    _ claims: [LineChecker<F>.Claim], in run: inout TensorRun
  ) throws {
    let checks = run.elements + run.directions
    let most = lines.leastChange
    // What failed by more than rounding doesn't get better.
    guard zip(checks, claims).contains(where: { $0.isDoubtful && $1.couldBeRounding(most) }) else {
      return
    }
    let rounding = try lines.roundingOfZero(in: claims, using: &noiseGenerator)
    for i in claims.indices where rounding[i] > 0 {
      var claim = claims[i]
      (claim.roundingOfZero, claim.isEconomical) = (rounding[i], false)
      let check = try lines.check(claim)
      if i < run.elements.count {
        run.elements[i] = check
      } else {
        run.directions[i - run.elements.count] = check
      }
    }
  }

  private mutating func chosenPositions(of count: Int) -> [Int] {
    switch options.mode {
    case .exhaustive: return Array(0..<count)
    case .directional: return []
    case .sampled(let wanted):
      guard wanted < count else { return Array(0..<count) }
      var chosen = Set<Int>()
      while chosen.count < wanted { chosen.insert(Int.random(in: 0..<count, using: &generator)) }
      return chosen.sorted()
    }
  }

  private mutating func chosenDirections(size: Double) -> [Signs] {
    guard options.directions > 0 else { return [] }
    let random = (0..<options.directions).map { _ in Signs(seed: generator.next(), size: size) }
    // Elements that share a kink, equal maxima of a window, stay equal when all move alike: along
    // that direction there is no kink, and no room for a wrong answer.
    return [Signs(seed: nil, size: size)] + random
  }

  /// When all elements move at once, x + t·u is rounded in each of them, by its spacing over √12
  /// on average, and f follows by its gradient.
  private func argumentNoise(_ gradient: Tensor<Double>, _ values: Tensor<Double>) -> Double {
    var squares = 0.0
    for i in 0..<gradient.count {
      let term = gradient.elements[i] * values.elements[i]
      squares += term.isFinite ? term * term : 0
    }
    return .sqrt(squares / 12) * lines.function.precision
  }
}
