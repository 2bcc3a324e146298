import Tensors

/// An array as numpy saves it: a shape, a type of numbers, and the numbers.
///
/// ```swift
/// let weights = try NumPyArray(contentsOf: url).tensor(as: Float.self)
/// try NumPyArray(weights).write(to: url)
/// ```
public struct NumPyArray: Sendable, Equatable {
  /// The extents, outermost first; a single number has none.
  public let shape: Shape

  /// What kind of numbers these are.
  public let elementType: NumPyElementType

  /// The numbers: row-major (C order), each with its lowest byte first.
  ///
  /// - Invariant: `shape.count · elementType.size` bytes.
  let bytes: [UInt8]

  init(shape: Shape, elementType: NumPyElementType, bytes: [UInt8]) {
    // What is read of the bytes later isn't checked again.
    precondition(
      bytes.count == shape.count * elementType.size, "\(bytes.count) bytes for shape \(shape)")
    self.shape = shape
    self.elementType = elementType
    self.bytes = bytes
  }

  /// An array of the numbers of a tensor, as `f4`.
  ///
  /// - Complexity: O(count), allocating the bytes.
  public init(_ tensor: Tensor<Float>) {
    self.init(
      shape: tensor.shape, elementType: .float32,
      bytes: packed(tensor.elements) { $0.bitPattern })
  }

  /// An array of the numbers of a tensor, as `f8`.
  ///
  /// - Complexity: O(count), allocating the bytes.
  public init(_ tensor: Tensor<Double>) {
    self.init(
      shape: tensor.shape, elementType: .float64,
      bytes: packed(tensor.elements) { $0.bitPattern })
  }

  /// A vector of whole numbers (labels), as `i8`.
  ///
  /// - Precondition: fewer than 2³¹ of them.
  /// - Complexity: O(count), allocating the bytes.
  public init(_ integers: [Int]) {
    self.init(
      shape: Shape(integers.count), elementType: .int64,
      bytes: packed(integers) { Int64($0) })
  }

  /// A vector of bytes, as `u1`.
  ///
  /// - Precondition: fewer than 2³¹ of them.
  /// - Complexity: O(1): the bytes are taken over.
  public init(_ bytes: [UInt8]) {
    self.init(shape: Shape(bytes.count), elementType: .uint8, bytes: bytes)
  }
}

/// The little-endian bytes of numbers.
private func packed<Element, Pattern: FixedWidthInteger>(
  _ elements: [Element], _ pattern: (Element) -> Pattern
) -> [UInt8] {
  let size = MemoryLayout<Pattern>.size
  return [UInt8](unsafeUninitializedCapacity: elements.count * size) { buffer, count in
    // Element i lies at i·size, and there is room for all of them.
    let raw = UnsafeMutableRawBufferPointer(buffer)
    for i in elements.indices {
      raw.storeBytes(
        of: pattern(elements[i]).littleEndian, toByteOffset: i * size, as: Pattern.self)
    }
    count = elements.count * size
  }
}
