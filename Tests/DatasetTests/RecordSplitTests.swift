import Datasets
import Testing

@Suite("A set cut in two")
struct RecordSplitTests {
  /// Records whose label is their number.
  private struct Numbers: RecordSource {
    var count: Int?
    var classNames: [String] { [] }
    func datum(_ index: Int) throws(DatasetError) -> Datum {
      try Datum(
        channels: 1, height: 1, width: 1, values: .bytes([0]), label: index % (count ?? .max))
    }
  }

  private func labels(_ source: any RecordSource) throws -> [Int] {
    try (0..<(source.count ?? 0)).map { try source.datum($0).label }
  }

  @Test("has each record in one part, in the set's order", arguments: [2, 3, 10, 97])
  func partition(count: Int) throws {
    for testing in [1, count / 3, count - 1] where testing >= 1 {
      let split = try RecordSplit(Numbers(count: count), testing: testing, seed: 4)
      let (learnt, tested) = (try labels(split.learning), try labels(split.testing))
      #expect(tested.count == testing && learnt.count == count - testing)
      #expect(learnt == learnt.sorted() && tested == tested.sorted())
      #expect((learnt + tested).sorted() == Array(0..<count))
      // Behind the last record comes the first.
      #expect(try split.learning.datum(learnt.count).label == learnt[0])
      #expect(try split.testing.datum(testing).label == tested[0])
    }
  }

  @Test("is drawn by the seed, each record as often as another")
  func draw() throws {
    let same = try (0..<2).map { _ in
      try labels(RecordSplit(Numbers(count: 50), testing: 10, seed: 7).testing)
    }
    #expect(same[0] == same[1])
    var counts = [Int](repeating: 0, count: 20)
    for seed in 0..<2000 {
      let split = try RecordSplit(Numbers(count: 20), testing: 5, seed: UInt64(seed))
      for label in try labels(split.testing) { counts[label] += 1 }
    }
    // 2000 draws of probability ¼: 500, of deviation 19; five deviations. The seeds are fixed.
    #expect(counts.allSatisfy { abs($0 - 500) < 97 })
  }

  @Test("needs a record in each part")
  func refusals() {
    for (count, testing) in [(1, 1), (5, 0), (5, 5), (0, 1)] {
      let error = #expect(throws: DatasetError.self) {
        try RecordSplit(Numbers(count: count), testing: testing, seed: 1)
      }
      #expect(error?.description.contains("both parts need one") == true)
    }
  }
}
