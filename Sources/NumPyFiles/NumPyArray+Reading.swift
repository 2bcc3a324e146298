import Tensors
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension NumPyArray {
  /// Reads an `.npy` file: version 1.0, 2.0 or 3.0, C or Fortran order, either byte order.
  ///
  /// The file must hold one array and nothing behind it.
  ///
  /// - Throws: `NumPyError` when the file is unreadable, truncated, or not what it says.
  /// - Complexity: O(length) of the file, in memory once or twice.
  public init(contentsOf url: URL) throws(NumPyError) {
    let bytes = try contents(of: url)
    try self.init(decoding: bytes, place: Place(file: url.relativePath))
  }

  /// Reads the content of an `.npy` file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - name: what error messages call it.
  /// - Throws: `NumPyError` when the bytes are truncated or not what they say.
  /// - Complexity: O(length).
  public init(decoding bytes: [UInt8], name: String = "array") throws(NumPyError) {
    try self.init(decoding: bytes, place: Place(file: name))
  }

  init(decoding bytes: [UInt8], place: Place) throws(NumPyError) {
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

/// The content of a file, with this library's kind of error.
func contents(of url: URL) throws(NumPyError) -> [UInt8] {
  do {
    return try WholeFile.read(url)
  } catch {
    throw Place(file: url.relativePath).error(error.problem)
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
