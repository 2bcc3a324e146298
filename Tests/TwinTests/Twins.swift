import Fast
import Layers
import Reference
import Tensors
import Testing

/// A specification on an input: a row of a layer's table of cases.
struct Case<Specification: SingleInputSpecification>: Sendable, CustomTestStringConvertible {
  let label: String
  let specification: Specification
  let input: Shape

  init(_ label: String, _ specification: Specification, _ input: Shape) {
    self.label = label
    self.specification = specification
    self.input = input
  }

  var testDescription: String { "\(label) on \(input)" }
}

/// What both passes of a layer yield.
struct Results<Scalar: Tensors.Scalar>: Equatable {
  var output: Tensor<Scalar>
  var inputGradient: Tensor<Scalar>?
  var parameterGradients: [Tensor<Scalar>]

  /// All tensors by name.
  var tensors: [(name: String, tensor: Tensor<Scalar>)] {
    let gradients = parameterGradients.enumerated().map { ("gradient of parameter \($0)", $1) }
    return [("output", output)] + (inputGradient.map { [("input gradient", $0)] } ?? [])
      + gradients
  }
}

/// What a layer is run on: the same for each version and number of threads.
struct Data<Scalar: Tensors.Scalar> {
  var input: Tensor<Scalar>
  var parameters: [Tensor<Scalar>]
  var upstream: Tensor<Scalar>
  /// What the gradients hold before they are added to.
  var earlier: [Tensor<Scalar>]

  /// Random numbers for a case; whole ones from −3 to 3 if asked for, whose sums of products are
  /// exact in any order.
  init(_ layer: any SingleInputSpecification, _ input: Shape, whole: Bool = false, seed: UInt64 = 1)
    throws
  {
    var generator = SplitMix64(seed: seed)
    func random(_ shape: Shape) -> Tensor<Scalar> {
      var tensor = Tensor<Scalar>(shape)
      for i in 0..<shape.count {
        tensor[i] = Scalar(
          whole ? Double(generator.next() % 7) - 3 : Double(Float(generator.nextNormal())))
      }
      return tensor
    }
    self.input = random(input)
    parameters = try layer.parameters(for: input).map { random($0.shape) }
    upstream = random(try layer.outputShape(for: input))
    earlier = parameters.map { random($0.shape) }
  }
}

/// How a layer is run.
struct Way: Sendable {
  var accumulating = false
  var needsInputGradient = true
  var phase = Phase.training
}

/// Runs a layer forwards and backwards into memory that holds something else.
func run<L: SingleInputLayer>(_ layer: L, on data: Data<L.Scalar>, _ way: Way = Way()) throws
  -> Results<L.Scalar>
{
  var output = Tensor<L.Scalar>(data.upstream.shape, repeating: 77)
  var saved = try layer.makeSaved(for: data.input.shape)
  var context = RunContext(phase: way.phase, seed: 5)
  layer.forward(
    data.input, parameters: data.parameters, context: &context, output: &output, saved: &saved)
  var inputGradient: Tensor<L.Scalar>? =
    way.needsInputGradient ? Tensor(data.input.shape, repeating: 77) : nil
  var parameterGradients = data.earlier
  layer.backward(
    outputGradient: data.upstream, input: data.input, output: output,
    parameters: data.parameters, saved: saved, inputGradient: &inputGradient,
    parameterGradients: &parameterGradients, accumulating: way.accumulating)
  return Results(
    output: output, inputGradient: inputGradient, parameterGradients: parameterGradients)
}

/// As `run`, in one memory: the input becomes the output, and the gradient the input's.
func runInPlace<L: InPlaceLayer>(_ layer: L, on data: Data<L.Scalar>, _ way: Way = Way()) throws
  -> Results<L.Scalar>
{
  var values = data.input
  var saved = try layer.makeSaved(for: data.input.shape)
  var context = RunContext(phase: way.phase, seed: 5)
  layer.forward(inPlace: &values, context: &context, saved: &saved)
  var gradient = data.upstream
  layer.backward(inPlace: &gradient, output: values, saved: saved)
  return Results(output: values, inputGradient: gradient, parameterGradients: [])
}

/// How far the tensors of two versions may lie apart, relative to the largest magnitude of each.
///
/// Adding T random terms in two orders gives results that differ by about ε·√T/3 of their size: each
/// addition rounds by up to ε/2 of a partial sum that grows like a random walk. Six deviations are
/// allowed: 2·ε·√T.
struct Tolerance: Sendable {
  /// T for the output, the input's gradient, and the parameters' gradients in their order.
  var terms: [Int]
  /// Roundings beside those of sums: divisions, roots, exponentials, in units of ε.
  var roundings = 0.0

  /// The same bits.
  static let none = Tolerance(terms: [0, 0, 0, 0])

  func bound<Scalar: Tensors.Scalar>(_ tensor: Int, _ type: Scalar.Type) -> Double {
    let epsilon = type == Float.self ? Double(Float.ulpOfOne) : Double.ulpOfOne
    return (2 * Double(terms[tensor]).squareRoot() + roundings) * epsilon
  }
}

/// Expects two versions to agree.
func expectAgreement<Scalar: Tensors.Scalar>(
  _ reference: Results<Scalar>, _ fast: Results<Scalar>, _ tolerance: Tolerance, _ label: String,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) {
  // Parameters' gradients come behind the input's, whether there is one or not.
  let names = ["output": 0, "input gradient": 1]
  var parameter = 2
  for ((name, expected), (_, actual)) in zip(reference.tensors, fast.tensors) {
    let index = names[name] ?? parameter
    if names[name] == nil { parameter += 1 }
    let bound = tolerance.bound(index, Scalar.self) * expected.largestMagnitude
    let difference = expected.largestDifference(to: actual)
    #expect(
      difference <= bound,
      """
      \(label), \(Scalar.self): \(name) differs by \(difference), allowed are \(bound); \
      \(worst(expected, actual))
      """, sourceLocation: sourceLocation)
  }
}

/// The element that differs most.
private func worst<Scalar: Tensors.Scalar>(_ a: Tensor<Scalar>, _ b: Tensor<Scalar>) -> String {
  func distance(_ i: Int) -> Double {
    let difference = abs(a[i].doubleValue - b[i].doubleValue)
    return difference.isNaN ? .infinity : difference
  }
  guard let i = (0..<a.count).max(by: { distance($0) < distance($1) }) else { return "both empty" }
  return "at \(i) of \(a.shape) Reference has \(a[i]), Fast \(b[i])"
}

/// The engines that must give the same bits.
let engines = [1, 2, 3, 7].map { Engine(threads: $0) }

/// Compares a layer's two versions, overwriting and accumulating, with and without the input's
/// gradient, and the fast one on several numbers of threads.
func compare<Specification: SingleInputSpecification, Scalar: Tensors.Scalar>(
  _ testCase: Case<Specification>, _ type: Scalar.Type, whole: Bool = false,
  tolerance: Tolerance, reference: any SingleInputLayer<Scalar>,
  fast: (Engine) -> any SingleInputLayer<Scalar>,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws {
  let data = try Data<Scalar>(testCase.specification, testCase.input, whole: whole)
  for way in [
    Way(), Way(accumulating: true), Way(needsInputGradient: false), Way(phase: .testing),
  ] {
    let expected = try run(reference, on: data, way)
    let actual = try engines.map { try run(fast($0), on: data, way) }
    expectAgreement(
      expected, actual[0], tolerance, "\(testCase.testDescription), \(way)",
      sourceLocation: sourceLocation)
    for (engine, other) in zip(engines, actual) {
      #expect(
        other == actual[0], "\(testCase.testDescription): other bits on \(engine.threads) threads",
        sourceLocation: sourceLocation)
    }
  }
}
