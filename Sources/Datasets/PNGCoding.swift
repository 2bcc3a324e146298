import CPNG
import WholeFiles

let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

/// The picture in a PNG file, byte for byte what OpenCV reads: stored values whatever the file says of
/// gamma and colour spaces, the upper byte of 16 bits, no transparency, turned as EXIF says.
///
/// In gray, libpng mixes the colours in linear light where the file states its gamma, as OpenCV has it.
///
/// - Parameters:
///   - bytes: the whole file.
///   - name: what error messages call it.
///   - inGray: whether three equal channels come of a coloured picture too.
func decodedPNG(
  _ bytes: [UInt8], name: String, inGray: Bool
) throws(FileError) -> Picture {
  guard hasAllChunks(bytes) else {
    throw FileError(path: name, problem: "truncated or damaged PNG: its last chunk is missing")
  }
  var reading = PNGReading()
  // libpng remembers from one call to the next where the file and the reading lie.
  return try bytes.withUnsafeBufferPointer { file throws(FileError) in
    try withUnsafeMutablePointer(to: &reading) { reading throws(FileError) in
      defer { png_reading_end(reading) }
      return try decodedPNG(file, reading, name: name, inGray: inGray)
    }
  }
}

private func decodedPNG(
  _ file: UnsafeBufferPointer<UInt8>, _ reading: UnsafeMutablePointer<PNGReading>, name: String,
  inGray: Bool
) throws(FileError) -> Picture {
  func failure() -> FileError {
    let reason = withUnsafeBytes(of: reading.pointee.message) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    return FileError(
      path: name,
      problem: "truncated or damaged PNG: \(reason.isEmpty ? "libpng has no memory" : reason)")
  }
  guard png_reading_begin(reading, file.baseAddress, file.count) != 0 else { throw failure() }
  let (height, width) = (Int(reading.pointee.height), Int(reading.pointee.width))
  try Picture.check(height: height, width: width, name: name)
  var rows = [UnsafeMutablePointer<UInt8>?](repeating: nil, count: height)
  var succeeded = false
  let count = (inGray ? 1 : 3) * height * width
  let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
    succeeded = png_reading_finish(reading, inGray ? 1 : 0, buffer.baseAddress, &rows) != 0
    used = succeeded ? count : 0
  }
  guard succeeded else { throw failure() }
  let exif = UnsafeBufferPointer(
    start: reading.pointee.exif, count: Int(reading.pointee.exif_length))
  return Picture(
    unchecked: inGray ? pixels.flatMap { [$0, $0, $0] } : pixels, height: height, width: width
  ).turned(by: Orientation(exif: exif))
}

extension Picture {
  /// The content of a PNG file of this picture, 8 bits a channel.
  ///
  /// - Parameter inGray: whether to write the red channel alone, of a picture whose channels are
  ///   equal.
  /// - Throws: `FileError` when libpng runs out of memory.
  /// - Complexity: O(H·W); sets aside as much memory as the bare pixels take.
  public func pngEncoded(inGray: Bool = false) throws(FileError) -> [UInt8] {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    image.height = png_uint_32(height)
    image.width = png_uint_32(width)
    image.format = inGray ? gray : rgb
    let pixels = inGray ? redPlane : bytes
    // Deflate adds 5 bytes to 16 KiB at worst, a row a byte for its filter, chunks their frames.
    let raw = (3 * width + 1) * height
    let capacity = raw + raw / 64 + 4096
    var succeeded = false
    let file = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      var size = png_alloc_size_t(capacity)
      succeeded =
        png_image_write_to_memory(&image, buffer.baseAddress, &size, 0, pixels, 0, nil) != 0
      count = succeeded ? Int(size) : 0
    }
    guard succeeded else {
      throw FileError(path: "picture", problem: "cannot become a PNG: \(message(of: image))")
    }
    return file
  }
}

private let gray = png_uint_32(PNG_FORMAT_GRAY)
private let rgb = png_uint_32(PNG_FORMAT_FLAG_COLOR)

/// Whether chunk follows chunk up to the last one, `IEND`: libpng stops caring after the pixels.
private func hasAllChunks(_ bytes: [UInt8]) -> Bool {
  var position = pngSignature.count
  while bytes.count - position >= 12 {
    let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - position - 12 else { return false }
    if bytes[(position + 4)...].starts(with: Array("IEND".utf8)) { return true }
    position += 12 + length
  }
  return false
}

private func message(of image: png_image) -> String {
  withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
