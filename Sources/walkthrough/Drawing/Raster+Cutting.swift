extension Raster {
  /// How many bytes a pixel has.
  var depth: Int { scale == .colour ? 3 : 1 }

  /// A square, as far as it lies on the picture; a single pixel where it doesn't.
  func cropped(top: Int, left: Int, side: Int) -> Raster {
    let rows = clipped(top, side, height)
    let columns = clipped(left, side, width)
    var bytes: [UInt8] = []
    for row in rows {
      let start = (row * width + columns.lowerBound) * depth
      bytes += pixels[start..<start + columns.count * depth]
    }
    return Raster(
      width: columns.count, height: rows.count, scale: scale, pixels: bytes, lower: lower,
      upper: upper)
  }

  private func clipped(_ start: Int, _ length: Int, _ size: Int) -> Range<Int> {
    let lower = min(max(start, 0), size - 1)
    return lower..<max(min(start + length, size), lower + 1)
  }

  /// The picture with no side longer than `side`: every pixel the mean of those that it stands for.
  func shrunk(toFit side: Int) -> Raster {
    let longest = max(width, height)
    guard longest > side else { return self }
    return resized(
      width: max(width * side / longest, 1), height: max(height * side / longest, 1))
  }

  /// The picture in at most `side` pixels a side; a smaller one in as many whole multiples of its
  /// pixels as fit.
  func fitted(to side: Int) -> Raster {
    let factor = side / max(width, height, 1)
    return factor > 1 ? magnified(factor) : shrunk(toFit: side)
  }

  /// The picture with squares in place of pixels.
  func magnified(_ factor: Int) -> Raster {
    resized(width: width * factor, height: height * factor)
  }

  /// The picture in fewer or more pixels: each the mean of those that it stands for.
  func resized(width newWidth: Int, height newHeight: Int) -> Raster {
    guard width > 0, height > 0, (newWidth, newHeight) != (width, height) else { return self }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(newWidth * newHeight * depth)
    for y in 0..<newHeight {
      let rows =
        y * height / newHeight..<max((y + 1) * height / newHeight, y * height / newHeight + 1)
      for x in 0..<newWidth {
        let first = x * width / newWidth
        let columns = first..<max((x + 1) * width / newWidth, first + 1)
        for channel in 0..<depth {
          var sum = 0
          for row in rows {
            for column in columns { sum += Int(pixels[(row * width + column) * depth + channel]) }
          }
          let count = rows.count * columns.count
          bytes.append(UInt8((sum + count / 2) / count))
        }
      }
    }
    return Raster(
      width: newWidth, height: newHeight, scale: scale, pixels: bytes, lower: lower, upper: upper)
  }
}
