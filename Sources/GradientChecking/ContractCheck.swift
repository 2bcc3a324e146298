import Layers
import Tensors

/// Tries the rules of `Layer` that no difference quotient can see.
struct ContractCheck<L: Layer> {
  private typealias S = L.Scalar

  private let layer: L
  private let inputs: [Tensor<L.Scalar>]
  private let parameters: [Tensor<L.Scalar>]
  /// The parameters with a gradient: state has none.
  private let learned: [Int]
  private let labels: [Int]
  private let phase: Phase
  private var generator: SplitMix64

  init(
    _ layer: L, inputs: [Tensor<Double>], parameters: [Tensor<Double>], labels: [Int],
    options: CheckOptions
  ) throws(LayerError) {
    self.layer = layer
    self.inputs = inputs.map { $0.converted() }
    self.parameters = parameters.map { $0.converted() }
    let specifications = try layer.specification.parameters(for: inputs.map(\.shape))
    learned = specifications.indices.filter { specifications[$0].isLearned }
    self.labels = labels
    phase = options.phase
    generator = SplitMix64(seed: options.seed ^ 0xC0_4724C7)
  }

  private var shapes: [Shape] { inputs.map(\.shape) }

  private struct Pass {
    var output: Tensor<L.Scalar>
    var saved: L.Saved
  }

  private struct Gradients {
    var inputs: [Tensor<L.Scalar>?]
    /// Those of the parameters that are learned.
    var parameters: [Tensor<L.Scalar>]
  }

  /// Every rule that is broken.
  mutating func violations() throws -> [ContractViolation] {
    var found: [ContractViolation] = []
    let first = try forward(over: 0)
    let second = try forward(over: 0)
    if !same(first.output, second.output) {
      found.append(
        ContractViolation(
          .isFunctionOfInputAndSeed,
          detail: "two forward passes with the same seed differ by "
            + difference(first.output, second.output)))
      return found
    }
    for memory in [S(Double.nan), S(1e3)] {
      let over = try forward(over: memory)
      if !same(first.output, over.output) {
        found.append(
          ContractViolation(
            .overwritesOutput,
            detail: "over memory that held \(memory.doubleValue), the output differs by "
              + difference(first.output, over.output)))
        break
      }
    }
    let upstream = Tensor<S>.normal(first.output.shape, using: &generator)
    let clean = backward(first, upstream)
    let again = backward(first, upstream)
    if let place = mismatch(clean, again) {
      found.append(
        ContractViolation(
          .backwardIsDeterministic, detail: "two backward passes differ in \(place)"))
      return found
    }
    for memory in [S(Double.nan), S(1e3)] {
      if let place = mismatch(clean, backward(first, upstream, over: memory)) {
        found.append(
          ContractViolation(
            .overwritesGradients,
            detail: "over memory that held \(memory.doubleValue), gradients differ in \(place): "
              + "accumulated instead of overwritten"))
        break
      }
    }
    if let place = mismatch(clean, backward(first, upstream, needsInput: false)) {
      found.append(
        ContractViolation(
          .workWithoutInputGradient,
          detail: "when nobody needs the input's gradient, gradients differ in \(place)"))
    }
    if let violation = accumulation(first, upstream, clean) { found.append(violation) }
    if let violation = proportion(first, upstream, clean) { found.append(violation) }
    if let inPlace = layer as? any InPlaceLayer<L.Scalar>,
      let detail = try inPlaceDifference(inPlace, first, upstream, clean)
    {
      found.append(ContractViolation(.inPlaceMatches, detail: detail))
    }
    return found
  }

  private func context() -> RunContext {
    RunContext(phase: phase, seed: 20_120_930, labels: labels)
  }

  private func forward(over memory: S) throws -> Pass {
    let shape = try layer.specification.outputShape(for: shapes)
    var pass = Pass(
      output: Tensor(shape, repeating: memory), saved: try layer.makeSaved(for: shapes))
    var context = context()
    layer.forward(
      inputs, parameters: parameters, context: &context, output: &pass.output, saved: &pass.saved)
    try requireShape(shape, of: pass.output, from: layer)
    return pass
  }

  private func backward(
    _ pass: Pass, _ upstream: Tensor<S>, over memory: S = 0, needsInput: Bool = true
  ) -> Gradients {
    var gradients = Gradients(
      inputs: inputs.map { needsInput ? Tensor($0.shape, repeating: memory) : nil },
      parameters: parameters.map { Tensor($0.shape, repeating: memory) })
    layer.backward(
      outputGradient: upstream, inputs: inputs, output: pass.output, parameters: parameters,
      saved: pass.saved, inputGradients: &gradients.inputs,
      parameterGradients: &gradients.parameters, accumulating: false)
    gradients.parameters = learned.map { gradients.parameters[$0] }
    return gradients
  }

  /// Onto what was there, each gradient has to be added; sums in another order may round apart.
  private mutating func accumulation(
    _ pass: Pass, _ upstream: Tensor<S>, _ clean: Gradients
  ) -> ContractViolation? {
    guard !learned.isEmpty else { return nil }
    let largest = clean.parameters.map(\.largestMagnitude)
    guard let first = unaccumulated(pass, upstream, clean, onto: largest) else { return nil }
    // A gradient that is 0 but for rounding, as that of a bias before a normalisation, is another one in
    // every order of its sum. Onto numbers as large as the other gradients it has to be added all the
    // same.
    let rounding = rounding(of: clean.parameters[first.number], first.number, pass, upstream)
    let most = (largest + clean.inputs.compactMap { $0?.largestMagnitude }).max() ?? 0
    let isRounding =
      largest[first.number] <= max(100 * rounding, 1024 * spacingAtOne(of: S.self) * most)
    let again =
      isRounding
      ? unaccumulated(
        pass, upstream, clean, onto: largest.map { _ in most }, allowing: 100 * rounding) : first
    return again.map {
      ContractViolation(
        .accumulatesWhenAsked,
        detail:
          "parameter \(learned[$0.number] + 1) is off by \($0.difference.formatted(digits: 3)) from what "
          + "was there + gradient")
    }
  }

  /// The first parameter whose gradient isn't added to random numbers of given sizes.
  private mutating func unaccumulated(
    _ pass: Pass, _ upstream: Tensor<S>, _ clean: Gradients, onto sizes: [Double],
    allowing rounding: Double = 0
  ) -> (number: Int, difference: Double)? {
    let before = zip(clean.parameters, sizes).map { gradient, size in
      Tensor<S>.normal(gradient.shape, deviation: max(size, 1e-300), using: &generator)
    }
    var inputGradients: [Tensor<S>?] = inputs.map { Tensor($0.shape) }
    var sums = parameters.map { Tensor<S>($0.shape) }
    for (number, parameter) in learned.enumerated() { sums[parameter] = before[number] }
    layer.backward(
      outputGradient: upstream, inputs: inputs, output: pass.output, parameters: parameters,
      saved: pass.saved, inputGradients: &inputGradients, parameterGradients: &sums,
      accumulating: true)
    for (number, sum) in learned.map({ sums[$0] }).enumerated() {
      var expected = before[number]
      expected.add(clean.parameters[number])
      // A few hundred terms, each rounded: far above that, far below a missing contribution.
      let allowed = max(1024 * spacingAtOne(of: S.self) * expected.largestMagnitude, rounding)
      let difference = sum.largestDifference(to: expected)
      if !(difference <= allowed) { return (number, difference) }
    }
    return nil
  }

  /// How far rounding moves a parameter's gradient, which is linear in the upstream gradient: by how
  /// much a third of the gradient for three times the upstream gradient differs from the gradient, and
  /// so on.
  private func rounding(
    of gradient: Tensor<S>, _ number: Int, _ pass: Pass, _ upstream: Tensor<S>
  ) -> Double {
    [3, 5, 7, 11, 13].reduce(0.0) { worst, factor in
      var scaled = upstream
      for i in 0..<scaled.count { scaled[i] *= S(factor) }
      var again = backward(pass, scaled).parameters[number]
      for i in 0..<again.count { again[i] /= S(factor) }
      let difference = again.largestDifference(to: gradient)
      return difference.isFinite ? max(worst, difference) : worst
    }
  }

  /// Of a function with one number for an output, the difference quotients are compared with the
  /// gradient for an upstream gradient of 1: they can't see one that is overlooked.
  private func proportion(
    _ pass: Pass, _ upstream: Tensor<S>, _ clean: Gradients
  ) -> ContractViolation? {
    guard pass.output.count == 1, [0, 1].contains(layer.specification.lossWeight) else {
      return nil
    }
    // A power of two, by which nothing is rounded.
    func fourfold(_ tensor: Tensor<S>) -> Tensor<S> {
      Tensor(tensor.shape, tensor.elements.map { 4 * $0 })
    }
    let expected = Gradients(
      inputs: clean.inputs.map { $0.map(fourfold) }, parameters: clean.parameters.map(fourfold))
    return mismatch(expected, backward(pass, fourfold(upstream))).map {
      ContractViolation(
        .isProportionalToOutputGradient,
        detail: "for four times the output's gradient, gradients differ from four times as much in "
          + $0)
    }
  }

  private func inPlaceDifference<I: InPlaceLayer>(
    _ inPlace: I, _ pass: Pass, _ upstream: Tensor<S>, _ clean: Gradients
  ) throws -> String? where I.Scalar == L.Scalar {
    guard inPlace.inPlaceObstacle == nil else { return nil }
    var data = inputs[0]
    var saved = try inPlace.makeSaved(for: shapes)
    var context = context()
    inPlace.forward(inPlace: &data, context: &context, saved: &saved)
    guard same(data, pass.output) else {
      return "the output differs by \(difference(data, pass.output))"
    }
    var gradient = upstream
    inPlace.backward(inPlace: &gradient, output: data, saved: saved)
    guard let expected = clean.inputs[0], !same(gradient, expected) else { return nil }
    return "the input's gradient differs by \(difference(gradient, expected))"
  }

  private func mismatch(_ a: Gradients, _ b: Gradients) -> String? {
    for (number, (left, right)) in zip(a.inputs, b.inputs).enumerated() {
      guard let left, let right, !same(left, right) else { continue }
      let name = inputs.count == 1 ? "the input" : "input \(number + 1)"
      return "\(name) by \(difference(left, right))"
    }
    for (number, (left, right)) in zip(a.parameters, b.parameters).enumerated()
    where !same(left, right) {
      return "parameter \(learned[number] + 1) by \(difference(left, right))"
    }
    return nil
  }

  /// The same bits, but for the sign of 0 and the payload of NaN.
  private func same(_ a: Tensor<S>, _ b: Tensor<S>) -> Bool { a.largestDifference(to: b) == 0 }

  private func difference(_ a: Tensor<S>, _ b: Tensor<S>) -> String {
    a.largestDifference(to: b).formatted(digits: 3)
  }
}
