import WholeFiles

extension Picture {
  /// The picture at another size, interpolated linearly between its four nearest pixels.
  ///
  /// The result is, byte for byte, that of OpenCV's `resize` with `INTER_LINEAR`, which Caffe's
  /// tools use. Pixel centres correspond: column x comes from (x + 0.5)·W/width − 0.5, held inside
  /// the picture. Weights are multiples of 1/2048. Shrinking to exactly half averages 2×2 pixels.
  /// Shrinking further skips pixels, so fine patterns alias; so they do in Caffe.
  ///
  /// - Throws: `FileError` when an extent is below 1 or the result exceeds `largestPixelCount`.
  /// - Complexity: O(height·width + H·width) for H rows of this picture: each is stretched at most
  ///   twice.
  public func resized(height newHeight: Int, width newWidth: Int) throws(FileError) -> Picture {
    try Self.check(height: newHeight, width: newWidth, name: "picture")
    if newHeight == height && newWidth == width { return self }
    if 2 * newHeight == height && 2 * newWidth == width { return halved() }

    let columns = Tap.taps(from: width, to: newWidth, holdsInside: true)
    let rows = Tap.taps(from: height, to: newHeight, holdsInside: false)
    let rowCount = 3 * newWidth
    var pixels = [UInt8](repeating: 0, count: newHeight * rowCount)
    var (upper, lower) = ([Int32](repeating: 0, count: rowCount), [Int32]())
    lower = upper
    var (upperRow, lowerRow) = (-1, -1)
    for (y, row) in rows.enumerated() {
      if row.first == lowerRow { swap(&upper, &lower); swap(&upperRow, &lowerRow) }
      if row.first != upperRow {
        stretch(row: row.first, columns, into: &upper)
        upperRow = row.first
      }
      if row.second != lowerRow {
        stretch(row: row.second, columns, into: &lower)
        lowerRow = row.second
      }
      for i in 0..<rowCount {
        // OpenCV's rounding: 4 bits go from each row, 16 from each product, 2 at the end.
        let above = (row.firstWeight * (upper[i] >> 4)) >> 16
        let below = (row.secondWeight * (lower[i] >> 4)) >> 16
        pixels[y * rowCount + i] = UInt8(truncatingIfNeeded: (above + below + 2) >> 2)
      }
    }
    return Picture(unchecked: pixels, height: newHeight, width: newWidth)
  }

  /// One row of this picture at the new width, times 2048.
  private func stretch(row: Int, _ columns: [Tap], into result: inout [Int32]) {
    let start = 3 * row * width
    for (x, column) in columns.enumerated() {
      for channel in 0..<3 {
        let first = Int32(bytes[start + 3 * column.first + channel])
        let second = Int32(bytes[start + 3 * column.second + channel])
        result[3 * x + channel] = first * column.firstWeight + second * column.secondWeight
      }
    }
  }

  /// Half as high and wide: the rounded average of each 2×2 pixels.
  private func halved() -> Picture {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(bytes.count / 4)
    for y in stride(from: 0, to: height, by: 2) {
      for x in stride(from: 0, to: width, by: 2) {
        let above = 3 * (y * width + x)
        let below = above + 3 * width
        for i in 0..<3 {
          let sum =
            Int(bytes[above + i]) + Int(bytes[above + 3 + i]) + Int(bytes[below + i])
            + Int(bytes[below + 3 + i])
          pixels.append(UInt8(truncatingIfNeeded: (sum + 2) / 4))
        }
      }
    }
    return Picture(unchecked: pixels, height: height / 2, width: width / 2)
  }
}

/// The two pixels of a line from which one of the new line is made, and their weights of 2048.
private struct Tap {
  var first: Int
  var second: Int
  var firstWeight: Int32
  var secondWeight: Int32

  /// - Parameter holdsInside: whether a position beyond the outermost pixels' centres takes the
  ///   whole weight from one of them (columns) or shares it between that pixel and itself (rows);
  ///   the two differ in rounding only.
  static func taps(from size: Int, to newSize: Int, holdsInside: Bool) -> [Tap] {
    let scale = 1 / (Double(newSize) / Double(size))
    return (0..<newSize).map { position in
      let exact = Float((Double(position) + 0.5) * scale - 0.5)
      var first = Int(exact.rounded(.down))
      var fraction = exact - Float(first)
      if holdsInside && first < 0 { (first, fraction) = (0, 0) }
      if holdsInside && first >= size - 1 { (first, fraction) = (size - 1, 0) }
      return Tap(
        first: min(max(first, 0), size - 1), second: min(max(first + 1, 0), size - 1),
        firstWeight: Int32(((1 - fraction) * 2048).rounded(.toNearestOrEven)),
        secondWeight: Int32((fraction * 2048).rounded(.toNearestOrEven)))
    }
  }
}

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
