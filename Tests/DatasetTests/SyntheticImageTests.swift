import Datasets
import Foundation
import Tensors
import Testing

/// The 64-bit FNV-1a hash of bytes.
private func digest(_ bytes: [UInt8]) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
}

@Suite struct SyntheticImageTests {
  /// A change of these numbers is a change of everybody's data: pictures trained on yesterday are
  /// others today. They hold on every platform.
  @Test func picturesAreTheSameEverywhere() throws {
    let small = try SyntheticImages(seed: 2012, side: 48)
    #expect(digest((0..<40).flatMap { small.picture($0).bytes }) == 12_019_072_961_789_361_649)
    #expect(
      (0..<20).map { small.label($0) }
        == [1, 0, 7, 6, 9, 5, 8, 3, 4, 2, 6, 8, 5, 1, 3, 7, 2, 0, 4, 9])
    let large = try SyntheticImages(seed: 1)
    #expect(digest(large.picture(1_000_000).bytes) == 15_440_762_673_964_078_361)
  }

  @Test func neitherOrderNorThreadMatters() async throws {
    let images = try SyntheticImages(seed: 3, side: 32)
    let forwards = (0..<30).map { images.picture($0) }
    let backwards = (0..<30).reversed().map { images.picture($0) }
    #expect(forwards == backwards.reversed())
    let concurrently = await withTaskGroup(of: (Int, Picture).self) { group in
      for i in 0..<30 { group.addTask { (i, images.picture(i)) } }
      return await group.reduce(into: [Int: Picture]()) { $0[$1.0] = $1.1 }
    }
    #expect((0..<30).map { concurrently[$0] } == forwards)
  }

  @Test func picturesDifferBySeedAndIndex() throws {
    let one = try SyntheticImages(seed: 1, side: 32)
    let two = try SyntheticImages(seed: 2, side: 32)
    var seen = Set<UInt64>()
    for i in -50..<50 {
      seen.insert(digest(one.picture(i).bytes))
      seen.insert(digest(two.picture(i).bytes))
    }
    #expect(seen.count == 200)
    #expect((0..<100).map { one.label($0) } != (0..<100).map { two.label($0) })
  }

  @Test func everyTenHoldEachClassOnce() throws {
    let images = try SyntheticImages(seed: 5)
    for block in -20..<20 {
      #expect((0..<10).map { images.label(10 * block + $0) }.sorted() == Array(0..<10))
    }
    #expect((0..<10).contains(images.label(.min)))
    #expect((0..<10).contains(images.label(.max)))
    #expect(SyntheticImages.classNames.count == 10)
    #expect(Set(SyntheticImages.classNames).count == 10)
  }

  @Test func datumsHoldThePictureAndItsLabel() throws {
    let images = try SyntheticImages(seed: 5, side: 20)
    let datum = images.datum(3)
    #expect(datum == Datum(images.picture(3), label: images.label(3)))
    #expect((datum.channels, datum.height, datum.width) == (3, 20, 20))
  }

  @Test func anySideCanBeDrawn() throws {
    for side in [1, 2, 3, 31, 99] {
      let images = try SyntheticImages(seed: 5, side: side)
      for i in 0..<10 { #expect(images.picture(i).bytes.count == 3 * side * side) }
    }
    for side in [0, -1, .min, .max] {
      #expect(throws: DatasetError.self) { try SyntheticImages(seed: 5, side: side) }
    }
  }
}
