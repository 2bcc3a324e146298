import Datasets
import Foundation
import TestTools
import Testing

/// What OpenCV reads in a file: B, G, R and gray, in hexadecimal.
private struct Reading: Codable, Equatable {
  var rows: Int
  var columns: Int
  var colour: String
  var gray: String
}

@Suite("Pictures of every kind are read byte for byte as OpenCV 4 reads them")
struct OddPictureTests {
  private let folder = fixture("pictures/odd")

  private func readings(_ json: Data) throws -> [String: Reading] {
    try JSONDecoder().decode([String: Reading].self, from: json)
  }

  private func stored() throws -> [String: Reading] {
    try readings(Data(contentsOf: folder.appending(path: "expected.json")))
  }

  private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// Gamma, colour spaces, depths, palettes, transparency, EXIF in both orders of bytes, printing colours.
  @Test func bytes() throws {
    let expected = try stored()
    #expect(expected.count == 67)
    for (name, reading) in expected {
      let file = [UInt8](try Data(contentsOf: folder.appending(path: name)))
      let colour = try Picture(decoding: file, name: name)
      let gray = try Picture(decoding: file, name: name, inGray: true)
      let blueFirst = stride(from: 0, to: colour.bytes.count, by: 3).flatMap {
        colour.bytes[$0..<$0 + 3].reversed()
      }
      let found = Reading(
        rows: colour.height, columns: colour.width, colour: hexadecimal(blueFirst),
        gray: hexadecimal(stride(from: 0, to: gray.bytes.count, by: 3).map { gray.bytes[$0] }))
      #expect(found == reading, "\(name)")
      #expect((gray.height, gray.width) == (colour.height, colour.width), "\(name)")
    }
  }

  @Test(
    .enabled(if: Python.withLibraries.has("cv2"), "run script/python to compare with OpenCV"))
  func expectationsAreOpenCVs() throws {
    let script = try String(contentsOf: folder.appending(path: "generate.py"), encoding: .utf8)
    let output = try #require(
      Python.withLibraries.output(of: script, "--expected", folder.path), "no output")
    #expect(try readings(Data(output.utf8)) == stored())
  }
}
