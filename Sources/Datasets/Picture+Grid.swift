extension Picture {
  /// Pictures of one size side by side, row after row, on white.
  ///
  /// - Parameters:
  ///   - pictures: at least one.
  ///   - columns: how many stand in a row.
  ///   - gap: pixels between them and around them.
  /// - Throws: `PictureError` when there is no picture or column, the sizes differ, or the grid
  ///   exceeds `largestPixelCount`.
  /// - Complexity: O(pixels) of the grid.
  public static func grid(_ pictures: [Picture], columns: Int, gap: Int = 2) throws(PictureError)
    -> Picture
  {
    guard let first = pictures.first, columns > 0, gap >= 0, gap <= largestPixelCount,
      pictures.allSatisfy({ $0.height == first.height && $0.width == first.width })
    else {
      throw PictureError(
        name: "grid", problem: "needs pictures of one size, a column, and no gap below 0")
    }
    let columns = min(columns, pictures.count)
    let rows = (pictures.count + columns - 1) / columns
    let height = rows * (first.height + gap) + gap
    let width = columns * (first.width + gap) + gap
    try check(height: height, width: width, name: "grid")
    var bytes = [UInt8](repeating: 255, count: 3 * height * width)
    for (i, picture) in pictures.enumerated() {
      let top = gap + i / columns * (first.height + gap)
      let left = gap + i % columns * (first.width + gap)
      for y in 0..<first.height {
        let start = 3 * ((top + y) * width + left)
        let row = 3 * y * first.width
        bytes.replaceSubrange(
          start..<start + 3 * first.width, with: picture.bytes[row..<row + 3 * first.width])
      }
    }
    return Picture(unchecked: bytes, height: height, width: width)
  }
}
