import Datasets
import Foundation
import Tensors
import Testing
import WholeFiles

@Suite struct PictureRefusalTests {
  @Test func otherFilesAreNamed() throws {
    func message(_ bytes: [UInt8]) -> String? {
      do throws(FileError) {
        _ = try Picture(decoding: bytes, name: "a.png")
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(message([]) == "a.png: the file is empty")
    #expect(message(Array("GIF89a".utf8)) == "a.png: this is neither a PNG nor a JPEG picture")
    let missing = #expect(throws: FileError.self) {
      try Picture(contentsOf: URL(filePath: "/nowhere/a.png"))
    }
    #expect(
      missing.map { "\($0)" } == "/nowhere/a.png: cannot be opened: No such file or directory")
    let folder = #expect(throws: FileError.self) {
      try Picture(contentsOf: FileManager.default.temporaryDirectory)
    }
    #expect(folder?.problem == "is a folder, not a file")
    let huge = #expect(throws: FileError.self) { try picture("huge.png") }
    #expect(huge?.problem == "100000×100000 pixels are more than the 67108864 allowed")
  }

  @Test func jpegHasALargestSide() throws {
    let long = try Picture(height: 1, width: 65536, bytes: Array(repeating: 0, count: 3 * 65536))
    let error = #expect(throws: FileError.self) { try long.jpegEncoded() }
    #expect(error?.problem.hasPrefix("cannot become a JPEG: ") == true)
  }

  @Test func picturesNeedTheirBytes() {
    #expect(throws: FileError.self) { try Picture(height: 2, width: 2, bytes: [1, 2, 3]) }
    #expect(throws: FileError.self) { try Picture(height: 0, width: 2, bytes: []) }
    #expect(throws: FileError.self) { try Picture(height: .max, width: 3, bytes: []) }
  }

  @Test(arguments: [
    "colour.png", "small_palette.png", "jpeg_420.jpg", "jpeg_progressive.jpg", "jpeg_gray.jpg",
  ])
  func everyTruncationIsAnError(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture("pictures/\(name)")))
    for length in 0..<whole.count {
      #expect(throws: FileError.self, "\(length) of \(whole.count) bytes") {
        try Picture(decoding: Array(whole.prefix(length)))
      }
    }
  }

  /// Whatever the bytes are, reading returns or throws; a returned picture has its bytes.
  @Test(arguments: [
    "colour.png", "small_palette.png", "small_16bit.png", "jpeg_420.jpg", "jpeg_progressive.jpg",
  ])
  func mutatedFilesNeverTrap(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture("pictures/\(name)")))
    var generator = SplitMix64(seed: 1989)
    var refused = 0
    for _ in 0..<2000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        let end = min(bytes.count, position + 8)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes.insert(contentsOf: Array(bytes[position..<end]), at: position)
        default: bytes[position] = [0, 0xFF].randomElement(using: &generator) ?? 0
        }
      }
      do throws(FileError) {
        let read = try Picture(decoding: bytes)
        #expect(read.bytes.count == 3 * read.height * read.width)
      } catch {
        refused += 1
      }
    }
    #expect(refused > 200)  // PNG has checksums everywhere; JPEG notices less
  }
}
