import Tensors

/// A set of records cut in two: some that a seed draws, to test on, and the others to learn from.
///
/// ```swift
/// let split = try RecordSplit(database, testing: 100, seed: 1)
/// // split.learning has count − 100 records, split.testing the 100, both in the set's order.
/// ```
public struct RecordSplit: Sendable {
  /// The records that were not drawn.
  public let learning: any RecordSource
  /// Those that were.
  public let testing: any RecordSource

  /// Draws records of a source. The same seed and counts draw the same ones.
  ///
  /// Source: Floyd's algorithm; Bentley and Floyd, "Programming pearls: a sample of brilliance", CACM
  /// 30(9), 1987.
  ///
  /// - Parameters:
  ///   - source: a set of finite size.
  ///   - count: how many are drawn.
  ///   - seed: where the draw starts.
  /// - Throws: `DatasetError` where one of the two parts would be empty.
  /// - Complexity: O(count·log count), and memory for as many numbers.
  public init(_ source: any RecordSource, testing count: Int, seed: UInt64) throws(DatasetError) {
    let total = source.count ?? 0
    guard count >= 1, count < total else {
      throw DatasetError(
        "of \(total) records, \(count) can't be split off to test on: both parts need one at least")
    }
    var generator = SplitMix64(seed: seed)
    var drawn: Set<Int> = []
    for last in total - count..<total {
      let record = Int(generator.next() % UInt64(last + 1))
      drawn.insert(drawn.contains(record) ? last : record)
    }
    let positions = drawn.sorted()
    testing = RecordSubset(source: source, positions: positions, isComplement: false)
    learning = RecordSubset(source: source, positions: positions, isComplement: true)
  }
}

/// The records of a source at some positions, or those at all others.
private struct RecordSubset: RecordSource {
  let source: any RecordSource
  /// In ascending order.
  let positions: [Int]
  let isComplement: Bool

  var count: Int? { isComplement ? (source.count ?? 0) - positions.count : positions.count }

  var classNames: [String] { source.classNames }

  func datum(_ index: Int) throws(DatasetError) -> Datum { try source.datum(position(index)) }

  func name(ofRecord index: Int) -> String { source.name(ofRecord: position(index)) }

  /// Where a record lies in the source.
  private func position(_ index: Int) -> Int {
    let size = max(count ?? 1, 1)
    let index = (index % size + size) % size
    guard isComplement else { return positions[index] }
    // As many positions lie before it as have no more than `index` others before them.
    var (low, high) = (0, positions.count)
    while low < high {
      let middle = (low + high) / 2
      if positions[middle] - middle <= index { low = middle + 1 } else { high = middle }
    }
    return index + low
  }
}
