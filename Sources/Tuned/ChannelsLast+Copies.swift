/// What brings weights and images into the order of `ChannelsLast`, and back.
extension ChannelsLast {
  /// Arranges weights in panels, `kernels.padded` × `depth` of them.
  ///
  /// - Parameter weight: a weight, asked for kernels up to `kernels.padded`.
  @inline(__always)
  func fill(
    _ panels: UnsafeMutablePointer<Float>,
    _ weight: (_ kernel: Int, _ channel: Int, _ i: Int, _ j: Int) -> Float
  ) {
    var target = panels
    kernels.forEach { first, width in
      for i in 0..<kernel.height {
        for j in 0..<kernel.width {
          for c in 0..<channels {
            for k in 0..<width { target[k] = weight(first + k, c, i, j) }
            target += width
          }
        }
      }
    }
  }

  /// Copies some pixels of an image, of which channel c starts at c·`plane`, to pixels × C.
  @inline(__always)
  func copy(
    _ source: UnsafePointer<Float>, plane: Int, pixels: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    let channels = channels
    if channels < 8 {
      // Squares would be half empty.
      for c in 0..<channels {
        for p in 0..<pixels { target[p * channels + c] = source[c * plane + p] }
      }
    } else {
      Square.transpose(rows: channels, columns: pixels) { c, p, count in
        (source + c * plane + p).vector(first: count)
      } to: { c, p, count, vector in
        (target + p * channels + c).store(vector, first: count)
      }
    }
  }

  /// Copies the output's gradient of an image, K × `pixels`, to pixels × `kernels.padded`, going back
  /// through a ReLU if there is one, as `backRectify` does. Zeros stand for the kernels beyond the last.
  @inline(__always)
  func copyUpstream(
    _ source: UnsafePointer<Float>, signs: UnsafePointer<Float>, slope: Float?, pixels: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    let padded = kernels.padded
    Square.transpose(rows: kernels.count, columns: pixels) { k, p, count in
      let gradient = (source + k * pixels + p).vector(first: count)
      guard let slope else { return gradient }
      let signs = (signs + k * pixels + p).vector(first: count)
      return (slope * gradient).replacing(with: gradient, where: signs .> 0)
    } to: { k, p, _, vector in
      target.store(vector, at: p * padded + k)
    }
  }

  /// Copies what `run` has written of an image, pixels × `kernels.padded`, to where kernel k's pixels
  /// start at k·`plane`, and calls `finish` with each kernel's while they are in the cache.
  @inline(__always)
  func copyOutput(
    _ source: UnsafePointer<Float>, pixels: Int,
    to target: UnsafeMutablePointer<Float>, plane: Int,
    _ finish: (_ kernel: Int, _ pixels: UnsafeMutablePointer<Float>) -> Void
  ) {
    let padded = kernels.padded
    for first in Swift.stride(from: 0, to: kernels.count, by: 16) {
      let (source, target) = (source + first, target + first * plane)
      let count = min(16, kernels.count - first)
      Square.transpose(rows: pixels, columns: count) { p, k, _ in
        source.vector(at: p * padded + k)
      } to: { p, k, count, vector in
        (target + k * plane + p).store(vector, first: count)
      }
      for k in 0..<count { finish(first + k, target + k * plane) }
    }
  }
}
