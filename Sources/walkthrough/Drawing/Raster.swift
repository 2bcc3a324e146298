import Foundation

/// A small picture of numbers in 8 bits.
///
/// What colours the levels get is decided by whoever draws it.
struct Raster: Encodable, Equatable, Sendable {
  /// What a level means.
  enum Scale: String, Encodable, Sendable {
    /// From `lower`, drawn as nothing, to `upper`, drawn as most.
    case sequential
    /// `lower` is −`upper`, and the middle is 0.
    case diverging
    /// Three bytes a pixel: red, green, blue.
    case colour
  }

  var width: Int
  var height: Int
  var scale: Scale
  /// Row after row from the top left: 0 is `lower`, 255 is `upper`. In JSON as base64.
  var pixels: [UInt8]
  var lower: Double
  var upper: Double

  private enum CodingKeys: String, CodingKey {
    case width, height, scale, pixels, lower, upper
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(width, forKey: .width)
    try container.encode(height, forKey: .height)
    try container.encode(scale, forKey: .scale)
    try container.encode(Data(pixels).base64EncodedString(), forKey: .pixels)
    try container.encode(lower, forKey: .lower)
    try container.encode(upper, forKey: .upper)
  }
}
