import CaffeFormats
import CaffeTools
import Datasets
import Foundation
import Testing

@testable import walkthrough

private let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Fixtures")

@Suite("walkthrough classify")
struct ClassifyTests {
  private let tiny = fixtures.appending(path: "caffe/tiny35")
  private let picture = fixtures.appending(path: "pictures/resized_64x64.png")

  private func classifier(
    labels: [String]? = nil, weights: String = "weights.caffemodel",
    _ preparation: Classifier.Preparation = .init(resize: 40)
  ) throws -> Classifier {
    try Classifier(
      net: tiny.appending(path: "net.prototxt"), weights: tiny.appending(path: weights),
      labels: labels, preparation: preparation)
  }

  @Test("gives every class a probability, the likeliest first")
  func probabilities() throws {
    let found = try classifier().predictions(for: picture, count: 10)
    #expect(found.map(\.probability) == found.map(\.probability).sorted(by: >))
    #expect(abs(found.reduce(0) { $0 + $1.probability } - 1) < 1e-5)  // ten roundings of a Float
    #expect(Set(found.map(\.index)) == Set(0..<10))
    #expect(found[0].name == "class \(found[0].index)")
  }

  @Test("reads the weights of 2014 as those of today")
  func oldWeights() throws {
    #expect(
      try classifier(weights: "weights_v1.caffemodel").predictions(for: picture, count: 3)
        == classifier().predictions(for: picture, count: 3))
  }

  @Test("averages ten crops: of a picture without corners, they are all alike")
  func tenCrop() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).png")
    defer { try? FileManager.default.removeItem(at: folder) }
    try Picture(height: 50, width: 60, bytes: Array(repeating: 90, count: 9000))
      .writePNG(to: folder)
    let one = try classifier().predictions(for: folder, count: 1)
    let ten = try classifier(.init(resize: 40, tenCrop: true)).predictions(for: folder, count: 1)
    #expect(one[0].index == ten[0].index)
    #expect(abs(one[0].probability - ten[0].probability) < 1e-5)
    // A real picture's corners differ from its middle.
    let middle = try classifier().predictions(for: picture, count: 10)
    let average = try classifier(.init(resize: 40, tenCrop: true)).predictions(
      for: picture, count: 10)
    #expect(middle != average)
  }

  @Test("refuses labels and means that don't fit")
  func refusals() throws {
    let few = #expect(throws: CaffeFileError.self) { try classifier(labels: ["a", "b"]) }
    #expect(few?.problem == "tells 10 classes apart, but there are 2 labels")
    let small = #expect(throws: CaffeFileError.self) { try classifier(.init(resize: 20)) }
    #expect(small?.problem.contains("resizing to 20 is too small") == true)
    #expect(throws: PictureError.self) {
      try classifier().predictions(for: tiny.appending(path: "net.prototxt"), count: 1)
    }
  }

  @Test("shows bars")
  func text() {
    let result = Classify.Result(
      image: "cat.png",
      predictions: [
        .init(index: 1, name: "tabby", probability: 0.75),
        .init(index: 0, name: "pug", probability: 0.25),
      ])
    let terminal = Terminal(width: 80, isStyled: false, isInteractive: false)
    #expect(
      result.lines(terminal) == [
        "cat.png",
        "  ███████████████░░░░░  75.0 %  tabby",
        "  █████░░░░░░░░░░░░░░░  25.0 %  pug",
      ])
  }
}
