#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A database of records as Caffe's tools write them: LMDB, with a `Datum` for each key.
///
/// ```swift
/// let database = try DatumDatabase("ilsvrc12_train_lmdb")
/// print(database.count, try database.datum(0).label)
/// ```
///
/// Record i is the one with the i-th key. Keys begin with a number of eight digits, so this is the
/// order of the list that the database was made of, and that in which Caffe's Data layer reads.
///
/// A database that another process has open through liblmdb (Caffe, Python's lmdb) so that it may write
/// is refused: it may be changed at any moment. Those who only read are no danger; Linux shows who does.
/// Nothing is written, no `lock.mdb` either, so a folder that can't be written to serves as well, and any
/// number of processes may read a database through this class at once. In exchange nobody may begin to
/// write to it meanwhile; where it is seen that somebody did, that is an error.
///
/// Opening reads the whole tree of keys, refuses a file whose tree is damaged, and keeps where each
/// value lies. A value is then read from its place in the file: nothing is mapped into memory, so a
/// file that another process shortens is an error as well.
public final class DatumDatabase: RecordSource {
  /// The folder, or the file in it, as the caller named it.
  public let path: String
  /// How colours are to be decoded.
  public let colours: Datum.ColourDecoding

  private let file: PageFile
  private let records: RecordIndex

  /// Opens a database.
  ///
  /// - Parameters:
  ///   - path: the folder that holds `data.mdb`, or a database that is a file of its own.
  ///   - colours: what becomes of encoded pictures.
  /// - Throws: `DatasetError` naming the file when there is none, another process may be writing, it is
  ///   no LMDB database, it is truncated or damaged, or has no records.
  /// - Complexity: O(pages of keys): the whole tree is read once, and its keys are kept in memory.
  ///   Values are not.
  public init(_ path: String, colours: Datum.ColourDecoding = .asStored) throws(DatasetError) {
    self.path = path
    self.colours = colours
    guard FileManager.default.fileExists(atPath: path) else {
      throw DatasetError("\(path): there is no such database")
    }
    let isFolder = (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil
    let file = isFolder ? path + "/data.mdb" : path
    try LockFile.requireNoWriter(
      path, data: file, path: isFolder ? path + "/lock.mdb" : path + "-lock")
    self.file = try PageFile(path: file)
    records = try TreeWalk.records(of: self.file)
    guard records.count > 0 else { throw DatasetError("\(path): the database has no records") }
  }

  /// How many records there are.
  public var count: Int? { records.count }

  /// None: a `Datum` knows its label only as a number.
  public var classNames: [String] { [] }

  /// The key of record i modulo the count.
  ///
  /// - Complexity: O(length) of the key.
  public func key(_ index: Int) -> [UInt8] { Array(records.key(position(index))) }

  /// Record i modulo the count.
  ///
  /// - Throws: `DatasetError` naming database and key when the value is no `Datum`, doesn't fit its
  ///   extents, or is a picture that can't be decoded.
  /// - Complexity: O(length) to read and decode it.
  public func datum(_ index: Int) throws(DatasetError) -> Datum {
    do throws(DatasetError) {
      return try Datum(decoding: value(index), colours: colours)
    } catch {
      throw DatasetError("\(name(ofRecord: index)): \(error.description)")
    }
  }

  /// The database and the record's key.
  ///
  /// - Complexity: O(length) of both.
  public func name(ofRecord index: Int) -> String {
    "\(path), key \"\(String(decoding: records.key(position(index)), as: UTF8.self))\""
  }

  /// The bytes of record i modulo the count, as they are in the database.
  ///
  /// - Throws: `DatasetError` when another process has changed the database.
  /// - Complexity: O(length), which it allocates.
  public func value(_ index: Int) throws(DatasetError) -> [UInt8] {
    // A page that this state needs can be written over only after a later state has been committed,
    // so the state is looked at before and after.
    try file.requireUnchanged()
    let value = try file.read(records.place(position(index)))
    try file.requireUnchanged()
    return value
  }

  /// A number of 64 bits, in hexadecimal, by which another database is noticed in this one's place: of
  /// all keys, of the length of each value, and of the bytes of 64 values spread evenly.
  ///
  /// Source: FNV-1a (Fowler, Noll and Vo).
  ///
  /// - Throws: `DatasetError` when another process has changed the database.
  /// - Complexity: O(length) of the keys and of the values that are read.
  public func fingerprint() throws(DatasetError) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ bytes: some Sequence<UInt8>) {
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }
    for record in 0..<records.count {
      add(records.key(record))
      hash = (hash ^ UInt64(records.place(record).count)) &* 0x0000_0100_0000_01B3
    }
    for sample in 0..<min(records.count, 64) {
      add(try value(sample * records.count / min(records.count, 64)))
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private func position(_ index: Int) -> Int {
    let remainder = index % records.count
    return remainder < 0 ? remainder + records.count : remainder
  }
}
