import CPNG

let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

// libpng's older functions report errors by longjmp, which must not cross Swift's frames. The
// functions of its simplified API, used here, return them.

/// The picture in a PNG file.
func decodedPNG(_ bytes: [UInt8], name: String) throws(PictureError) -> Picture {
  guard hasAllChunks(bytes) else {
    throw PictureError(name: name, problem: "truncated or damaged PNG: its last chunk is missing")
  }
  var image = png_image()
  // libpng remembers from one call to the next where the file and the image lie.
  var pixels = try bytes.withUnsafeBufferPointer { file throws(PictureError) in
    try withUnsafeMutablePointer(to: &image) { image throws(PictureError) in
      try decodedPixels(file, image, name: name)
    }
  }
  let (height, width) = (Int(image.height), Int(image.width))
  // To 3·i + channel from 4·i + channel, which is no earlier; there are 4·H·W bytes.
  pixels.withUnsafeMutableBufferPointer { buffer in
    for i in 0..<height * width {
      for channel in 0..<3 { buffer[3 * i + channel] = buffer[4 * i + channel] }
    }
  }
  pixels.removeLast(height * width)
  return Picture(unchecked: pixels, height: height, width: width)
}

/// The pixels of a PNG file in red, green, blue and alpha; the image then knows its height and width.
private func decodedPixels(
  _ file: UnsafeBufferPointer<UInt8>, _ image: UnsafeMutablePointer<png_image>, name: String
) throws(PictureError) -> [UInt8] {
  func failure() -> PictureError {
    PictureError(
      name: name, problem: "truncated or damaged PNG: \(message(of: image.pointee))")
  }
  image.pointee.version = png_uint_32(PNG_IMAGE_VERSION)
  defer { png_image_free(image) }
  guard png_image_begin_read_from_memory(image, file.baseAddress, file.count) != 0 else {
    throw failure()
  }
  let (height, width) = (Int(image.pointee.height), Int(image.pointee.width))
  try Picture.check(height: height, width: width, name: name)

  // With alpha as a fourth channel libpng leaves the colours as they are stored. Without the flag
  // it would take 16-bit pictures to be linear light.
  image.pointee.format = rgba
  image.pointee.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
  // Four bytes a pixel and no gaps between rows.
  var succeeded = false
  let pixels = [UInt8](unsafeUninitializedCapacity: 4 * height * width) { buffer, count in
    succeeded = png_image_finish_read(image, nil, buffer.baseAddress, 0, nil) != 0
    count = succeeded ? 4 * height * width : 0
  }
  guard succeeded else { throw failure() }
  return pixels
}

extension Picture {
  /// The content of a PNG file of this picture, 8 bits a channel.
  ///
  /// - Parameter inGray: whether to write the red channel alone, of a picture whose channels are
  ///   equal.
  /// - Throws: `PictureError` when libpng runs out of memory.
  /// - Complexity: O(H·W); sets aside as much memory as the bare pixels take.
  public func pngEncoded(inGray: Bool = false) throws(PictureError) -> [UInt8] {
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
      throw PictureError(name: "picture", problem: "cannot become a PNG: \(message(of: image))")
    }
    return file
  }
}

private let gray = png_uint_32(PNG_FORMAT_GRAY)
private let rgb = png_uint_32(PNG_FORMAT_FLAG_COLOR)
private let rgba = png_uint_32(PNG_FORMAT_FLAG_COLOR) | png_uint_32(PNG_FORMAT_FLAG_ALPHA)

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
