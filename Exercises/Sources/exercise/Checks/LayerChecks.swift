import Foundation
import GradientChecking
import Layers
import Tensors

/// The forward pass against the naive version's.
///
/// - Parameters:
///   - terms: how many terms an output is summed from, for the tolerance.
///   - mistakes: what well-known mistakes give, for a case.
func outputs<Mine: SingleInputLayer, Twin: SingleInputLayer>(
  agreeOn cases: [Case<Mine, Twin>], terms: Int, name: String = "out", groups: Int = 1,
  mistakes: (Case<Mine, Twin>, Tensor<Double>, [Tensor<Double>]) throws -> [Comparison.Mistake] = {
    _, _, _ in []
  }
) throws -> Exercise.Finding {
  for entry in cases {
    let (input, parameters) = try entry.data()
    let comparison = Comparison(
      name: name, mine: try entry.mine.forward(input, parameters: parameters).output,
      right: try entry.twin.forward(input, parameters: parameters).output, terms: terms,
      mistakes: try mistakes(entry, input, parameters), groups: groups)
    if let failure = comparison.failure(on: entry.description) { return .wrong(failure) }
  }
  return .right("the same as the naive version, in \(cases.count) cases")
}

/// The gradient by one tensor: against finite differences, against the naive version on dual
/// numbers, and against the naive version's own gradient, which decides at kinks.
///
/// - Parameters:
///   - exact: the naive version on dual numbers.
///   - mistakes: what well-known mistakes give, for a point of the naive version.
func gradient<Mine: SingleInputLayer, Twin: SingleInputLayer>(
  of tensor: String, in cases: [Case<Mine, Twin>],
  exact: (Case<Mine, Twin>) -> any SingleInputLayer<Dual<Double>>,
  mistakes: (Point<Twin>) -> [Comparison.Mistake] = { _ in [] }
) throws -> Exercise.Finding {
  var checked = 0
  var worst = 0.0
  for entry in cases {
    let (input, parameters) = try entry.data()
    let report = try check(
      entry.mine, input: entry.input, at: input, parameters: parameters, exact: exact(entry),
      name: Twin.Specification.typeName, version: "yours")
    guard let found = report.tensors.first(where: { $0.tensor == tensor }) else {
      return .wrong([report.explanation, "  case: \(entry.description)"])
    }
    let comparison = try twinGradient(of: tensor, entry, mistakes)
    guard found.passed else {
      return .wrong(
        comparison.mistake.map { ["likely cause: \($0)"] } ?? []
          + [found.explanation, "  case: \(entry.description)"])
    }
    if let failure = comparison.failure(on: entry.description) {
      return .wrong(
        failure + [
          "  Finite differences allow it: at a kink the derivative is a convention. Yours is "
            + "another."
        ])
    }
    checked += found.checked
    worst = max(worst, found.worstRelativeError)
  }
  return .right(
    "\(checked) elements by finite differences and dual numbers, off by \(short(worst))")
}

/// A naive layer at a point, with what comes from behind and what it makes of it.
struct Point<Twin: SingleInputLayer> {
  let layer: Twin
  let input: Tensor<Twin.Scalar>
  let forward: ForwardResult<Twin>
  /// ∂L/∂out.
  let upstream: Tensor<Twin.Scalar>
  /// ∂L/∂in.
  let inputGradient: Tensor<Twin.Scalar>
}

private func twinGradient<Mine: SingleInputLayer, Twin: SingleInputLayer>(
  of tensor: String, _ entry: Case<Mine, Twin>, _ mistakes: (Point<Twin>) -> [Comparison.Mistake]
) throws -> Comparison {
  let (input, parameters) = try entry.data()
  let names = ["input"] + (try entry.twin.specification.parameters(for: entry.input)).map(\.name)
  let number = names.firstIndex(of: tensor) ?? 0
  let mine = try entry.mine.forward(input, parameters: parameters)
  let twin = try entry.twin.forward(input, parameters: parameters)
  var generator = SplitMix64(seed: 2)
  let upstream = Tensor<Double>.normal(twin.output.shape, using: &generator)
  let a = try entry.mine.backward(upstream, input: input, parameters: parameters, after: mine)
  let b = try entry.twin.backward(upstream, input: input, parameters: parameters, after: twin)
  let point = Point(
    layer: entry.twin, input: input, forward: twin, upstream: upstream, inputGradient: b.input)
  return Comparison(
    name: "the gradient of the \(tensor)",
    mine: number == 0 ? a.input : a.parameters[number - 1],
    right: number == 0 ? b.input : b.parameters[number - 1],
    // As many terms as there are outputs, at most.
    terms: twin.output.count, mistakes: mistakes(point))
}

/// The rules that every layer has to keep: overwrite what is to be overwritten, accumulate when
/// asked, and in place the same as out of place.
func rules<Mine: SingleInputLayer, Twin: SingleInputLayer>(ofLayersIn cases: [Case<Mine, Twin>])
  throws
  -> Exercise.Finding
{
  for entry in cases {
    let (input, parameters) = try entry.data()
    let report = try check(
      entry.mine, input: entry.input, at: input, parameters: parameters,
      options: CheckOptions(mode: .directional, directions: 0))
    if !report.violations.isEmpty {
      return .wrong(
        [GradientReport(violations: report.violations).explanation, "  case: \(entry.description)"])
    }
  }
  return .right("the rules of Sources/Layers/Layer.swift, in \(cases.count) cases")
}

/// A function of sizes against a table.
func sizes(
  _ rows: [(text: String, mine: Int, right: Int)], because reason: String
) -> Exercise.Finding {
  let wrong = rows.filter { $0.mine != $0.right }
  guard !wrong.isEmpty else { return .right("right for \(rows.count) sizes") }
  return .wrong(
    ["wrong for \(wrong.count) of \(rows.count) sizes:"]
      + wrong.prefix(4).map { "  \($0.text): yours \($0.mine), right \($0.right)" }
      + ["  \(reason)"])
}

/// Two digits, for errors.
func short(_ error: Double) -> String { String(format: "%.1e", error) }
