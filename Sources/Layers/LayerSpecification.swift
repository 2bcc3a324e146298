import Tensors

/// What a layer is, apart from how it is computed: its hyper-parameters and what follows from them.
///
/// A specification is a value. It knows nothing of the layer's versions; both take the same one.
public protocol LayerSpecification: Hashable, Sendable {
  /// Caffe's name of the type, for example `Convolution`.
  static var typeName: String { get }

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

  /// The multiply-accumulates of a forward pass: additions of a product to a sum that the formula
  /// of the layer contains, padding included. One is 2 FLOPs. Only layers with weights count any.
  ///
  /// - Complexity: O(rank): counted by a formula.
  func multiplyAccumulates(for input: Shape) throws(LayerError) -> Int

  /// The window of the input that one output position looks at, `nil` if just its own position.
  func window(for input: Shape) throws(LayerError) -> Window?
}

extension LayerSpecification {
  /// None, for the layers that don't learn.
  public func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification] { [] }

  /// None, for the layers without weights.
  public func multiplyAccumulates(for input: Shape) throws(LayerError) -> Int { 0 }

  /// An output position looks at its own position only.
  public func window(for input: Shape) throws(LayerError) -> Window? { nil }
}

/// The name and shape of one of a layer's parameters.
public struct ParameterSpecification: Hashable, Sendable {
  /// `weights` or `bias`.
  public let name: String
  /// Its shape: outputs × inputs/group × kernel for a convolution, outputs × inputs for an inner
  /// product, outputs for a bias.
  public let shape: Shape

  /// A parameter by name and shape.
  public init(name: String, shape: Shape) {
    self.name = name
    self.shape = shape
  }
}

/// The window through which one output position sees the input, as receptive fields need it.
public struct Window: Hashable, Sendable {
  /// Rows and columns from the first to the last input position, holes of a dilation included.
  public let extent: Extent
  /// How far the window moves from one output position to the next.
  public let stride: Extent

  /// A window by extent and stride.
  public init(extent: Extent, stride: Extent) {
    self.extent = extent
    self.stride = stride
  }
}
