import CaffeFormats
import Foundation
import Tensors
import Testing

@Suite("The bytes in Docs")
struct BytesTests {
  /// The bytes of a block: pairs of hexadecimal digits, up to the two spaces before a remark.
  private func bytes(_ block: Document.Block) throws -> [UInt8] {
    try block.lines.flatMap { line in
      let end = line.range(of: "  ")?.lowerBound ?? line.endIndex
      return try line[..<end].split(separator: " ").map { try #require(UInt8($0, radix: 16)) }
    }
  }

  @Test("of a mean image are what the chapter reads in them")
  func mean() throws {
    let blocks = Document.all.flatMap { $0.blocks("bytes") }
    #expect(blocks.map(\.argument) == ["mean"])
    let file = FileManager.default.temporaryDirectory
      .appending(path: "docs-mean-\(UUID().uuidString).binaryproto")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(bytes(try #require(blocks.first))).write(to: file)
    #expect(try MeanImage.read(file) == Tensor<Float>(Shape(1, 1, 2), [1, -2]))
  }
}
