import Datasets
import WholeFiles

/// Reads a picture in colour and in gray, and writes it again.
func readPicture(_ bytes: [UInt8]) throws {
  for inGray in [false, true] {
    guard
      let picture = try accepted({ () throws(FileError) in
        try Picture(decoding: bytes, name: inputName, inGray: inGray)
      })
    else { continue }
    let (height, width) = (picture.height, picture.width)
    try promise(
      picture.bytes.count == 3 * height * width && height * width <= Picture.largestPixelCount,
      "\(picture.bytes.count) bytes for \(height)×\(width) pixels")
    // Large ones take most of the time and tell nothing new.
    guard height * width <= 1 << 14 else { continue }
    let again = try Picture(decoding: try picture.pngEncoded(inGray: inGray))
    try promise(again == picture, "another picture after writing and reading")
    _ = try Picture(decoding: try picture.jpegEncoded(inGray: inGray))
  }
}
