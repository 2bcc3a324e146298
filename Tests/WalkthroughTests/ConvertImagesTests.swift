import Datasets
import Foundation
import Testing

@testable import walkthrough

private let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Fixtures")

@Suite("walkthrough convert-images and mean")
final class ConvertImagesTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "convert-\(UUID())")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func convert(_ list: String, _ options: String...) throws -> DatumDatabase {
    let file = folder.appending(path: "list.txt")
    try Data(list.utf8).write(to: file)
    let database = folder.appending(path: "db-\(UUID())").path
    let pictures = fixtures.appending(path: "pictures").path
    var command = try Walkthrough.parseAsRoot(
      ["convert-images", file.path, pictures, database] + options)
    try command.run()
    return try DatumDatabase(database)
  }

  private func picture(_ name: String) throws -> Picture {
    try Picture(contentsOf: fixtures.appending(path: "pictures/\(name)"))
  }

  private static let list = "colour.png 3\n\nsmall.png  -1 \njpeg_420.jpg 7\n"

  @Test("keeps the list's order, keys and labels")
  func raw() throws {
    let database = try convert(Self.list)
    #expect(database.count == 3)
    #expect(
      (0..<3).map { String(decoding: database.key($0), as: UTF8.self) }
        == ["00000000_colour.png", "00000001_small.png", "00000002_jpeg_420.jpg"])
    #expect(try database.datum(0) == Datum(picture("colour.png"), label: 3))
    #expect(try database.datum(1) == Datum(picture("small.png"), label: -1))
    #expect(try database.datum(2) == Datum(picture("jpeg_420.jpg"), label: 7))
  }

  @Test("resizes, as OpenCV does")
  func resized() throws {
    let database = try convert("colour.png 0\n", "--resize-height", "20", "--resize-width", "31")
    #expect(try database.datum(0) == Datum(picture("resized_20x31.png")))
  }

  @Test("keeps files that are compressed already, byte for byte")
  func encoded() throws {
    let database = try convert("jpeg_420.jpg 5\n", "--encoded")
    let file = try Data(contentsOf: fixtures.appending(path: "pictures/jpeg_420.jpg"))
    let value = try database.value(0)
    #expect(Data(value).range(of: file) != nil)
    #expect(try database.datum(0) == Datum(picture("jpeg_420.jpg"), label: 5))
    let png = try convert("colour.png 5\n", "--encode-type", "png", "--resize-width", "80")
    #expect(
      try png.datum(0) == Datum(picture("colour.png").resized(height: 37, width: 80), label: 5))
    let jpg = try convert("colour.png 5\n", "--encode-type", "jpg")
    #expect(try (jpg.datum(0).height, jpg.datum(0).width) == (37, 53))
  }

  @Test("makes one plane of gray")
  func gray() throws {
    for options in [["--gray"], ["--gray", "--encode-type", "png"]] {
      let database =
        try options.count == 1
        ? convert("colour.png 2\n", "--gray")
        : convert("colour.png 2\n", "--gray", "--encode-type", "png")
      let datum = try database.datum(0)
      #expect((datum.channels, datum.height, datum.width) == (1, 37, 53))
      guard case .bytes(let bytes) = datum.values else { continue }
      let (red, green, blue) = try picture("colour.png")[5, 7]
      // OpenCV's weights for a PNG, cut off.
      #expect(
        Int(bytes[5 * 53 + 7])
          == (9797 * Int(red) + 19234 * Int(green) + 3737 * Int(blue)) >> 15)
    }
  }

  @Test("shuffles by the seed")
  func shuffled() throws {
    let list = (0..<20).map { "small.png \($0)\n" }.joined()
    func labels(_ seed: String) throws -> [Int] {
      let database = try convert(list, "--shuffle", "--seed", seed)
      return try (0..<20).map { try database.datum($0).label }
    }
    let one = try labels("1")
    #expect(one.sorted() == Array(0..<20))
    #expect(try one == labels("1"))
    #expect(try one != labels("2"))
  }

  @Test(
    "names list and line of what is wrong, and leaves no database",
    arguments: [
      ("colour.png\n", [], "list.txt:1: \"colour.png\" must be a file and, behind a space"),
      ("small.png 1\nnone.png 2\n", [], "list.txt:2: "),
      ("small.png 1\nhuge.png 2\n", [], "100000×100000 pixels are more than"),
      ("small.png 1\ncolour.png 2\n", ["--check-size"], "list.txt:2: colour.png has 3×37×53"),
      ("\n", [], "the list is empty"),
    ] as [(String, [String], String)])
  func refusals(list: String, options: [String], problem: String) throws {
    let error = #expect(throws: DatasetError.self) {
      _ = try options.isEmpty ? convert(list) : convert(list, options[0])
    }
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["list.txt"])
  }

  @Test("passes over what is unreadable only when asked to")
  func skipping() throws {
    let database = try convert("none.png 1\nsmall.png 2\n", "--skip-unreadable")
    #expect(database.count == 1)
    #expect(String(decoding: database.key(0), as: UTF8.self) == "00000000_small.png")
  }

  @Test("computes Caffe's mean, byte for byte")
  func mean() throws {
    let file = folder.appending(path: "mean.binaryproto")
    var command = try Walkthrough.parseAsRoot([
      "mean", fixtures.appending(path: "caffe/lmdb/raw_lmdb").path, file.path,
    ])
    try command.run()
    #expect(
      try Data(contentsOf: file)
        == Data(contentsOf: fixtures.appending(path: "caffe/lmdb/mean.binaryproto")))
  }
}
