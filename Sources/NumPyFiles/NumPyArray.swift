import Tensors
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

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
  package let bytes: [UInt8]

  package init(shape: Shape, elementType: NumPyElementType, bytes: [UInt8]) {
    // What is read of the bytes later isn't checked again.
    require(
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

/// The types of numbers that are read; the raw values are numpy's names without the byte order.
public enum NumPyElementType: String, CaseIterable, Sendable {
  /// A truth value in a byte; any byte but 0 is true.
  case bool = "b1"
  /// A signed integer of 8 bits.
  case int8 = "i1"
  /// A signed integer of 16 bits.
  case int16 = "i2"
  /// A signed integer of 32 bits.
  case int32 = "i4"
  /// A signed integer of 64 bits.
  case int64 = "i8"
  /// An unsigned integer of 8 bits.
  case uint8 = "u1"
  /// An unsigned integer of 16 bits.
  case uint16 = "u2"
  /// An unsigned integer of 32 bits.
  case uint32 = "u4"
  /// An unsigned integer of 64 bits.
  case uint64 = "u8"
  /// A floating-point number of 16 bits.
  case float16 = "f2"
  /// A floating-point number of 32 bits.
  case float32 = "f4"
  /// A floating-point number of 64 bits.
  case float64 = "f8"

  /// The bytes that a number takes.
  public var size: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .float16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }

  /// What stands in the header for little-endian numbers of this type, for example `<f4`.
  var descriptor: String { (size == 1 ? "|" : "<") + rawValue }

  static var allNames: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

extension NumPyArray {
  /// Reads an `.npy` file: version 1.0, 2.0 or 3.0, C or Fortran order, either byte order.
  ///
  /// The file must hold one array and nothing behind it.
  ///
  /// - Throws: `FileError` when the file is unreadable, truncated, or not what it says.
  /// - Complexity: O(length) of the file, in memory once or twice.
  public init(contentsOf url: URL) throws(FileError) {
    let bytes = try contents(of: url)
    try self.init(decoding: bytes, place: FilePlace(file: url.relativePath))
  }

  /// Reads the content of an `.npy` file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - name: what error messages call it.
  /// - Throws: `FileError` when the bytes are truncated or not what they say.
  /// - Complexity: O(length).
  public init(decoding bytes: [UInt8], name: String = "array") throws(FileError) {
    try self.init(decoding: bytes, place: FilePlace(file: name))
  }

  init(decoding bytes: [UInt8], place: FilePlace) throws(FileError) {
    let header = try NumPyHeader(bytes, place: place)
    let size = header.elementType.size
    let present = bytes.count - header.dataOffset
    let (needed, overflow) = header.shape.count.multipliedReportingOverflow(by: size)
    // Compared before anything is allocated: a header can claim any size.
    guard !overflow, needed == present else {
      let claim = overflow ? "more than 2^63" : "\(needed)"
      throw place.error(
        "\(present) bytes follow the header", at: header.dataOffset,
        remedy: "shape \(header.shape) of \(header.elementType.rawValue) needs \(claim)")
    }
    var numbers = Array(bytes[header.dataOffset...])
    if header.isBigEndian && size > 1 { reverseEach(size, of: &numbers) }
    if header.isFortranOrder {
      numbers = rowMajor(numbers, shape: header.shape, size: size)
    }
    self.init(shape: header.shape, elementType: header.elementType, bytes: numbers)
  }
}

/// The content of a file, which errors call as the caller did.
package func contents(of url: URL) throws(FileError) -> [UInt8] {
  do {
    return try WholeFile.read(url)
  } catch {
    throw FilePlace(file: url.relativePath).error(error.problem)
  }
}

/// Turns the bytes of each number around.
private func reverseEach(_ size: Int, of bytes: inout [UInt8]) {
  for start in stride(from: 0, to: bytes.count, by: size) {
    for i in 0..<size / 2 { bytes.swapAt(start + i, start + size - 1 - i) }
  }
}

/// Numbers whose first axis is contiguous, reordered so that the last one is.
private func rowMajor(_ bytes: [UInt8], shape: Shape, size: Int) -> [UInt8] {
  guard shape.rank > 1, shape.count > 0 else { return bytes }
  var strides: [Int] = []  // of the source, in numbers
  var step = 1
  for extent in shape.dimensions {
    strides.append(step)
    step *= extent
  }
  var result: [UInt8] = []
  result.reserveCapacity(bytes.count)
  var index = [Int](repeating: 0, count: shape.rank)
  var source = 0
  for _ in 0..<shape.count {
    result += bytes[source * size..<(source + 1) * size]
    // Counts up like a clock, the last axis fastest.
    for axis in index.indices.reversed() {
      index[axis] += 1
      source += strides[axis]
      if index[axis] < shape[axis] { break }
      source -= strides[axis] * shape[axis]
      index[axis] = 0
    }
  }
  return result
}

extension NumPyArray {
  /// Writes an `.npy` file, version 1.0, little-endian, C order: `numpy.load` takes the bytes as they
  /// are.
  ///
  /// The file appears whole or not at all.
  ///
  /// - Throws: `FileError` when the file cannot be written.
  /// - Complexity: O(length); besides the array only its header takes memory.
  public func write(to url: URL) throws(FileError) {
    let place = FilePlace(file: url.relativePath)
    let pieces = [try header(place: place), bytes]
    do {
      try WholeFile.write(pieces, to: url)
    } catch {
      throw place.error(error.problem)
    }
  }

  /// The content of the file that `write(to:)` writes.
  ///
  /// - Throws: `FileError` for a shape of thousands of axes, which the format cannot hold.
  /// - Complexity: O(length), copying the array.
  public func encoded() throws(FileError) -> [UInt8] {
    try header(place: FilePlace(file: "array")) + bytes
  }

  func header(place: FilePlace) throws(FileError) -> [UInt8] {
    guard let header = NumPyHeader(shape: shape, elementType: elementType).encoded() else {
      throw place.error(
        "a shape of \(shape.rank) axes does not fit in the header", remedy: "numpy allows 64")
    }
    return header
  }
}

extension [UInt8] {
  /// The little-endian integer at an offset, nil where it would reach beyond the end.
  package func littleEndian<Number: FixedWidthInteger & UnsignedInteger>(
    _ type: Number.Type, at offset: Int
  ) -> Number? {
    let size = MemoryLayout<Number>.size
    guard offset >= 0, offset <= count - size else { return nil }
    var number: Number = 0
    for i in (0..<size).reversed() { number = number << 8 | Number(self[offset + i]) }
    return number
  }

  /// Appends an integer, its lowest byte first.
  package mutating func appendLittleEndian<Number: FixedWidthInteger>(_ number: Number) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }
}
