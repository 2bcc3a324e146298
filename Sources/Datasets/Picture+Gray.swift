extension Picture {
  /// The red channel alone, H×W.
  var redPlane: [UInt8] { stride(from: 0, to: bytes.count, by: 3).map { bytes[$0] } }

  /// Three equal channels, made of the colours as OpenCV makes them when it reads a PNG file in
  /// gray: with libpng's weights, cut off and not rounded.
  func grayed() -> Picture {
    var gray = bytes
    for i in stride(from: 0, to: bytes.count, by: 3) {
      let (red, green, blue) = (Int(bytes[i]), Int(bytes[i + 1]), Int(bytes[i + 2]))
      // 0.299, 0.587 and what is left of 1, in parts of 2¹⁵.
      let value = UInt8((9797 * red + 19234 * green + 3737 * blue) >> 15)
      for channel in 0..<3 { gray[i + channel] = value }
    }
    return Picture(unchecked: gray, height: height, width: width)
  }

  /// Whether a PNG or JPEG file stores no colours.
  static func isStoredInGray(_ file: [UInt8]) -> Bool {
    if file.starts(with: pngSignature) {
      // The colour type in the first chunk: 0 is gray, 4 gray with transparency.
      return file.count > 25 && (file[25] == 0 || file[25] == 4)
    }
    return componentsOfJPEG(file) == 1
  }

  /// How many colours a JPEG file has: its frame header says.
  private static func componentsOfJPEG(_ file: [UInt8]) -> UInt8? {
    var position = 2
    while position + 9 < file.count, file[position] == 0xFF {
      let marker = file[position + 1]
      if marker == 0xFF {
        position += 1
      } else if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
        return file[position + 9]
      } else {
        position += 2 + Int(file[position + 2]) << 8 + Int(file[position + 3])
      }
    }
    return nil
  }
}
