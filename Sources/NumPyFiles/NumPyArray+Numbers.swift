import Tensors

extension NumPyArray {
  /// The numbers as a tensor of the same shape.
  ///
  /// Every type of number can be asked for; what the target cannot hold exactly is rounded to the
  /// nearest (a 64-bit integer by way of `Double`). False is 0 and true 1.
  ///
  /// - Complexity: O(count), allocating the tensor.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func tensor<Element: Scalar>(as type: Element.Type = Element.self) -> Tensor<Element> {
    let elements: [Element] =
      switch elementType {
      case .bool: unpacked(UInt8.self) { Element($0 == 0 ? 0.0 : 1.0) }
      case .int8: unpacked(UInt8.self) { Element(Double(Int8(bitPattern: $0))) }
      case .int16: unpacked(UInt16.self) { Element(Double(Int16(bitPattern: $0))) }
      case .int32: unpacked(UInt32.self) { Element(Double(Int32(bitPattern: $0))) }
      case .int64: unpacked(UInt64.self) { Element(Double(Int64(bitPattern: $0))) }
      case .uint8: unpacked(UInt8.self) { Element(Double($0)) }
      case .uint16: unpacked(UInt16.self) { Element(Double($0)) }
      case .uint32: unpacked(UInt32.self) { Element(Double($0)) }
      case .uint64: unpacked(UInt64.self) { Element(Double($0)) }
      case .float16: unpacked(UInt16.self) { Element(doubleFromHalf($0)) }
      case .float32: unpacked(UInt32.self) { Element(Double(Float(bitPattern: $0))) }
      case .float64: unpacked(UInt64.self) { Element(Double(bitPattern: $0)) }
      }
    return Tensor(shape, elements)
  }

  /// The numbers in row-major order as whole numbers: labels, for example.
  ///
  /// Labels that a program saved as floating-point numbers are taken when they are whole.
  ///
  /// - Throws: `NumPyValueError` for a number that is not whole or does not fit in `Int`.
  /// - Complexity: O(count), allocating the array.
  public func integers() throws(NumPyValueError) -> [Int] {
    switch elementType {
    case .bool: return unpacked(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .int8: return unpacked(UInt8.self) { Int(Int8(bitPattern: $0)) }
    case .int16: return unpacked(UInt16.self) { Int(Int16(bitPattern: $0)) }
    case .int32: return unpacked(UInt32.self) { Int(Int32(bitPattern: $0)) }
    case .int64: return unpacked(UInt64.self) { Int(Int64(bitPattern: $0)) }
    case .uint8: return unpacked(UInt8.self) { Int($0) }
    case .uint16: return unpacked(UInt16.self) { Int($0) }
    case .uint32: return unpacked(UInt32.self) { Int($0) }
    case .uint64: return try whole(unpacked(UInt64.self) { ($0, Int(exactly: $0)) })
    case .float16, .float32, .float64:
      return try whole(tensor(as: Double.self).elements.map { ($0, Int(exactly: $0)) })
    }
  }

  private func whole<Number>(_ pairs: [(Number, Int?)]) throws(NumPyValueError) -> [Int] {
    var integers: [Int] = []
    integers.reserveCapacity(pairs.count)
    for (position, (number, integer)) in pairs.enumerated() {
      guard let integer else {
        throw NumPyValueError(position: position, value: "\(number)")
      }
      integers.append(integer)
    }
    return integers
  }

  /// Every number's bits, converted.
  @inline(__always)
  private func unpacked<Pattern: FixedWidthInteger, Result>(
    _ type: Pattern.Type, _ convert: (Pattern) -> Result
  ) -> [Result] {
    let size = MemoryLayout<Pattern>.size
    // As many bytes as the shape's elements take: `init` has checked it.
    return bytes.withUnsafeBytes { raw in
      [Result](unsafeUninitializedCapacity: shape.count) { buffer, count in
        for i in 0..<shape.count {
          let pattern = raw.loadUnaligned(fromByteOffset: i * size, as: Pattern.self)
          buffer.initializeElement(at: i, to: convert(Pattern(littleEndian: pattern)))
        }
        count = shape.count
      }
    }
  }
}

/// A number that was to be a whole one, and is not.
public struct NumPyValueError: Error, Equatable, CustomStringConvertible {
  /// Its row-major position in the array.
  public let position: Int
  /// The number.
  public let value: String

  /// For example `element 3 is 0.5; a whole number of 64 bits is needed here`.
  public var description: String {
    "element \(position) is \(value); a whole number of 64 bits is needed here"
  }
}

/// The value of a half-precision number: 1 bit of sign, 5 of exponent, 10 of fraction.
///
/// Written out because `Float16` does not exist on every platform.
private func doubleFromHalf(_ bits: UInt16) -> Double {
  let exponent = Int(bits >> 10 & 0x1F)
  let fraction = Double(bits & 0x3FF)
  let magnitude: Double =
    switch exponent {
    case 0: fraction * 0x1p-24
    case 31: fraction == 0 ? .infinity : .nan
    default: Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
    }
  return bits >> 15 == 1 ? -magnitude : magnitude
}
