import Layers
import Tensors
import Testing

/// How far the tensors of two versions may lie apart, relative to the largest magnitude of each.
///
/// Adding T random terms in two orders gives results that differ by about ε·√T/3 of their size: each
/// addition rounds by up to ε/2 of a partial sum that grows like a random walk. Six deviations are
/// allowed: 2·ε·√T.
public struct Tolerance: Sendable {
  /// T for the output, for the inputs' gradients, and for each parameter's gradient.
  public var terms: [Int]
  /// Roundings beside those of sums: divisions, roots, exponentials, in units of ε.
  public var roundings = 0.0
  /// How much more than by plain sums in two orders they may differ: minimal filtering rounds numbers that
  /// are larger than what they add up to.
  public var growth = 1.0

  /// The same bits.
  public static let none = Tolerance(terms: [0, 0, 0, 0])

  /// The bound on a tensor: 0 is the output, 1 an input's gradient, 2 and more the parameters'.
  public func bound<Scalar: Tensors.Scalar>(_ tensor: Int, _ type: Scalar.Type) -> Double {
    let epsilon = type == Float.self ? Double(Float.ulpOfOne) : Double.ulpOfOne
    let sums = 2 * growth * Double(terms[min(tensor, terms.count - 1)]).squareRoot()
    return (sums + roundings) * epsilon
  }
}

extension LayerCase {
  /// What two versions may differ by on numbers that round.
  public func tolerance() throws -> Tolerance {
    let input = inputs[0]
    switch specification {
    case let specification as ConvolutionSpecification:
      let output = try specification.outputShape(for: input)
      let taps = specification.kernel.area
      let sums = output.images * output.spatialCount
      return Tolerance(terms: [
        // A sum over the weights of a kernel, and the bias.
        input.channels / specification.group * taps + 1,
        // Over the kernels of the group, each at every tap.
        specification.outputChannels / specification.group * taps,
        // Over all positions of all images, and what was there before; so the bias.
        sums + 1, sums + 1,
      ])
    case let specification as PoolingSpecification:
      // A maximum is one of the values, and its gradients are added in the order of the outputs. An
      // average sums over the window; the gradient over the windows that meet, not more than that.
      let area = specification.kernel(for: input).area
      return specification.method == .maximum
        ? .none : Tolerance(terms: [area, area], roundings: 2)
    case let specification as LRNSpecification:
      let size = specification.localSize
      let neighbours = specification.region == .acrossChannels ? size : size * size
      // A sum of squares in s, and one over the neighbours in the gradient; two roots, a product and
      // a division, or a power, and a few products.
      return Tolerance(terms: [neighbours, 2 * neighbours], roundings: 8)
    case let specification as InnerProductSpecification:
      let images = try specification.outputShape(for: input).count / specification.outputs
      return Tolerance(terms: [
        // A sum over the inputs and the bias; over the outputs; over the images and what was there.
        specification.inputs(for: input) + 1, specification.outputs, images + 1, images + 1,
      ])
    case is SoftmaxSpecification, is SoftmaxWithLossSpecification:
      // Sums of T powers in other orders, the power itself, and a division.
      return Tolerance(terms: [input.channels, input.channels], roundings: 8)
    default:
      return .none
    }
  }

  /// Whether it divides by its inputs: on whole numbers, among them 0, there is nothing to compare.
  public var dividesByInputs: Bool {
    guard let eltwise = specification as? EltwiseSpecification else { return false }
    return eltwise.operation == .product && !eltwise.hasStableProductGradient
  }

  /// Whether its results on whole numbers are exact in any order of additions.
  public var isExactOnWholeNumbers: Bool {
    specification is ConvolutionSpecification || specification is InnerProductSpecification
  }
}

/// What both passes of a layer yield.
public struct Results<Scalar: Tensors.Scalar>: Equatable, Sendable {
  /// y.
  public var output: Tensor<Scalar>
  /// ∂L/∂x for each input; `nil` where it wasn't asked for.
  public var inputGradients: [Tensor<Scalar>?]
  /// ∂L/∂θ.
  public var parameterGradients: [Tensor<Scalar>]

  /// The same in another precision.
  public func converted<Other: Tensors.Scalar>() -> Results<Other> {
    Results<Other>(
      output: output.converted(), inputGradients: inputGradients.map { $0?.converted() },
      parameterGradients: parameterGradients.map { $0.converted() })
  }
}

/// What a layer is run on: the same for each version and number of threads.
public struct LayerData<Scalar: Tensors.Scalar>: Sendable {
  /// x.
  public var inputs: [Tensor<Scalar>]
  /// θ.
  public var parameters: [Tensor<Scalar>]
  /// ∂L/∂y.
  public var upstream: Tensor<Scalar>
  /// What the parameters' gradients hold before they are added to.
  public var earlier: [Tensor<Scalar>]
  /// The labels, for a layer that takes some.
  public var labels: [Int]

  /// Random numbers for a case; whole ones from −3 to 3 if asked for, whose sums of products are
  /// exact in any order.
  public init(_ testCase: LayerCase, whole: Bool = false, seed: UInt64 = 1) throws {
    var generator = SplitMix64(seed: seed)
    func random(_ shape: Shape) -> Tensor<Scalar> {
      var tensor = Tensor<Scalar>(shape)
      for i in 0..<shape.count {
        tensor[i] = Scalar(
          whole ? Double(generator.next() % 7) - 3 : Double(Float(generator.nextNormal())))
      }
      return tensor
    }
    let specification = testCase.specification
    inputs = testCase.inputs.map(random)
    parameters = try specification.parameters(for: testCase.inputs).map { random($0.shape) }
    upstream = random(try specification.outputShape(for: testCase.inputs))
    earlier = parameters.map { random($0.shape) }
    labels = testCase.labels
  }
}

extension LayerData {
  /// Random numbers for a layer that takes no labels, on one input.
  public init(_ specification: any LayerSpecification, _ input: Shape) throws {
    try self.init(LayerCase("", specification, input))
  }
}

/// How a layer is run.
public struct PassOptions: Sendable {
  /// Whether the parameters' gradients are added to.
  public var accumulating = false
  /// Whether the inputs' gradients are asked for.
  public var needsInputGradients = true
  /// Training or testing.
  public var phase = Phase.training

  /// The options under which versions are compared.
  public static let all = [
    PassOptions(), PassOptions(accumulating: true), PassOptions(needsInputGradients: false),
    PassOptions(phase: .testing),
  ]

  /// Some options.
  public init(
    accumulating: Bool = false, needsInputGradients: Bool = true, phase: Phase = .training
  ) {
    self.accumulating = accumulating
    self.needsInputGradients = needsInputGradients
    self.phase = phase
  }
}

/// Runs a layer forwards and backwards into memory that holds something else.
public func run<L: Layer>(
  _ layer: L, on data: LayerData<L.Scalar>, _ options: PassOptions = PassOptions()
) throws -> Results<L.Scalar> {
  var output = Tensor<L.Scalar>(data.upstream.shape, repeating: 77)
  var saved = try layer.makeSaved(for: data.inputs.map(\.shape))
  var context = RunContext(phase: options.phase, seed: 5)
  context.labels = data.labels
  layer.forward(
    data.inputs, parameters: data.parameters, context: &context, output: &output, saved: &saved)
  var inputGradients = data.inputs.map {
    options.needsInputGradients ? Tensor<L.Scalar>($0.shape, repeating: 77) : nil
  }
  var parameterGradients = data.earlier
  layer.backward(
    outputGradient: data.upstream, inputs: data.inputs, output: output,
    parameters: data.parameters, saved: saved, inputGradients: &inputGradients,
    parameterGradients: &parameterGradients, accumulating: options.accumulating)
  return Results(
    output: output, inputGradients: inputGradients, parameterGradients: parameterGradients)
}

/// As `run`, in one memory: the input becomes the output, and the gradient the input's.
public func runInPlace<L: InPlaceLayer>(
  _ layer: L, on data: LayerData<L.Scalar>, _ options: PassOptions = PassOptions()
) throws -> Results<L.Scalar> {
  var values = data.inputs[0]
  var saved = try layer.makeSaved(for: values.shape)
  var context = RunContext(phase: options.phase, seed: 5)
  layer.forward(inPlace: &values, context: &context, saved: &saved)
  var gradient = data.upstream
  layer.backward(inPlace: &gradient, output: values, saved: saved)
  return Results(output: values, inputGradients: [gradient], parameterGradients: [])
}

/// Expects the results of a version to agree with Reference's.
public func expectAgreement<Scalar: Tensors.Scalar>(
  _ expected: Results<Scalar>, _ actual: Results<Scalar>, _ tolerance: Tolerance, _ label: String,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) {
  func expectClose(
    _ expected: Tensor<Scalar>?, _ actual: Tensor<Scalar>?, _ name: String, _ index: Int
  ) {
    guard let expected, let actual else {
      #expect(
        (expected == nil) == (actual == nil), "\(label): \(name)", sourceLocation: sourceLocation)
      return
    }
    let bound = tolerance.bound(index, Scalar.self) * expected.largestMagnitude
    let difference = expected.largestDifference(to: actual)
    #expect(
      difference <= bound,
      """
      \(label), \(Scalar.self): \(name) differs by \(difference), allowed are \(bound); \
      \(worst(expected, actual))
      """, sourceLocation: sourceLocation)
  }
  expectClose(expected.output, actual.output, "output", 0)
  for (a, b) in zip(expected.inputGradients, actual.inputGradients) {
    expectClose(a, b, "gradient of the input", 1)
  }
  for (index, (a, b)) in zip(expected.parameterGradients, actual.parameterGradients).enumerated() {
    expectClose(a, b, "gradient of parameter \(index)", 2 + index)
  }
}

/// The element that differs most.
private func worst<Scalar: Tensors.Scalar>(_ a: Tensor<Scalar>, _ b: Tensor<Scalar>) -> String {
  func distance(_ i: Int) -> Double {
    let difference = abs(a[i].doubleValue - b[i].doubleValue)
    return difference.isNaN ? .infinity : difference
  }
  guard let i = (0..<a.count).max(by: { distance($0) < distance($1) }) else { return "both empty" }
  return "at \(i) of \(a.shape) Reference has \(a[i]), the other \(b[i])"
}
