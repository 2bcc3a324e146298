import WholeFiles

extension Picture {
  /// The picture at another size, each pixel a weighted mean of all that it covers: triangles as wide as
  /// the picture shrinks, so that fine patterns don't alias.
  ///
  /// The result is, byte for byte, that of Pillow's `resize` with `BILINEAR`, which torchvision's `Resize`
  /// uses. Columns are made first, and rounded to bytes, then rows; weights are multiples of 2⁻²².
  ///
  /// - Throws: `FileError` when an extent is below 1 or the result exceeds `largestPixelCount`.
  /// - Complexity: O(H·(W + width) + width·(H + height)) for H×W of this picture.
  public func antialiased(
    height newHeight: Int, width newWidth: Int
  ) throws(FileError) -> Picture {
    try Self.check(height: newHeight, width: newWidth, name: "picture")
    try Self.check(height: height, width: newWidth, name: "picture")
    let columns = Triangle.triangles(from: width, to: newWidth)
    let rows = Triangle.triangles(from: height, to: newHeight)
    let half = 1 << 21
    // Between the passes: all rows of the old picture, at the new width.
    var narrow: [UInt8] = []
    narrow.reserveCapacity(3 * height * newWidth)
    for y in 0..<height {
      for column in columns {
        let start = 3 * (y * width + column.first)
        for channel in 0..<3 {
          var sum = half
          for (x, weight) in column.weights.enumerated() {
            sum += Int(bytes[start + 3 * x + channel]) * weight
          }
          narrow.append(UInt8(clamping: sum >> 22))
        }
      }
    }
    let rowCount = 3 * newWidth
    var pixels: [UInt8] = []
    pixels.reserveCapacity(newHeight * rowCount)
    for row in rows {
      var sums = [Int](repeating: half, count: rowCount)
      for (y, weight) in row.weights.enumerated() {
        let start = (row.first + y) * rowCount
        for i in 0..<rowCount { sums[i] += Int(narrow[start + i]) * weight }
      }
      for sum in sums { pixels.append(UInt8(clamping: sum >> 22)) }
    }
    return Picture(unchecked: pixels, height: newHeight, width: newWidth)
  }

  /// The picture with its shorter side at a size and its shape kept: the longer side is rounded down.
  ///
  /// - Throws: as `antialiased`.
  /// - Complexity: as `antialiased`.
  public func antialiased(shorterSide side: Int) throws(FileError) -> Picture {
    // An extent is below 2³¹, a side that passes the check too.
    let long = max(height, width) * min(max(side, 0), Int(Int32.max)) / min(height, width)
    return height <= width
      ? try antialiased(height: side, width: long) : try antialiased(height: long, width: side)
  }
}

/// The pixels of a line that one of the new line is made of, and their weights of 2²².
private struct Triangle {
  var first: Int
  var weights: [Int]

  static func triangles(from size: Int, to newSize: Int) -> [Triangle] {
    let scale = Double(size) / Double(newSize)
    let support = max(scale, 1)
    return (0..<newSize).map { position in
      let centre = (Double(position) + 0.5) * scale
      let first = max(Int(centre - support + 0.5), 0)
      let end = min(Int(centre + support + 0.5), size)
      let weights = (first..<end).map { pixel in
        max(1 - abs((Double(pixel) - centre + 0.5) * (1 / support)), 0)
      }
      let sum = weights.reduce(0, +)
      return Triangle(
        first: first, weights: weights.map { Int((0.5 + $0 / sum * 4_194_304).rounded(.down)) })
    }
  }
}
