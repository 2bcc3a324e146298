extension Diagnosis {
  /// What the terms of the sums tell that the sums don't.
  var jacobianPattern: String? {
    guard let jacobians = experiments?.jacobians, isComplete else { return nil }
    return overwritten(jacobians) ?? crossTerms(jacobians) ?? sumOfWeights(jacobians)
  }

  /// Of each element's terms the last one is there, and no other.
  private func overwritten(_ jacobians: Jacobians) -> String? {
    guard let experiments else { return nil }
    var isSumSomewhere = false
    for check in judged {
      guard let i = check.position else { return nil }
      let terms = jacobians.measured.indices
        .filter { !jacobians.agree(jacobians.measured[$0][i], 0) }
      if terms.count > 1 { isSumSomewhere = true }
      let last = terms.last.map { experiments.upstream[$0] * jacobians.measured[$0][i] } ?? 0
      guard abs(check.analytic - last) <= 1e-6 * scale else { return nil }
    }
    return isSumSomewhere
      ? "overwritten where it should be added to: of all outputs that depend on an element, the "
        + "last one's contribution is the only one left" : nil
  }

  /// Where each output belongs to an element and depends on others too, as in softmax and in
  /// normalisation: what is claimed of the others' influence.
  private func crossTerms(_ jacobians: Jacobians) -> String? {
    let count = jacobians.values.count
    guard jacobians.outputs.count == count else { return nil }
    let pairs = (0..<count).flatMap { j in (0..<count).map { i in (j, i) } }
    let cross = pairs.filter { j, i in
      j != i && !jacobians.agree(jacobians.measured[j][i], 0)
    }
    guard cross.count >= 3 else { return nil }
    let isMissing = { (j: Int, i: Int) in jacobians.agree(jacobians.claimed[j][i], 0) }
    let missing = cross.filter(isMissing)
    if missing.count == cross.count { return missingCrossTerms(jacobians) }

    let others = cross.filter { !isMissing($0, $1) }
    let othersAreRight = others.allSatisfy { j, i in
      jacobians.agree(jacobians.claimed[j][i], jacobians.measured[j][i])
    }
    if othersAreRight, !missing.isEmpty {
      let below = missing.allSatisfy { $0.0 < $0.1 } && others.allSatisfy { $0.0 > $0.1 }
      let above = missing.allSatisfy { $0.0 > $0.1 } && others.allSatisfy { $0.0 < $0.1 }
      if below || above {
        return "the cross terms with neighbours \(below ? "before" : "behind") an element are "
          + "missing: a sum over one side only"
      }
    }
    if let cause = normalisationTerms(jacobians) { return cause }
    guard missing.isEmpty, let factor = crossFactor(jacobians, cross) else { return nil }
    return factorPhrase(
      "the sum of the cross terms, by which outputs depend on other elements,", factor,
      within: 1e-3)
  }

  /// The terms of a normalisation over several elements, y = (x − µ)/σ:
  ///
  ///     ∂yⱼ/∂xᵢ = (δᵢⱼ − 1/N − yⱼ·yᵢ/N)/σ
  ///
  /// Of each output, an error that is the same for all elements lies in the term −1/N, which comes from
  /// the mean; one in proportion to their outputs in the term −yⱼ·yᵢ/N, which comes from σ.
  private func normalisationTerms(_ jacobians: Jacobians) -> String? {
    var (isMean, isDeviation, rows) = (true, true, 0)
    for j in jacobians.values.indices {
      let reached = jacobians.values.indices.filter {
        !jacobians.agree(jacobians.measured[j][$0], 0)
      }
      let errors = reached.map { jacobians.claimed[j][$0] - jacobians.measured[j][$0] }
      let outputs = reached.map { jacobians.outputs[$0] }
      guard reached.count >= 3 else { continue }
      rows += 1
      let largest = errors.reduce(0) { max($0, abs($1)) }
      let mean = errors.reduce(0, +) / Double(errors.count)
      let slope = inner(errors, outputs) / inner(outputs, outputs)
      isMean = isMean && errors.allSatisfy { abs($0 - mean) <= 1e-3 * largest }
      isDeviation =
        isDeviation && zip(errors, outputs).allSatisfy { abs($0 - slope * $1) <= 1e-3 * largest }
    }
    guard rows > 0, isMean != isDeviation else { return nil }
    return isMean
      ? "of a normalisation, the term that comes from the mean is left out or wrong: each element "
        + "moves the mean, which is subtracted from all"
      : "of a normalisation, the term that comes from the deviation is left out or has a wrong factor "
        + "(N − 1 for N, for example): each element changes what all are divided by"
  }

  /// Outputs that are means with weights of a softmax, y = Σₖ pₖ·vₖ, as those of attention, change by what
  /// the scores s depend on as
  ///
  ///     ∂y/∂θ = Σₖ pₖ·vₖ·∂sₖ/∂θ − y·Σₖ pₖ·∂sₖ/∂θ
  ///
  /// Without the second term, which comes from the sum that all weights are divided by, the error at each
  /// element is in proportion to the outputs that it reaches.
  private func sumOfWeights(_ jacobians: Jacobians) -> String? {
    var fitted = 0
    for i in jacobians.values.indices {
      let reached = jacobians.outputs.indices.filter {
        !jacobians.agree(jacobians.measured[$0][i], 0)
          || !jacobians.agree(jacobians.claimed[$0][i], 0)
      }
      let errors = reached.map { jacobians.claimed[$0][i] - jacobians.measured[$0][i] }
      let outputs = reached.map { jacobians.outputs[$0] }
      let largest = errors.reduce(0) { max($0, abs($1)) }
      guard reached.count >= 3, !jacobians.agree(largest, 0) else { continue }
      let slope = inner(errors, outputs) / inner(outputs, outputs)
      guard zip(errors, outputs).allSatisfy({ abs($0 - slope * $1) <= 1e-3 * largest }) else {
        return nil
      }
      fitted += 1
    }
    return fitted >= 3
      ? "of weights that are divided by their sum, as a softmax's in attention, the term that comes from "
        + "the sum is left out: each score changes what all weights are divided by" : nil
  }

  private func missingCrossTerms(_ jacobians: Jacobians) -> String? {
    let diagonal = jacobians.values.indices.map { jacobians.claimed[$0][$0] }
    if diagonal.indices.allSatisfy({ jacobians.agree(diagonal[$0], jacobians.measured[$0][$0]) }) {
      return "only the diagonal of the Jacobian is used: that each output depends on the other "
        + "elements too is left out"
    }
    let isProportional = diagonal.indices.allSatisfy {
      jacobians.agree(diagonal[$0] * jacobians.values[$0], jacobians.outputs[$0])
    }
    guard isProportional else { return nil }
    return "the gradient is that of a constant times the element, y/x: that the factor, a divisor "
      + "perhaps, depends on the elements too (the cross term) is left out"
  }

  /// The c with claimed = c·measured off the diagonal, if there is one.
  private func crossFactor(_ jacobians: Jacobians, _ cross: [(Int, Int)]) -> Double? {
    var (product, squares, largest) = (0.0, 0.0, 0.0)
    for (j, i) in cross {
      let (claimed, measured) = (jacobians.claimed[j][i], jacobians.measured[j][i])
      product += claimed * measured
      squares += measured * measured
      largest = max(largest, abs(claimed), abs(measured))
    }
    let factor = product / squares
    let fits = cross.allSatisfy { j, i in
      abs(jacobians.claimed[j][i] - factor * jacobians.measured[j][i]) <= 1e-4 * largest
    }
    return fits && abs(factor - 1) > 1e-3 ? factor : nil
  }
}
