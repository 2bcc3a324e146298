import Datasets
import Testing
import WholeFiles

@Suite struct ResizingTests {
  @Test(arguments: [(64, 64), (20, 31), (37, 80), (9, 53), (256, 256), (1, 1), (100, 7)])
  func resizingIsThatOfOpenCV(height: Int, width: Int) throws {
    let resized = try picture("colour.png").resized(height: height, width: width)
    let expected = try picture("resized_\(height)x\(width).png")
    #expect(resized.height == height)
    #expect(resized.width == width)
    let equal = resized == expected
    #expect(equal, "off by up to \(largestDifference(resized, expected))")
  }

  @Test func halvingIsThatOfOpenCV() throws {
    let halved = try picture("even.png").resized(height: 18, width: 26)
    let equal = try halved == picture("resized_18x26.png")
    #expect(equal)
  }

  @Test func sameSizeIsTheSamePicture() throws {
    let colour = try picture("colour.png")
    let equal = try colour.resized(height: 37, width: 53) == colour
    #expect(equal)
  }

  @Test(arguments: [(0, 5), (5, -1), (1 << 20, 1 << 20), (.max, .max)])
  func impossibleSizesAreRefused(height: Int, width: Int) throws {
    let colour = try picture("colour.png")
    #expect(throws: FileError.self) { try colour.resized(height: height, width: width) }
  }
}
