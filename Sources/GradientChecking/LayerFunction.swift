import Layers
import Tensors

/// A layer at a point, as a function of its inputs and of the parameters that it learns.
///
/// The outputs of a loss are those times its weight, which is what a network differentiates.
public struct LayerFunction<L: Layer>: DifferentiableFunction {
  /// The layer.
  public let layer: L
  /// Training or testing.
  public let phase: Phase
  /// What a loss compares its input with.
  public let labels: [Int]
  /// The inputs, then the parameters that are learned.
  public let variables: [Variable]
  /// The precision of the layer's scalar.
  public let precision: Double

  private let places: LayerPlaces
  private var point: LayerPoint<L.Scalar>
  private var output: Tensor<L.Scalar>
  private var saved: L.Saved

  /// A layer at given inputs and parameters, its state among them.
  ///
  /// - Throws: `LayerError` when they, or the labels, don't fit the layer.
  /// - Complexity: O(elements) of inputs and parameters, which are copied, and the memory of one
  ///   forward pass.
  public init(
    _ layer: L, inputs: [Tensor<Double>], parameters: [Tensor<Double>], labels: [Int] = [],
    phase: Phase = .training
  ) throws(LayerError) {
    let shapes = inputs.map(\.shape)
    let specification = layer.specification
    let wanted = try specification.parameters(for: shapes)
    guard wanted.map(\.shape) == parameters.map(\.shape) else {
      throw LayerError(
        layer: L.Specification.typeName, value: "parameters \(parameters.map(\.shape))",
        rule: "must have the shapes \(wanted.map(\.shape)) for input "
          + shapes.map(\.description).joined(separator: ", "))
    }
    self.layer = layer
    self.phase = phase
    self.labels = labels
    places = LayerPlaces(specification, wanted, inputs: inputs.count)
    variables = places.variables(shapes)
    precision = spacingAtOne(of: L.Scalar.self)
    point = LayerPoint(inputs, parameters)
    output = Tensor(try specification.outputShape(for: shapes))
    if specification.takesLabels { try specification.checkLabels(labels, for: shapes) }
    saved = try layer.makeSaved(for: shapes)
  }

  /// An input or a parameter.
  ///
  /// - Complexity: O(count), copying.
  public func values(of variable: Int) -> Tensor<Double> {
    point[places[variable]].converted()
  }

  /// Moves an input or a parameter.
  ///
  /// - Complexity: O(count), copying.
  public mutating func setValues(of variable: Int, to values: Tensor<Double>) {
    point[places[variable]] = values.converted()
  }

  /// One element of an input or a parameter.
  public func value(of variable: Int, at position: Int) -> Double {
    point[places[variable]][position].doubleValue
  }

  /// Moves one element of an input or a parameter.
  ///
  /// - Complexity: O(1).
  public mutating func setValue(of variable: Int, at position: Int, to value: Double) {
    point[places[variable]][position] = L.Scalar(value)
  }

  /// The forward pass.
  ///
  /// - Complexity: One forward pass and a copy of the output.
  ///
  /// - Throws: `CheckError` when the layer gives its output another shape.
  public mutating func evaluate(
    into outputs: inout [Double], seed: UInt32, movedOnly variable: Int?
  ) throws {
    try runForward(seed: seed)
    replace(&outputs, by: output)
    if places.weight != 1 {
      for i in outputs.indices { outputs[i] *= places.weight }
    }
  }

  /// The forward pass, then the backward pass.
  ///
  /// - Complexity: One forward and one backward pass, with memory for all gradients.
  ///
  /// - Throws: `CheckError` when the layer gives its output another shape.
  public mutating func gradients(upstream: [Double], seed: UInt32) throws -> [Tensor<Double>] {
    try runForward(seed: seed)
    let weighted = Tensor(output.shape, upstream.map { $0 * places.weight })
    var inputGradients: [Tensor<L.Scalar>?] = point.inputs.map { Tensor($0.shape) }
    var parameterGradients = point.parameters.map { Tensor<L.Scalar>($0.shape) }
    layer.backward(
      outputGradient: weighted.converted(), inputs: point.inputs, output: output,
      parameters: point.parameters, saved: saved, inputGradients: &inputGradients,
      parameterGradients: &parameterGradients, accumulating: false)
    let inputs = zip(point.inputs, inputGradients).map {
      $1 ?? Tensor($0.shape, repeating: L.Scalar(Double.nan))
    }
    return (inputs + places.learned.map { parameterGradients[$0] }).map { $0.converted() }
  }

  private mutating func runForward(seed: UInt32) throws(CheckError) {
    let shape = output.shape
    var context = RunContext(phase: phase, seed: seed, labels: labels)
    layer.forward(
      point.inputs, parameters: point.parameters, context: &context, output: &output,
      saved: &saved)
    try requireShape(shape, of: output, from: layer)
  }
}

/// Throws unless a layer has left its output the shape that its specification says.
func requireShape<L: Layer>(
  _ shape: Shape, of output: Tensor<L.Scalar>, from layer: L
) throws(CheckError) {
  guard output.shape == shape, output.elements.count == shape.count else {
    throw CheckError(
      reason:
        "\(L.Specification.typeName)'s forward pass leaves an output of shape \(output.shape) with "
        + "\(output.elements.count) elements; its specification says \(shape)")
  }
}

/// Which of a layer's tensors the variables of a check are.
struct LayerPlaces: Sendable {
  /// An input or a parameter, by number.
  enum Place {
    case input(Int)
    case parameter(Int)
  }

  let inputs: Int
  /// The parameters that are learned: state isn't a variable.
  let learned: [Int]
  /// The loss weight, or 1 for a layer that is no loss.
  let weight: Double
  private let inputName: String
  private let parameters: [ParameterSpecification]

  init(
    _ specification: some LayerSpecification, _ parameters: [ParameterSpecification], inputs: Int
  ) {
    self.inputs = inputs
    self.parameters = parameters
    learned = parameters.indices.filter { parameters[$0].isLearned }
    weight = specification.lossWeight == 0 ? 1 : specification.lossWeight
    inputName = specification.takesLabels ? "scores" : "input"
  }

  subscript(variable: Int) -> Place {
    variable < inputs ? .input(variable) : .parameter(learned[variable - inputs])
  }

  func variables(_ shapes: [Shape]) -> [Variable] {
    shapes.enumerated().map { number, shape in
      Variable(name: inputs == 1 ? inputName : "\(inputName) \(number + 1)", shape: shape)
    } + learned.map { Variable(name: parameters[$0].name, shape: parameters[$0].shape) }
  }
}

/// The tensors that a layer is run on.
struct LayerPoint<Scalar: Tensors.Scalar>: Sendable {
  var inputs, parameters: [Tensor<Scalar>]

  init(_ inputs: [Tensor<Double>], _ parameters: [Tensor<Double>]) {
    self.inputs = inputs.map { $0.converted() }
    self.parameters = parameters.map { $0.converted() }
  }

  subscript(place: LayerPlaces.Place) -> Tensor<Scalar> {
    get {
      switch place {
      case .input(let number): inputs[number]
      case .parameter(let number): parameters[number]
      }
    }
    _modify {
      switch place {
      case .input(let number): yield &inputs[number]
      case .parameter(let number): yield &parameters[number]
      }
    }
  }
}

/// The distance from 1 to the next number of a scalar type: 2⁻²³ for `Float`, 2⁻⁵² for `Double`.
func spacingAtOne<S: Scalar>(of type: S.Type) -> Double {
  var spacing = 1.0
  while S(1 + spacing / 2).doubleValue > 1, spacing > 0x1p-52 { spacing /= 2 }
  return spacing
}

/// Copies a tensor's numbers over an array, in the array's memory when they fit it.
@specialized(where S == Float)
@specialized(where S == Double)
func replace<S: Scalar>(_ numbers: inout [Double], by tensor: Tensor<S>) {
  if numbers.count != tensor.count { numbers = [Double](repeating: 0, count: tensor.count) }
  for i in numbers.indices { numbers[i] = tensor.elements[i].doubleValue }
}
