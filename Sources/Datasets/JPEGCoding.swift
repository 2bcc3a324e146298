import CTurboJPEG

/// The picture in a JPEG file.
///
/// The decoder's warnings are errors here: a truncated file is only worth a warning to it, and
/// gives a picture whose rest is gray.
func decodedJPEG(_ bytes: [UInt8], name: String) throws(PictureError) -> Picture {
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

  // The limit of scans keeps a small progressive file from taking minutes.
  let flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
  let count = 3 * Int(height) * Int(width)
  var succeeded = false
  let pixels = [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
    let status = tjDecompress2(
      decoder, bytes, length, buffer.baseAddress, width, 0, height, Int32(TJPF_RGB.rawValue), flags)
    succeeded = status == 0
    used = succeeded ? count : 0
  }
  guard succeeded else { throw failure() }
  return Picture(unchecked: pixels, height: Int(height), width: Int(width))
}
