import CTurboJPEG

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
) throws(PictureError) -> Picture {
  guard let decoder = tjInitDecompress() else {
    throw PictureError(name: name, problem: "the JPEG decoder has no memory")
  }
  defer { tjDestroy(decoder) }
  func failure() -> PictureError {
    let reason = tjGetErrorStr2(decoder).map { String(cString: $0) } ?? "unknown"
    return PictureError(name: name, problem: "truncated or damaged JPEG: \(reason)")
  }

  var (width, height, subsampling, colours) = (Int32(0), Int32(0), Int32(0), Int32(0))
  let length = UInt(bytes.count)
  guard
    tjDecompressHeader3(decoder, bytes, length, &width, &height, &subsampling, &colours) == 0
  else { throw failure() }
  guard colours != TJCS_CMYK.rawValue, colours != TJCS_YCCK.rawValue else {
    throw PictureError(
      name: name, problem: "the JPEG holds printing colours (CMYK); RGB and gray are read")
  }
  try Picture.check(height: Int(height), width: Int(width), name: name)

  // The limit of scans: a progressive file may hold any number, each of which goes over the picture.
  let flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
  // Nothing else is asked for: the decoder then is libjpeg's default, and so Caffe's.
  let count = (inGray ? 1 : 3) * Int(height) * Int(width)
  let format = inGray ? TJPF_GRAY : TJPF_RGB
  // In the size of the picture and without gaps between rows, the decoder writes `count` bytes.
  var succeeded = false
  let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
    let status = tjDecompress2(
      decoder, bytes, length, buffer.baseAddress, width, 0, height, format.rawValue, flags)
    succeeded = status == 0
    used = succeeded ? count : 0
  }
  guard succeeded else { throw failure() }
  return Picture(
    unchecked: inGray ? pixels.flatMap { [$0, $0, $0] } : pixels, height: Int(height),
    width: Int(width))
}

extension Picture {
  /// The content of a JPEG file of this picture, in the quality that OpenCV writes if not told
  /// otherwise: 95 of 100, colours at half the resolution.
  ///
  /// - Parameter inGray: whether to write the red channel alone, of a picture whose channels are
  ///   equal.
  /// - Throws: `PictureError` when the picture is larger than JPEG allows, or there is no memory.
  /// - Complexity: O(H·W).
  public func jpegEncoded(inGray: Bool = false) throws(PictureError) -> [UInt8] {
    guard let encoder = tjInitCompress() else {
      throw PictureError(name: "picture", problem: "the JPEG encoder has no memory")
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
      throw PictureError(name: "picture", problem: "cannot become a JPEG: \(reason)")
    }
    // The encoder's own memory, which `tjFree` gives back behind the copy.
    return Array(UnsafeBufferPointer(start: file, count: Int(length)))
  }
}
