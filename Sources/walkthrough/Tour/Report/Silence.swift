import Tensors

/// How many channels, or units where a channel is a single number, say nothing on this image.
struct Silence: Encodable, Equatable, Sendable {
  /// Those that are 0 everywhere.
  var dead: Int
  /// All.
  var count: Int

  /// Of the channels of the first image; `nil` for a single number.
  init?(_ tensor: Tensor<Float>) {
    guard tensor.shape.rank >= 2 else { return nil }
    let plane = tensor.shape.spatialCount
    count = tensor.shape.channels
    dead = (0..<count).count { channel in
      tensor.elements[channel * plane..<(channel + 1) * plane].allSatisfy { $0 == 0 }
    }
  }
}
