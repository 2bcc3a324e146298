/// Records by number, without end: what a batch is loaded from.
///
/// Record i is the same in any order and on any thread, so a run that is resumed needs to remember
/// no more than a number.
public protocol RecordSource: Sendable {
  /// Record i, counted from 0. A set of finite size starts again behind its last record.
  ///
  /// - Throws: `DatasetError` that names the record and where it lies.
  /// - Complexity: O(C·H·W), and what it takes to get hold of the record.
  func datum(_ index: Int) throws(DatasetError) -> Datum

  /// What messages call record i: where it lies, and under which name.
  ///
  /// - Complexity: O(length) of the name.
  func name(ofRecord index: Int) -> String

  /// How many records there are before they come again; `nil` where none comes again.
  var count: Int? { get }

  /// What the labels 0, 1, … stand for; empty where nobody said.
  var classNames: [String] { get }
}

extension RecordSource {
  /// Its number.
  ///
  /// - Complexity: O(1).
  public func name(ofRecord index: Int) -> String { "record \(index)" }
}
