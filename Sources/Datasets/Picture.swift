import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A colour picture: H×W pixels of 3 bytes, red first, row after row from the top left.
///
/// Networks of Caffe's kind take blue, green and red planes instead; `Datum` makes that step.
public struct Picture: Sendable, Equatable {
  /// The most pixels that a picture may have: 64 Mi, 192 MiB of bytes.
  public static let largestPixelCount = 1 << 26

  /// H, the number of rows.
  public let height: Int
  /// W, the number of columns.
  public let width: Int

  /// R, G, B of the first pixel, then of the one to its right, and so on.
  ///
  /// - Invariant: 3·H·W bytes. Change them, but not their number.
  public var bytes: [UInt8]

  /// A picture of given bytes.
  ///
  /// - Throws: `FileError` when an extent is below 1, the picture exceeds `largestPixelCount`,
  ///   or the bytes are not 3·H·W.
  /// - Complexity: O(1): the bytes are taken over.
  public init(height: Int, width: Int, bytes: [UInt8]) throws(FileError) {
    try Self.check(height: height, width: width, name: "picture")
    guard bytes.count == 3 * height * width else {
      throw FileError(
        path: "picture",
        problem: "\(height)×\(width) pixels need \(3 * height * width) bytes, not \(bytes.count)")
    }
    self.init(unchecked: bytes, height: height, width: width)
  }

  /// A picture of bytes whose number is known to be right.
  init(unchecked bytes: [UInt8], height: Int, width: Int) {
    self.height = height
    self.width = width
    self.bytes = bytes
  }

  /// Red, green and blue of the pixel in row y, column x.
  ///
  /// - Precondition: 0 ≤ y < H and 0 ≤ x < W.
  /// - Complexity: O(1).
  public subscript(y: Int, x: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
    precondition((0..<height).contains(y) && (0..<width).contains(x), "pixel outside the picture")
    let start = 3 * (y * width + x)
    return (bytes[start], bytes[start + 1], bytes[start + 2])
  }

  /// Refuses extents that no picture may have, before memory is set aside for them.
  static func check(height: Int, width: Int, name: String) throws(FileError) {
    guard height > 0, width > 0 else {
      throw FileError(path: name, problem: "a picture of \(height)×\(width) pixels has no pixels")
    }
    let (pixels, overflow) = height.multipliedReportingOverflow(by: width)
    guard !overflow, pixels <= largestPixelCount else {
      throw FileError(
        path: name,
        problem: "\(height)×\(width) pixels are more than the \(largestPixelCount) allowed")
    }
  }
}

extension Picture {
  /// The square of a side in the middle, as Caffe cuts it in testing: its first row is
  /// ⌊(H − side)/2⌋, its first column ⌊(W − side)/2⌋.
  ///
  /// - Throws: `FileError` when the side is below 1 or exceeds the picture.
  /// - Complexity: O(side²).
  public func centreCrop(_ side: Int) throws(FileError) -> Picture {
    try cropped(
      top: (height - side) / 2, left: (width - side) / 2, height: side, width: side)
  }

  /// A rectangle of the picture.
  ///
  /// - Throws: `FileError` when it is empty or reaches beyond the picture.
  /// - Complexity: O(height·width) of the rectangle.
  public func cropped(
    top: Int, left: Int, height cropHeight: Int, width cropWidth: Int
  ) throws(FileError) -> Picture {
    guard cropHeight > 0, cropWidth > 0, cropHeight <= height, cropWidth <= width,
      (0...height - cropHeight).contains(top), (0...width - cropWidth).contains(left)
    else {
      throw FileError(
        path: "picture",
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

extension Picture {
  /// Reads a PNG or JPEG file; which of the two it is, its content says, not its name.
  ///
  /// - Throws: `FileError` when the file is unreadable, neither of the two, truncated, damaged,
  ///   or larger than `largestPixelCount`.
  /// - Complexity: O(length + H·W); memory for the file and 4 bytes for each pixel at most.
  public init(contentsOf url: URL) throws(FileError) {
    try self.init(decoding: try Self.fileContent(url), name: url.relativePath)
  }

  /// The bytes of a file that may be a picture.
  ///
  /// - Throws: `FileError` when it can't be read, or is too long for any picture.
  /// - Complexity: O(length) of the file.
  public static func fileContent(_ url: URL) throws(FileError) -> [UInt8] {
    do {
      // No compressed picture of the greatest size is longer than its bare 16-bit pixels.
      return try WholeFile.read(url, limit: 8 * Self.largestPixelCount)
    } catch {
      throw FileError(path: url.relativePath, problem: error.problem)
    }
  }

  /// Reads the content of a PNG or JPEG file.
  ///
  /// The bytes are those that OpenCV 4 reads, and so those that Caffe gets: gray becomes three equal
  /// channels, a palette is looked up, of 16 bits the upper 8 are kept, printing colours (CMYK) become
  /// red, green and blue. Transparency, gamma and colour profiles are ignored. A picture that EXIF says
  /// to turn, as those of phones, is turned; OpenCV before 3.1, and so Caffe built with it, left it.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - name: what error messages call it.
  ///   - inGray: whether three equal channels come of a coloured picture too, as OpenCV makes them.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: O(length + H·W), with 4 bytes for each pixel at most.
  public init(
    decoding bytes: [UInt8], name: String = "picture", inGray: Bool = false
  ) throws(FileError) {
    if bytes.starts(with: pngSignature) {
      self = try decodedPNG(bytes, name: name, inGray: inGray)
    } else if bytes.starts(with: [0xFF, 0xD8]) {
      self = try decodedJPEG(bytes, name: name, inGray: inGray)
    } else {
      let problem =
        bytes.isEmpty ? "the file is empty" : "this is neither a PNG nor a JPEG picture"
      throw FileError(path: name, problem: problem)
    }
  }

  /// Writes a PNG file of 8 bits a channel. The file appears whole or not at all.
  ///
  /// - Throws: `FileError` when the file cannot be written.
  /// - Complexity: O(H·W).
  public func writePNG(to url: URL) throws(FileError) {
    let content = try pngEncoded()
    do {
      try WholeFile.write(content, to: url)
    } catch {
      throw FileError(path: url.relativePath, problem: error.problem)
    }
  }
}

extension Picture {
  /// The red channel alone, H×W.
  var redPlane: [UInt8] { stride(from: 0, to: bytes.count, by: 3).map { bytes[$0] } }

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
    jpegSegment(of: file) { marker, _ in
      (0xC0...0xCF).contains(marker) && ![0xC4, 0xC8, 0xCC].contains(marker)
    }
    .flatMap { $0.count > 5 ? $0[$0.startIndex + 5] : nil }
  }
}

/// The content of the first segment before the pixels of a JPEG file that is asked for by its marker and
/// content.
func jpegSegment(
  of file: [UInt8], where isWanted: (UInt8, ArraySlice<UInt8>) -> Bool
) -> ArraySlice<UInt8>? {
  var position = 2
  while position + 4 <= file.count, file[position] == 0xFF {
    let marker = file[position + 1]
    if marker == 0xFF {
      position += 1
      continue
    }
    // The length counts its own two bytes.
    let end = position + 2 + Int(file[position + 2]) << 8 + Int(file[position + 3])
    let content = file[position + 4..<max(min(end, file.count), position + 4)]
    if isWanted(marker, content) { return content }
    // The pixels begin: what looks like a marker there is none.
    guard marker != 0xDA else { return nil }
    position = end
  }
  return nil
}

extension Picture {
  /// Pictures of one size side by side, row after row, on white.
  ///
  /// - Parameters:
  ///   - pictures: at least one.
  ///   - columns: how many stand in a row.
  ///   - gap: pixels between them and around them.
  /// - Throws: `FileError` when there is no picture or column, the sizes differ, or the grid
  ///   exceeds `largestPixelCount`.
  /// - Complexity: O(pixels) of the grid.
  public static func grid(_ pictures: [Picture], columns: Int, gap: Int = 2) throws(FileError)
    -> Picture
  {
    guard let first = pictures.first, columns > 0, gap >= 0, gap <= largestPixelCount,
      pictures.allSatisfy({ $0.height == first.height && $0.width == first.width })
    else {
      throw FileError(
        path: "grid", problem: "needs pictures of one size, a column, and no gap below 0")
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
