import Tensors

/// What a layer is, apart from how it is computed: its hyper-parameters and what follows from them.
///
/// A specification is a value. It knows nothing of the layer's versions; all take the same one. A layer
/// with one input, as most are, conforms to `SingleInputSpecification`, which asks for less.
///
/// The inputs are the blobs that the layer computes with. Labels are none of them: they reach the layer
/// in `RunContext.labels`.
public protocol LayerSpecification: Hashable, Sendable {
  /// Caffe's name of the type, for example `Convolution`.
  static var typeName: String { get }

  /// The shape of the output for given inputs.
  ///
  /// - Throws: `LayerError` for hyper-parameters that are impossible in themselves or for these
  ///   inputs, and for too few or too many inputs. A layer may be run on all shapes for which this
  ///   doesn't throw.
  /// - Complexity: O(rank) for each input, without memory of the tensors' size.
  func outputShape(for inputs: [Shape]) throws(LayerError) -> Shape

  /// The parameters, in the order in which Caffe stores them: weights, then bias.
  ///
  /// - Complexity: O(rank) for each input.
  func parameters(for inputs: [Shape]) throws(LayerError) -> [ParameterSpecification]

  /// The multiply-accumulates of a forward pass: additions of a product to a sum that the formula
  /// of the layer contains, padding included. One is 2 FLOPs. Only layers with weights count any.
  ///
  /// - Complexity: O(rank) for each input: counted by a formula.
  func multiplyAccumulates(for inputs: [Shape]) throws(LayerError) -> Int

  /// The window of the input that one output position looks at, `nil` if just its own position.
  func window(for inputs: [Shape]) throws(LayerError) -> Window?

  /// The layer that computes this, in the scalar of a backend.
  ///
  /// A network asks this once for each of its layers. The built-in specifications take the backend's
  /// own version; a layer of your own, which no backend knows, makes itself:
  ///
  ///     func layer<S>(on backend: some Backend<S>) -> any Layer<S> { GELU<S>(self) }
  ///
  /// - Throws: `LayerError` where there is no version in this scalar, and unless the specification
  ///   implements this: a layer can be checked without, but not run in a network.
  func layer<S>(on backend: some Backend<S>) throws(LayerError) -> any Layer<S>

  /// Whether the layer compares its input with labels: false unless the specification says otherwise.
  /// The labels are then the last bottom of the layer in a network.
  var takesLabels: Bool { get }

  /// Throws for labels that the layer can't be run with. Nothing is checked unless the specification
  /// does it.
  ///
  /// - Complexity: O(labels).
  func checkLabels(_ labels: [Int], for inputs: [Shape]) throws(LayerError)

  /// The factor with which the output counts in the network's loss, Caffe's `loss_weight`: 0 unless the
  /// layer is a loss. Backwards, it is the gradient by the output that the layer is given.
  var lossWeight: Double { get }

  /// Whether an error passes through the layer, true unless the specification says otherwise. A network
  /// doesn't run a layer backwards that is not differentiable, accuracy for example.
  var isDifferentiable: Bool { get }

  /// Why the layer can't write over its input; `nil` where it can, and its versions conform to
  /// `InPlaceLayer`.
  var inPlaceObstacle: String? { get }

  /// Whether the backward pass takes values from the output, so that no layer may write over it. True
  /// unless the specification says otherwise.
  var backwardReadsOutput: Bool { get }

  /// What the backward pass of a layer in place takes from its output. All of it unless the
  /// specification says otherwise.
  var inPlaceBackwardReads: OutputUse { get }

  /// Whether a layer in place leaves what is positive positive, and all else not: then it may write over
  /// the output of a layer whose backward pass looks at signs. It may also make a number 0 for which it
  /// passes no gradient on, as dropout does. False unless the specification says otherwise.
  var keepsSigns: Bool { get }
}

/// What a backward pass takes from a layer's output.
public enum OutputUse: Hashable, Sendable {
  /// Nothing: the output may be written over.
  case nothing
  /// Whether each number is positive.
  case signs
  /// The numbers.
  case values
}

extension LayerSpecification {
  /// None, for the layers that don't learn.
  public func parameters(for inputs: [Shape]) throws(LayerError) -> [ParameterSpecification] { [] }

  /// None, for the layers without weights.
  public func multiplyAccumulates(for inputs: [Shape]) throws(LayerError) -> Int { 0 }

  /// An output position looks at its own position only.
  public func window(for inputs: [Shape]) throws(LayerError) -> Window? { nil }

  /// None.
  ///
  /// - Throws: `LayerError`, always.
  public func layer<S>(on backend: some Backend<S>) throws(LayerError) -> any Layer<S> {
    throw LayerError(
      layer: Self.typeName, value: "type \(Self.typeName)",
      rule: "can't run in a network: \(Self.self) doesn't implement layer(on:)")
  }

  /// No.
  public var takesLabels: Bool { false }

  /// Accepts any labels, as the layer takes none.
  public func checkLabels(_ labels: [Int], for inputs: [Shape]) throws(LayerError) {}

  /// It is no loss.
  public var lossWeight: Double { 0 }

  /// Layers have a gradient, unless they say otherwise.
  public var isDifferentiable: Bool { true }

  /// That layers can't, unless they say so.
  public var inPlaceObstacle: String? { "a \(Self.typeName) layer can't work in place" }

  /// It may, for all that is known.
  public var backwardReadsOutput: Bool { true }

  /// The numbers, for all that is known.
  public var inPlaceBackwardReads: OutputUse { .values }

  /// No, for all that is known.
  public var keepsSigns: Bool { false }
}

/// What a layer with one input is: the same requirements over one shape.
public protocol SingleInputSpecification: LayerSpecification {
  /// The shape of the output for an input.
  ///
  /// - Throws: `LayerError` for hyper-parameters that are impossible in themselves or for this
  ///   input. A layer may be run on every shape for which this doesn't throw.
  /// - Complexity: O(rank), without memory of the tensor's size.
  func outputShape(for input: Shape) throws(LayerError) -> Shape

  /// The parameters, in the order in which Caffe stores them: weights, then bias.
  ///
  /// - Complexity: O(rank).
  func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification]

  /// The multiply-accumulates of a forward pass, as `LayerSpecification` counts them.
  ///
  /// - Complexity: O(rank): counted by a formula.
  func multiplyAccumulates(for input: Shape) throws(LayerError) -> Int

  /// The window of the input that one output position looks at, `nil` if just its own position.
  ///
  /// - Complexity: O(rank), or O(H' + W') where windows differ.
  func window(for input: Shape) throws(LayerError) -> Window?

  /// Throws for labels that the layer can't be run with.
  ///
  /// - Complexity: O(labels).
  func checkLabels(_ labels: [Int], for input: Shape) throws(LayerError)
}

extension SingleInputSpecification {
  /// None, for the layers that don't learn.
  public func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification] { [] }

  /// None, for the layers without weights.
  public func multiplyAccumulates(for input: Shape) throws(LayerError) -> Int { 0 }

  /// An output position looks at its own position only.
  public func window(for input: Shape) throws(LayerError) -> Window? { nil }

  /// Accepts any labels, as the layer takes none.
  public func checkLabels(_ labels: [Int], for input: Shape) throws(LayerError) {}

  /// The shape of the output for the one input.
  ///
  /// - Throws: `LayerError` for another number of inputs, and as for the one shape.
  /// - Complexity: O(rank).
  public func outputShape(for inputs: [Shape]) throws(LayerError) -> Shape {
    try outputShape(for: single(inputs))
  }

  /// The parameters for the one input.
  ///
  /// - Throws: `LayerError` for another number of inputs, and as for the one shape.
  /// - Complexity: O(rank).
  public func parameters(for inputs: [Shape]) throws(LayerError) -> [ParameterSpecification] {
    try parameters(for: single(inputs))
  }

  /// The multiply-accumulates for the one input.
  ///
  /// - Throws: `LayerError` for another number of inputs, and as for the one shape.
  /// - Complexity: O(rank).
  public func multiplyAccumulates(for inputs: [Shape]) throws(LayerError) -> Int {
    try multiplyAccumulates(for: single(inputs))
  }

  /// The window on the one input.
  ///
  /// - Throws: `LayerError` for another number of inputs, and as for the one shape.
  /// - Complexity: O(rank).
  public func window(for inputs: [Shape]) throws(LayerError) -> Window? {
    try window(for: single(inputs))
  }

  /// Throws for labels that don't fit the one input.
  ///
  /// - Throws: `LayerError` for another number of inputs, and as for the one shape.
  /// - Complexity: O(labels).
  public func checkLabels(_ labels: [Int], for inputs: [Shape]) throws(LayerError) {
    try checkLabels(labels, for: single(inputs))
  }

  private func single(_ inputs: [Shape]) throws(LayerError) -> Shape {
    try require(
      inputs.count == 1, Self.typeName, "\(inputs.count) inputs", "must be 1 for this type of layer"
    )
    return inputs[0]
  }
}

/// One of a layer's parameters: its name, its shape, and how it starts.
public struct ParameterSpecification: Hashable, Sendable {
  /// For example `weights` or `bias`.
  public let name: String
  /// Its shape: outputs × inputs/group × kernel for a convolution, outputs × inputs for an inner
  /// product, outputs for a bias.
  public let shape: Shape
  /// What its elements are at first, unless the network's definition names a filler.
  public let initialValue: Double
  /// Whether it learns by its gradient. What doesn't is state, the running mean of a normalisation for
  /// example: it is stored and loaded with the parameters, its gradient is 0, the solver leaves it
  /// alone, and only `Layer.updateState` changes it.
  public let isLearned: Bool

  /// A parameter by name and shape.
  public init(name: String, shape: Shape, initialValue: Double = 0, isLearned: Bool = true) {
    self.name = name
    self.shape = shape
    self.initialValue = initialValue
    self.isLearned = isLearned
  }
}

/// The window through which one output position sees the input, as receptive fields need it.
public struct Window: Hashable, Sendable {
  /// Rows and columns from the first to the last input position, holes of a dilation included.
  public let extent: Extent
  /// How far the window moves from one output position to the next.
  public let stride: Extent
  /// How far the first window begins before the input's first row and column.
  public let pad: Extent

  /// A window by extent, stride and pad.
  public init(extent: Extent, stride: Extent, pad: Extent = 0) {
    self.extent = extent
    self.stride = stride
    self.pad = pad
  }
}
