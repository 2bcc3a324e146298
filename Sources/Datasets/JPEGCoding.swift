import CTurboJPEG
import WholeFiles

/// The picture in a JPEG file.
///
/// The decoder's warnings are errors here: a truncated file is only worth a warning to it, and
/// gives a picture whose rest is gray.
///
/// - Parameters:
///   - bytes: the whole file.
///   - name: what error messages call it.
///   - inGray: whether to take the luminance that the file stores, and not its colours.
func decodedJPEG(
  _ bytes: [UInt8], name: String, inGray: Bool = false
) throws(FileError) -> Picture {
  guard let decoder = tjInitDecompress() else {
    throw FileError(path: name, problem: "the JPEG decoder has no memory")
  }
  defer { tjDestroy(decoder) }
  func failure() -> FileError {
    let reason = tjGetErrorStr2(decoder).map { String(cString: $0) } ?? "unknown"
    return FileError(path: name, problem: "truncated or damaged JPEG: \(reason)")
  }

  var (width, height, subsampling, colours) = (Int32(0), Int32(0), Int32(0), Int32(0))
  let length = UInt(bytes.count)
  guard
    tjDecompressHeader3(decoder, bytes, length, &width, &height, &subsampling, &colours) == 0
  else { throw failure() }
  try Picture.check(height: Int(height), width: Int(width), name: name)

  // The limit of scans: a progressive file may hold any number, each of which goes over the picture.
  let flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
  // Nothing else is asked for: the decoder then is libjpeg's default, and so Caffe's.
  let isPrinted = colours == TJCS_CMYK.rawValue || colours == TJCS_YCCK.rawValue
  let format = isPrinted ? TJPF_CMYK : inGray ? TJPF_GRAY : TJPF_RGB
  let count = (isPrinted ? 4 : inGray ? 1 : 3) * Int(height) * Int(width)
  // In the size of the picture and without gaps between rows, the decoder writes `count` bytes.
  var succeeded = false
  var pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
    let status = tjDecompress2(
      decoder, bytes, length, buffer.baseAddress, width, 0, height, format.rawValue, flags)
    succeeded = status == 0
    used = succeeded ? count : 0
  }
  guard succeeded else { throw failure() }
  if isPrinted {
    pixels = printed(pixels, inGray: inGray)
  } else if inGray {
    pixels = pixels.flatMap { [$0, $0, $0] }
  }
  return Picture(unchecked: pixels, height: Int(height), width: Int(width))
    .turned(by: Orientation(jpeg: bytes))
}

/// Red, green and blue of printing colours, in three equal channels if in gray, as OpenCV computes them
/// (`utils.cpp`, `icvCvt_CMYK2BGR_8u_C4C3R` and `icvCvt_CMYK2Gray_8u_C4C1R`). 255 is no ink.
private func printed(_ inks: [UInt8], inGray: Bool) -> [UInt8] {
  var pixels: [UInt8] = []
  pixels.reserveCapacity(inks.count / 4 * 3)
  for start in stride(from: 0, to: inks.count, by: 4) {
    let black = Int(inks[start + 3])
    let colours = (0..<3).map { black - ((255 - Int(inks[start + $0])) * black) >> 8 }
    if inGray {
      // 0.299, 0.587 and 0.114 in parts of 2¹⁴, rounded.
      let sum = 4899 * colours[0] + 9617 * colours[1] + 1868 * colours[2]
      pixels += Array(repeating: UInt8((sum + 1 << 13) >> 14), count: 3)
    } else {
      pixels += colours.map { UInt8($0) }
    }
  }
  return pixels
}

extension Picture {
  /// The content of a JPEG file of this picture, in the quality that OpenCV writes if not told
  /// otherwise: 95 of 100, colours at half the resolution.
  ///
  /// - Parameter inGray: whether to write the red channel alone, of a picture whose channels are
  ///   equal.
  /// - Throws: `FileError` when the picture is larger than JPEG allows, or there is no memory.
  /// - Complexity: O(H·W).
  public func jpegEncoded(inGray: Bool = false) throws(FileError) -> [UInt8] {
    guard let encoder = tjInitCompress() else {
      throw FileError(path: "picture", problem: "the JPEG encoder has no memory")
    }
    defer { tjDestroy(encoder) }
    let pixels = inGray ? redPlane : bytes
    var file: UnsafeMutablePointer<UInt8>?
    var length: UInt = 0
    defer { tjFree(file) }
    let status = tjCompress2(
      encoder, pixels, Int32(width), 0, Int32(height), (inGray ? TJPF_GRAY : TJPF_RGB).rawValue,
      &file, &length, Int32((inGray ? TJSAMP_GRAY : TJSAMP_420).rawValue), 95, TJFLAG_ACCURATEDCT)
    guard status == 0, let file else {
      let reason = tjGetErrorStr2(encoder).map { String(cString: $0) } ?? "unknown"
      throw FileError(path: "picture", problem: "cannot become a JPEG: \(reason)")
    }
    // The encoder's own memory, which `tjFree` gives back behind the copy.
    return Array(UnsafeBufferPointer(start: file, count: Int(length)))
  }
}
