import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension NumPyArray {
  /// Writes an `.npy` file, version 1.0, little-endian, C order: `numpy.load` takes the bytes as they
  /// are.
  ///
  /// The file appears whole or not at all.
  ///
  /// - Throws: `NumPyError` when the file cannot be written.
  /// - Complexity: O(length); besides the array only its header takes memory.
  public func write(to url: URL) throws(NumPyError) {
    let place = Place(file: url.relativePath)
    let pieces = [try header(place: place), bytes]
    do {
      try WholeFile.write(pieces, to: url)
    } catch {
      throw place.error(error.problem)
    }
  }

  /// The content of the file that `write(to:)` writes.
  ///
  /// - Throws: `NumPyError` for a shape of thousands of axes, which the format cannot hold.
  /// - Complexity: O(length), copying the array.
  public func encoded() throws(NumPyError) -> [UInt8] {
    try header(place: Place(file: "array")) + bytes
  }

  func header(place: Place) throws(NumPyError) -> [UInt8] {
    guard let header = NumPyHeader(shape: shape, elementType: elementType).encoded() else {
      throw place.error(
        "a shape of \(shape.rank) axes does not fit in the header", remedy: "numpy allows 64")
    }
    return header
  }
}
