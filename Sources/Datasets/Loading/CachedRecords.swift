import Tensors

/// The first records of a source, over and over, each made once and then kept.
///
/// For records that take work to make, as synthetic pictures do: without it a run draws each of
/// them anew in every epoch.
public final class CachedRecords: RecordSource {
  private let source: any RecordSource
  private let limit: Int
  private let kept: LockedState<[Datum?]>

  /// The first `count` records of a source.
  ///
  /// - Throws: `DatasetError` for a count below 1, or above that of the source.
  /// - Complexity: O(count) of pointers; the records are made when they are asked for, and all
  ///   kept.
  public init(_ source: any RecordSource, count: Int) throws(DatasetError) {
    guard count >= 1 else { throw DatasetError("a set of \(count) records holds none; 1 is least") }
    if let available = source.count, available < count {
      throw DatasetError("\(count) records are more than the \(available) there are")
    }
    self.source = source
    limit = count
    kept = LockedState(Array(repeating: nil, count: count))
  }

  /// Record i modulo the count.
  ///
  /// - Complexity: That of the source the first time, O(1) afterwards.
  public func datum(_ index: Int) throws(DatasetError) -> Datum {
    let position = position(index)
    if let datum = kept.withLock({ $0[position] }) { return datum }
    let datum = try source.datum(position)
    kept.withLock { $0[position] = datum }
    return datum
  }

  /// That of the source.
  ///
  /// - Complexity: O(length) of the name.
  public func name(ofRecord index: Int) -> String { source.name(ofRecord: position(index)) }

  private func position(_ index: Int) -> Int {
    let remainder = index % limit
    return remainder < 0 ? remainder + limit : remainder
  }

  /// How many records there are before they come again.
  public var count: Int? { limit }

  /// Those of the source.
  public var classNames: [String] { source.classNames }
}
