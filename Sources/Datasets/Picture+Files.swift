import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Picture {
  /// Reads a PNG or JPEG file; which of the two it is, its content says, not its name.
  ///
  /// - Throws: `PictureError` when the file is unreadable, neither of the two, truncated, damaged,
  ///   or larger than `largestPixelCount`.
  /// - Complexity: O(length + H·W); memory for the file and 4 bytes for each pixel at most.
  public init(contentsOf url: URL) throws(PictureError) {
    try self.init(decoding: try Self.fileContent(url), name: url.relativePath)
  }

  /// The bytes of a file that may be a picture.
  ///
  /// - Throws: `PictureError` when it can't be read, or is too long for any picture.
  /// - Complexity: O(length) of the file.
  public static func fileContent(_ url: URL) throws(PictureError) -> [UInt8] {
    do {
      // No compressed picture of the greatest size is longer than its bare 16-bit pixels.
      return try WholeFile.read(url, limit: 8 * Self.largestPixelCount)
    } catch {
      throw PictureError(name: url.relativePath, problem: error.problem)
    }
  }

  /// Reads the content of a PNG or JPEG file.
  ///
  /// Gray becomes three equal channels, a palette is looked up, 16 bits become 8. Transparency is
  /// ignored, as OpenCV and so Caffe ignore it, and so is an orientation in EXIF.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - name: what error messages call it.
  ///   - inGray: whether three equal channels come of a coloured picture too, as OpenCV makes them.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: O(length + H·W), with 4 bytes for each pixel at most.
  public init(
    decoding bytes: [UInt8], name: String = "picture", inGray: Bool = false
  ) throws(PictureError) {
    if bytes.starts(with: pngSignature) {
      let picture = try decodedPNG(bytes, name: name)
      self = inGray ? picture.grayed() : picture
    } else if bytes.starts(with: [0xFF, 0xD8]) {
      self = try decodedJPEG(bytes, name: name, inGray: inGray)
    } else {
      let problem =
        bytes.isEmpty ? "the file is empty" : "this is neither a PNG nor a JPEG picture"
      throw PictureError(name: name, problem: problem)
    }
  }

  /// Writes a PNG file of 8 bits a channel. The file appears whole or not at all.
  ///
  /// - Throws: `PictureError` when the file cannot be written.
  /// - Complexity: O(H·W).
  public func writePNG(to url: URL) throws(PictureError) {
    let content = try pngEncoded()
    do {
      try WholeFile.write(content, to: url)
    } catch {
      throw PictureError(name: url.relativePath, problem: error.problem)
    }
  }
}
