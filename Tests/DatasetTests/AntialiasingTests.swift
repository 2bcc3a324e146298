import Datasets
import Foundation
import NumPyFiles
import Tensors
import Testing
import WholeFiles

/// torchvision's pictures: what Pillow 13 and torchvision 0.28 made of four.
@Suite struct AntialiasingTests {
  struct Case: Decodable, CustomTestStringConvertible {
    var name: String
    var resizeShorterSide: Int
    var crop: Int
    var cropFrom: [Int]
    var testDescription: String { name }
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/interop/preprocess")

  private static let cases: [Case] = {
    struct List: Decodable { var cases: [Case] }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let data = try? Data(contentsOf: folder.appending(path: "cases.json"))
    return data.flatMap { try? decoder.decode(List.self, from: $0).cases } ?? []
  }()

  @Test func thereAreCases() { #expect(Self.cases.count == 4) }

  @Test(arguments: cases)
  func givesPillowsBytesAndTorchvisionsNumbers(test: Case) throws {
    let arrays = try NumPyArchive(contentsOf: Self.folder.appending(path: "expected.npz"))
    func array(_ name: String) throws -> NumPyArray { try #require(arrays["\(test.name)/\(name)"]) }
    let given = try array("picture")
    let picture = try Picture(
      height: given.shape[0], width: given.shape[1], bytes: given.bytes)
    var transformer = DataTransformer.torchvision
    transformer.cropSize = test.crop
    let resized = try transformer.resized(picture, to: test.resizeShorterSide)
    let expected = try array("resized")
    #expect([resized.height, resized.width, 3] == expected.shape.dimensions)
    #expect(resized.bytes == expected.bytes)
    let datum = Datum(resized)
    let centre = transformer.centre(of: datum)
    #expect([centre.top, centre.left] == test.cropFrom)
    let input = try transformer.tensor(datum)
    #expect(input.elements == (try array("input")).tensor(as: Float.self).elements)
    // Blue before green before red again, whole numbers but for rounding.
    let pixels = transformer.pixels(of: input)
    let middle = try DataTransformer(cropSize: test.crop).tensor(datum, placement: centre)
    #expect(pixels.largestDifference(to: middle) < 1e-4)
  }

  @Test func undoesCaffesTransformation() throws {
    let picture = try Picture(height: 2, width: 3, bytes: (0..<18).map { UInt8($0 * 13) })
    for mean in [.none, .perChannel([7]), .perChannel([104, 117, 123])] as [DataTransformer.Mean] {
      let transformer = DataTransformer(mean: mean, scale: 0.5)
      #expect(
        transformer.pixels(of: try transformer.tensor(Datum(picture)))
          == (try DataTransformer().tensor(Datum(picture))))
    }
  }

  /// A mirrored crop is the crop, turned over.
  @Test func mirrors() throws {
    let picture = try Picture(height: 5, width: 6, bytes: (0..<90).map { UInt8($0 * 2) })
    var transformer = DataTransformer.torchvision
    transformer.cropSize = 4
    var placement = transformer.centre(of: Datum(picture))
    let plain = try transformer.tensor(Datum(picture), placement: placement)
    placement.isMirrored = true
    let mirrored = try transformer.tensor(Datum(picture), placement: placement)
    for row in 0..<12 {
      #expect(
        Array(plain.elements[4 * row..<4 * row + 4])
          == mirrored.elements[4 * row..<4 * row + 4].reversed())
    }
  }

  @Test func keepsFlatColoursAndRefusesImpossibleSizes() throws {
    let flat = try Picture(height: 7, width: 3, bytes: [UInt8](repeating: 201, count: 63))
    let large = try flat.antialiased(height: 2, width: 11)
    #expect(large.bytes == [UInt8](repeating: 201, count: 66))
    #expect(try flat.antialiased(shorterSide: 3).bytes == flat.bytes)
    #expect(throws: FileError.self) { try flat.antialiased(height: 0, width: 5) }
    #expect(throws: FileError.self) { try flat.antialiased(shorterSide: 1 << 30) }
    let gray = try Datum(
      channels: 1, height: 4, width: 4, values: .bytes([UInt8](repeating: 0, count: 16)))
    #expect(throws: DatasetError.self) { try DataTransformer.torchvision.outputShape(for: gray) }
  }
}
