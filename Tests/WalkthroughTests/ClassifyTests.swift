import CaffeFormats
import CaffeTools
import Datasets
import Foundation
import Testing
import WholeFiles

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

  /// `golden.py` takes the steps of Caffe's two programs with OpenCV and scikit-image.
  @Test(
    "prepares pictures as either of Caffe's programs does",
    arguments: [
      ("classification, values", Classifier.Preparation(preprocessing: .classification)),
      (
        "classification, image",
        .init(preprocessing: .classification, mean: .file(Self.golden("mean.binaryproto")))
      ),
      ("classify.py, values", .init(mean: PictureMean("104, 117,123"))),
      ("classify.py, image", .init(mean: .file(Self.golden("mean.npy")))),
      ("classify.py, image", .init(resize: 27, mean: .file(Self.golden("mean.binaryproto")))),
      ("classify.py, ten crops", .init(mean: .file(Self.golden("mean.npy")), tenCrop: true)),
      ("classify.py, larger", .init(resize: 90, mean: .file(Self.golden("mean.npy")))),
    ])
  func preprocessing(name: String, preparation: Classifier.Preparation) throws {
    let all = try JSONDecoder().decode(
      [String: [Float]].self, from: Data(contentsOf: Self.golden("golden.json")))
    let expected = try #require(all[name])
    let classifier = try Classifier(
      net: Self.golden("d.prototxt"), weights: Self.golden("w.caffemodel"),
      preparation: preparation)
    let found = try classifier.predictions(for: Self.golden("a.png"), count: 4)
      .sorted { $0.index < $1.index }.map(\.probability)
    // Scores are sums of 1,728 products of some 100 in single precision.
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 2e-5, "\(found), \(expected)") }
    #expect(found.count == 4)
  }

  private static func golden(_ name: String) -> URL {
    fixtures.appending(path: "caffe/situations/classify").appending(path: name)
  }

  @Test("takes a mean as numbers or as a file")
  func means() {
    #expect(PictureMean("104,117,123") == .values([104, 117, 123]))
    #expect(PictureMean("-3.5") == .values([-3.5]))
    #expect(PictureMean("mean.npy") == .file(URL(filePath: "mean.npy")))
    let few = #expect(throws: CaffeFileError.self) { try classifier(.init(mean: .values([1, 2]))) }
    #expect(few?.description == "--mean: has 2 values; the network takes 3 channels")
    let wrong = #expect(throws: CaffeFileError.self) { try classifier(.init(mean: .file(picture))) }
    #expect(wrong?.problem == "is a picture (PNG or JPEG)")
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
    #expect(throws: FileError.self) {
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
