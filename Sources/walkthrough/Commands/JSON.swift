import Foundation
import Tensors

/// JSON as the commands print it.
enum JSON {
  /// A value with its keys sorted, NaN and infinities as strings.
  static func text(_ value: some Encodable) throws -> String {
    try text(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }

  /// The same on one line, for a page's script and for JSON Lines.
  static func compact(_ value: some Encodable) throws -> String {
    try text(value, [.sortedKeys, .withoutEscapingSlashes])
  }

  private static func text(
    _ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting
  ) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}

extension Shape {
  /// The extents of one image, as three numbers also where it is a vector or a scalar.
  var channelsHeightWidth: [Int] { [channels, height, width] }
}

/// What numbers in single precision take.
enum SinglePrecision {
  /// The bytes of so many numbers; the greatest count where that overflows.
  static func bytes(_ count: Int) -> Int {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
    return overflow ? .max : bytes
  }
}
