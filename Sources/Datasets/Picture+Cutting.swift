extension Picture {
  /// The square of a side in the middle, as Caffe cuts it in testing: its first row is
  /// ⌊(H − side)/2⌋, its first column ⌊(W − side)/2⌋.
  ///
  /// - Throws: `PictureError` when the side is below 1 or exceeds the picture.
  /// - Complexity: O(side²).
  public func centreCrop(_ side: Int) throws(PictureError) -> Picture {
    try cropped(
      top: (height - side) / 2, left: (width - side) / 2, height: side, width: side)
  }

  /// A rectangle of the picture.
  ///
  /// - Throws: `PictureError` when it is empty or reaches beyond the picture.
  /// - Complexity: O(height·width) of the rectangle.
  public func cropped(
    top: Int, left: Int, height cropHeight: Int, width cropWidth: Int
  ) throws(PictureError) -> Picture {
    guard cropHeight > 0, cropWidth > 0, cropHeight <= height, cropWidth <= width,
      (0...height - cropHeight).contains(top), (0...width - cropWidth).contains(left)
    else {
      throw PictureError(
        name: "picture",
        problem: "no \(cropHeight)×\(cropWidth) pixels can be cut at row \(top), column \(left) "
          + "out of \(height)×\(width)")
    }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * cropHeight * cropWidth)
    for y in top..<top + cropHeight {
      let start = 3 * (y * width + left)
      pixels += bytes[start..<start + 3 * cropWidth]
    }
    return Picture(unchecked: pixels, height: cropHeight, width: cropWidth)
  }

  /// The picture with left and right exchanged.
  ///
  /// - Complexity: O(H·W).
  public func mirrored() -> Picture {
    var pixels = bytes
    for y in 0..<height {
      for x in 0..<width {
        let (from, to) = (3 * (y * width + width - 1 - x), 3 * (y * width + x))
        for channel in 0..<3 { pixels[to + channel] = bytes[from + channel] }
      }
    }
    return Picture(unchecked: pixels, height: height, width: width)
  }
}
