import Datasets
import Foundation
import Tensors
import Testing

@Suite struct ListedPicturesTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  /// A list of one picture, with its line as the label.
  private func list(_ count: Int, shuffledBy seed: UInt32? = nil) throws -> ListedPictures {
    let lines = (0..<count).map { "small.png \($0)" }.joined(separator: "\n")
    try Data(lines.utf8).write(to: URL(filePath: folder.path("list.txt")))
    return try ListedPictures(
      URL(filePath: folder.path("list.txt")), folder: fixture("pictures").path + "/",
      shuffledBy: seed.map { MersenneTwister(seed: $0) })
  }

  /// `orders.cpp` prints the orders with Boost's own generator and distribution.
  @Test func ordersAreCaffes() throws {
    let lines = try String(contentsOf: fixture("caffe/shuffle/orders.txt"), encoding: .utf8)
      .split(separator: "\n")
    #expect(lines.count == 45)
    for line in lines {
      let parts = line.split(separator: ":")
      let numbers = parts[0].split(separator: " ").compactMap { Int($0) }
      let (count, epoch) = (numbers[1], numbers[2])
      let pictures = try list(count, shuffledBy: UInt32(numbers[0]))
      let order = try (0..<count).map { try pictures.datum(epoch * count + $0).label }
      #expect(order == parts[1].split(separator: " ").compactMap { Int($0) }, "\(line)")
    }
  }

  @Test func anEarlierEpochComesBackAsItWas() throws {
    let pictures = try list(7, shuffledBy: 3)
    let first = try (0..<30).map { try pictures.datum($0).label }
    #expect(try (0..<30).reversed().map { try pictures.datum($0).label } == first.reversed())
    #expect(first[0..<7] != first[7..<14])
    let plain = try list(7)
    #expect(try (0..<9).map { try plain.datum($0).label } == [0, 1, 2, 3, 4, 5, 6, 0, 1])
  }

  @Test func picturesAreResizedAndGray() throws {
    let url = URL(filePath: folder.path("list.txt"))
    try Data("colour.png 4\n".utf8).write(to: url)
    let root = fixture("pictures").path + "/"
    let resized = try ListedPictures(url, folder: root, size: (20, 31)).datum(0)
    #expect(resized == Datum(try picture("resized_20x31.png"), label: 4))
    let gray = try ListedPictures(url, folder: root, isGray: true).datum(0)
    #expect((gray.channels, gray.height, gray.width) == (1, 37, 53))
  }

  @Test func anErrorNamesListLineAndFile() throws {
    let url = URL(filePath: folder.path("list.txt"))
    try Data("\nmissing.png 4\n".utf8).write(to: url)
    let pictures = try ListedPictures(url)
    let error = #expect(throws: DatasetError.self) { try pictures.datum(0) }
    #expect(
      error?.description
        == "\(url.relativePath):2: missing.png: cannot be opened: No such file or directory")
    #expect(pictures.name(ofRecord: 1) == "\(url.relativePath):2, missing.png")
  }
}
