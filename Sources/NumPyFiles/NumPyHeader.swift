import Tensors

/// The start of an `.npy` file: magic, version, and a Python dictionary as text.
///
/// ```
/// \x93NUMPY  major minor  length  {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  \n
/// 6 bytes    1     1      2 or 4  length bytes
/// ```
///
/// Version 1.0 gives the length in 2 bytes, 2.0 and 3.0 in 4. Source: numpy's `format.py` (NEP 1).
struct NumPyHeader: Equatable {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  var shape: Shape
  var elementType: NumPyElementType
  var isBigEndian = false
  var isFortranOrder = false
  /// Where the numbers begin.
  var dataOffset = 0

  init(shape: Shape, elementType: NumPyElementType) {
    self.shape = shape
    self.elementType = elementType
  }

  /// Reads the header at the start of a file.
  init(_ bytes: [UInt8], place: Place) throws(NumPyError) {
    guard bytes.starts(with: Self.magic) else {
      let isZip = bytes.starts(with: Array("PK".utf8))
      throw place.error(
        "this is no .npy file", at: 0,
        remedy: isZip
          ? "it looks like an .npz archive, which NumPyArchive reads"
          : "one begins with \\x93NUMPY")
    }
    guard bytes.count >= 8 else {
      throw place.error("the file ends before its version", at: bytes.count)
    }
    let major = bytes[6]
    guard (1...3).contains(major), bytes[7] == 0 else {
      throw place.error(
        "version \(major).\(bytes[7]) of the format is unknown", at: 6,
        remedy: "1.0, 2.0 and 3.0 are read")
    }
    let start = major == 1 ? 10 : 12
    let length =
      major == 1
      ? bytes.littleEndian(UInt16.self, at: 8).map(Int.init)
      : bytes.littleEndian(UInt32.self, at: 8).map(Int.init)
    guard let length else {
      throw place.error("the file ends before the length of its header", at: bytes.count)
    }
    guard length <= bytes.count - start else {
      throw place.error(
        "the header of \(length) bytes reaches beyond the end of the file", at: 8,
        remedy: "\(bytes.count - start) bytes follow")
    }
    var parser = HeaderParser(text: Array(bytes[start..<start + length]), base: start, place: place)
    let fields = try parser.parse()
    self.init(shape: fields.shape, elementType: fields.elementType)
    isBigEndian = fields.isBigEndian
    isFortranOrder = fields.isFortranOrder
    dataOffset = start + length
  }

  /// The header as version 1.0 for little-endian numbers in C order, padded with spaces so that the
  /// numbers begin at a multiple of 64 bytes.
  ///
  /// Nil when the text exceeds the 65,535 bytes of version 1.0, which takes thousands of axes;
  /// numpy itself stops at 64.
  func encoded() -> [UInt8]? {
    let extents = shape.dimensions.map(String.init).joined(separator: ", ")
    let tuple = shape.rank == 1 ? "(\(extents),)" : "(\(extents))"
    let descriptor = elementType.descriptor
    let text = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(tuple), }"
    let unpadded = 10 + text.utf8.count + 1
    let padding = (64 - unpadded % 64) % 64
    guard let length = UInt16(exactly: text.utf8.count + padding + 1) else { return nil }
    var bytes = Self.magic + [1, 0]
    bytes.appendLittleEndian(length)
    bytes += Array(text.utf8)
    bytes += [UInt8](repeating: UInt8(ascii: " "), count: padding)
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }
}
