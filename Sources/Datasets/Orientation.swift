/// How a picture has to be turned to stand upright, as cameras write it into EXIF: 1 to 8.
///
/// Source: Exif 2.3, tag 0x0112, and OpenCV's `exif.cpp`, which takes no notice of other values.
struct Orientation {
  /// 1 leaves a picture as it is.
  let number: Int

  /// That of a JPEG file.
  init(jpeg file: [UInt8]) {
    let mark = Array("Exif\0\0".utf8)
    // XMP has segments of the same kind.
    let exif = jpegSegment(of: file) { $0 == 0xE1 && $1.starts(with: mark) } ?? []
    self.init(exif: exif.dropFirst(mark.count))
  }

  /// That of EXIF's content, which is a TIFF file; 1 where it says nothing, or is cut off.
  init(exif: some Collection<UInt8>) {
    let bytes = Array(exif)
    let isBig = bytes.starts(with: Array("MM".utf8))
    /// A number of some bytes.
    func number(_ offset: Int, _ count: Int) -> Int? {
      guard offset >= 0, offset <= bytes.count - count else { return nil }
      let digits = bytes[offset..<offset + count]
      return (isBig ? Array(digits) : digits.reversed()).reduce(0) { $0 << 8 | Int($1) }
    }
    self.number =
      {
        guard isBig || bytes.starts(with: Array("II".utf8)), number(2, 2) == 42,
          let directory = number(4, 4), let entries = number(directory, 2)
        else { return nil }
        // Twelve bytes an entry: tag, type, count, value.
        for entry in 0..<entries {
          let place = directory + 2 + 12 * entry
          guard let tag = number(place, 2) else { return nil }
          if tag == 0x0112 {
            return number(place + 8, 2).flatMap { (1...8).contains($0) ? $0 : nil }
          }
        }
        return nil
      }() ?? 1
  }
}

extension Picture {
  /// The picture turned upright.
  ///
  /// - Complexity: O(H·W), without any work for orientation 1.
  func turned(by orientation: Orientation) -> Picture {
    let number = orientation.number
    guard number > 1 else { return self }
    // Rows become columns, then left and right are exchanged, then up and down.
    let isTransposed = number > 4
    let isMirrored = [2, 3, 6, 7].contains(number)
    let isUpsideDown = [3, 4, 7, 8].contains(number)
    let (rows, columns) = isTransposed ? (width, height) : (height, width)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(bytes.count)
    for y in 0..<rows {
      for x in 0..<columns {
        let row = isUpsideDown ? rows - 1 - y : y
        let column = isMirrored ? columns - 1 - x : x
        let start = 3 * (isTransposed ? column * width + row : row * width + column)
        pixels += bytes[start..<start + 3]
      }
    }
    return Picture(unchecked: pixels, height: rows, width: columns)
  }
}
