/// A colour picture: H×W pixels of 3 bytes, red first, row after row from the top left.
///
/// Networks of Caffe's kind take blue, green and red planes instead; `Datum` makes that step.
public struct Picture: Sendable, Equatable {
  /// The most pixels that a picture may have: 64 Mi, 192 MiB of bytes.
  public static let largestPixelCount = 1 << 26

  /// H, the number of rows.
  public let height: Int
  /// W, the number of columns.
  public let width: Int

  /// R, G, B of the first pixel, then of the one to its right, and so on.
  ///
  /// - Invariant: 3·H·W bytes. Change them, but not their number.
  public var bytes: [UInt8]

  /// A picture of given bytes.
  ///
  /// - Throws: `PictureError` when an extent is below 1, the picture exceeds `largestPixelCount`,
  ///   or the bytes are not 3·H·W.
  /// - Complexity: O(1): the bytes are taken over.
  public init(height: Int, width: Int, bytes: [UInt8]) throws(PictureError) {
    try Self.check(height: height, width: width, name: "picture")
    guard bytes.count == 3 * height * width else {
      throw PictureError(
        name: "picture",
        problem: "\(height)×\(width) pixels need \(3 * height * width) bytes, not \(bytes.count)")
    }
    self.init(unchecked: bytes, height: height, width: width)
  }

  /// A picture of bytes whose number is known to be right.
  init(unchecked bytes: [UInt8], height: Int, width: Int) {
    self.height = height
    self.width = width
    self.bytes = bytes
  }

  /// Red, green and blue of the pixel in row y, column x.
  ///
  /// - Precondition: 0 ≤ y < H and 0 ≤ x < W.
  /// - Complexity: O(1).
  public subscript(y: Int, x: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
    precondition((0..<height).contains(y) && (0..<width).contains(x), "pixel outside the picture")
    let start = 3 * (y * width + x)
    return (bytes[start], bytes[start + 1], bytes[start + 2])
  }

  /// Refuses extents that no picture may have, before memory is set aside for them.
  static func check(height: Int, width: Int, name: String) throws(PictureError) {
    guard height > 0, width > 0 else {
      throw PictureError(
        name: name, problem: "a picture of \(height)×\(width) pixels has no pixels")
    }
    let (pixels, overflow) = height.multipliedReportingOverflow(by: width)
    guard !overflow, pixels <= largestPixelCount else {
      throw PictureError(
        name: name,
        problem: "\(height)×\(width) pixels are more than the \(largestPixelCount) allowed")
    }
  }
}

/// A picture that cannot be read, written or made.
public struct PictureError: Error, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let name: String
  /// What is wrong.
  public let problem: String

  /// For example `cat.jpg: truncated or damaged JPEG: Premature end of JPEG file`.
  public var description: String { "\(name): \(problem)" }
}
