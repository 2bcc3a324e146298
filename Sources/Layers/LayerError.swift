import Tensors

/// A layer that can't be built or run as asked.
public struct LayerError: Error, Equatable, CustomStringConvertible {
  /// The layer's name, or its type where it has no name.
  public var layer: String
  /// The value at fault, for example `group 3`.
  public let value: String
  /// The rule it breaks and what would keep it, for example `must divide the 96 input channels`.
  public let rule: String

  /// An error about one value of a layer.
  public init(layer: String, value: String, rule: String) {
    self.layer = layer
    self.value = value
    self.rule = rule
  }

  /// For example `conv2: group 3 must divide the 96 input channels`.
  public var description: String { "\(layer): \(value) \(rule)" }
}

/// Throws unless a condition holds: the one way in which specifications state their rules.
func require(
  _ condition: Bool, _ layer: String, _ value: @autoclosure () -> String,
  _ rule: @autoclosure () -> String
) throws(LayerError) {
  if !condition { throw LayerError(layer: layer, value: value(), rule: rule()) }
}

/// Throws unless a hyper-parameter lies between a lower bound and 2³¹ − 1.
///
/// The upper bound is that of Caffe's formats, and it keeps the shape arithmetic within 64 bits.
func requireSize(
  _ size: Int, atLeast minimum: Int, _ layer: String, _ name: String
) throws(LayerError) {
  try require(size >= minimum, layer, "\(name) \(size)", "must be at least \(minimum)")
  try require(size <= Int(Int32.max), layer, "\(name) \(size)", "must be at most 2^31 - 1")
}

/// As `requireSize`, for both sides of an extent.
func requireExtent(
  _ extent: Extent, atLeast minimum: Int, _ layer: String, _ name: String
) throws(LayerError) {
  try requireSize(extent.height, atLeast: minimum, layer, "\(name) height")
  try requireSize(extent.width, atLeast: minimum, layer, "\(name) width")
}

/// Throws unless a count fits into 32 bits: BLAS counts the rows and columns of matrices in those.
func require32Bits(
  _ size: Int, _ layer: String, _ value: @autoclosure () -> String, _ what: String
) throws(LayerError) {
  try require(size <= Int(Int32.max), layer, value(), "must have at most 2^31 - 1 \(what)")
}

/// A shape from computed extents; what `Shape` refuses is reported as this layer's fault.
func shape(of layer: String, _ name: String, _ dimensions: [Int]) throws(LayerError) -> Shape {
  do {
    return try Shape(checking: dimensions)
  } catch {
    let extents = dimensions.map(String.init).joined(separator: "×")
    throw LayerError(
      layer: layer, value: "\(name) \(extents)", rule: "is impossible: \(error.rule)")
  }
}
