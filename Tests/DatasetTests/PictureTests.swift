import Datasets
import Foundation
import Tensors
import Testing
import WholeFiles

@Suite struct PictureTests {
  @Test func everyKindOfPNGIsRead() throws {
    let small = try picture("small.png")
    #expect((small.height, small.width) == (3, 4))
    // OpenCV wrote B 20, G 200, R 90 into the right half.
    #expect(small[2, 2] == (90, 200, 20))
    // Transparency is ignored, and 16 bits of 257·v are 8 bits of v.
    for name in ["small_alpha.png", "small_16bit.png"] {
      let equal = try picture(name) == small
      #expect(equal, "\(name)")
    }
    let gray = try picture("small_gray.png")
    #expect(gray[0, 0] == (small[0, 0].blue, small[0, 0].blue, small[0, 0].blue))
    let palette = try picture("small_palette.png")
    #expect(palette[0, 0] == (255, 0, 0))
    #expect(palette[0, 1] == (0, 255, 0))
    #expect(palette[1, 0] == (10, 20, 30))
  }

  @Test(arguments: ["420", "444", "progressive", "gray"])
  func everyKindOfJPEGIsRead(kind: String) throws {
    let jpeg = try picture("jpeg_\(kind).jpg")
    let expected = try picture("jpeg_\(kind).png")
    #expect((jpeg.height, jpeg.width) == (expected.height, expected.width))
    // Releases of libjpeg differ by a step in the merging of chroma samples.
    #expect(largestDifference(jpeg, expected) <= 1)
  }

  @Test func theContentDecidesNotTheName() throws {
    let bytes = [UInt8](try Data(contentsOf: fixture("pictures/jpeg_444.jpg")))
    let equal = try Picture(decoding: bytes, name: "liar.png") == picture("jpeg_444.jpg")
    #expect(equal)
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "png-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "a.png")
    // Noise, which deflate cannot shrink, shows that there is room for the file.
    var generator = SplitMix64(seed: 1)
    for (height, width) in [(1, 1), (37, 53), (300, 1), (2, 700), (256, 256)] {
      let noise = try Picture(
        height: height, width: width,
        bytes: (0..<3 * height * width).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
      try noise.writePNG(to: file)
      let equal = try Picture(contentsOf: file) == noise
      #expect(equal, "\(height)×\(width)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.png"])
    #expect(throws: FileError.self) {
      try picture("small.png").writePNG(to: folder.appending(path: "missing/a.png"))
    }
  }

  @Test func partsAreCut() throws {
    let colour = try picture("colour.png")
    let centre = try colour.centreCrop(32)  // rows from ⌊5/2⌋, columns from ⌊21/2⌋
    #expect((centre.height, centre.width) == (32, 32))
    #expect(centre[0, 0] == colour[2, 10])
    #expect(centre[31, 31] == colour[33, 41])
    #expect(colour.mirrored()[5, 0] == colour[5, 52])
    let twice = colour.mirrored().mirrored() == colour
    #expect(twice)
    for side in [0, -1, 38, .max] {
      #expect(throws: FileError.self) { try colour.centreCrop(side) }
    }
    #expect(throws: FileError.self) {
      try colour.cropped(top: .max, left: 0, height: 1, width: 1)
    }
  }
}
