import CLMDB
import Tensors

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
/// A database that another process has open through liblmdb (Caffe, Python's lmdb) is refused: it may
/// be changed at any moment. Nothing is written, no `lock.mdb` either, so a folder that can't be
/// written to serves as well, and any number of processes may read a database through this class at
/// once. In exchange nobody may begin to write to it meanwhile; where it is seen that somebody did,
/// that is an error.
///
/// Opening reads the whole tree of keys and refuses files whose tree is damaged; values of more than
/// half a page lie elsewhere and are not read. One danger remains that only liblmdb itself could
/// meet: it maps the file into memory, and when another process shortens it later, the system ends
/// this one (SIGBUS).
public final class DatumDatabase: RecordSource {
  /// The folder, or the file in it, as the caller named it.
  public let path: String
  /// How colours are to be decoded.
  public let colours: Datum.ColourDecoding

  private let keys: KeyList
  private let map: LockedState<MappedDatabase>

  /// Opens a database.
  ///
  /// - Parameters:
  ///   - path: the folder that holds `data.mdb`, or a database that is a file of its own.
  ///   - colours: what becomes of encoded pictures.
  /// - Throws: `DatasetError` naming the file when there is none, another process has it open, it is
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
    try LockFile.requireUnused(path, path: isFolder ? path + "/lock.mdb" : path + "-lock")
    let pages = try PageFile(path: file)
    let head = pages.head
    let byteCount = pages.byteCount
    keys = try TreeWalk.keys(of: pages)
    guard keys.count > 0 else { throw DatasetError("\(path): the database has no records") }
    map = LockedState(
      try MappedDatabase(file: file, byteCount: byteCount, transaction: head.transaction))
  }

  /// How many records there are.
  public var count: Int? { keys.count }

  /// None: a `Datum` knows its label only as a number.
  public var classNames: [String] { [] }

  /// The key of record i modulo the count.
  ///
  /// - Complexity: O(length) of the key.
  public func key(_ index: Int) -> [UInt8] { Array(keys[position(index)]) }

  /// Record i modulo the count.
  ///
  /// - Throws: `DatasetError` naming database and key when the value is no `Datum`, doesn't fit its
  ///   extents, or is a picture that can't be decoded.
  /// - Complexity: O(log records) to find it, and O(length) to decode it.
  public func datum(_ index: Int) throws(DatasetError) -> Datum {
    let key = Array(keys[position(index)])
    do throws(DatasetError) {
      let value = try map.withLock { map throws(DatasetError) in try map.value(of: key) }
      return try Datum(decoding: value, colours: colours)
    } catch {
      throw DatasetError("\(name(ofRecord: index)): \(error.description)")
    }
  }

  /// The database and the record's key.
  ///
  /// - Complexity: O(length) of both.
  public func name(ofRecord index: Int) -> String {
    "\(path), key \"\(String(decoding: keys[position(index)], as: UTF8.self))\""
  }

  /// The bytes of record i modulo the count, as they are in the database.
  ///
  /// - Throws: `DatasetError` when another process has changed the database.
  /// - Complexity: O(log records + length), copying.
  public func value(_ index: Int) throws(DatasetError) -> [UInt8] {
    let key = Array(keys[position(index)])
    return try map.withLock { map throws(DatasetError) in try map.value(of: key) }
  }

  private func position(_ index: Int) -> Int {
    let remainder = index % keys.count
    return remainder < 0 ? remainder + keys.count : remainder
  }
}

/// A database that liblmdb has mapped into memory, as it was when it was opened.
private struct MappedDatabase: ~Copyable {
  private let environment: OpaquePointer
  private let transaction: OpaquePointer
  private let table: MDB_dbi
  private let number: Int

  init(file: String, byteCount: Int, transaction number: Int) throws(DatasetError) {
    var made: OpaquePointer?
    var begun: OpaquePointer?
    var table = MDB_dbi()
    // Without a map size of our own, the head of the file would decide how much is mapped.
    let flags = UInt32(MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NOSUBDIR)
    var status = mdb_env_create(&made)
    if status == 0 { status = mdb_env_set_mapsize(made, byteCount) }
    if status == 0 { status = mdb_env_open(made, file, flags, 0o644) }
    if status == 0 { status = mdb_txn_begin(made, nil, UInt32(MDB_RDONLY), &begun) }
    if status == 0 { status = mdb_dbi_open(begun, nil, 0, &table) }
    guard status == 0, let made, let begun else {
      if let begun { mdb_txn_abort(begun) }
      if let made { mdb_env_close(made) }
      throw DatasetError("\(file): cannot be opened: \(lmdbMessage(status))")
    }
    environment = made
    transaction = begun
    self.table = table
    self.number = number
  }

  deinit {
    mdb_txn_abort(transaction)
    mdb_env_close(environment)
  }

  func value(of key: [UInt8]) throws(DatasetError) -> [UInt8] {
    // Pages that this state needs can only be written over once a later one has been committed.
    try checkState()
    var found = MDB_val()
    let status = key.withUnsafeBytes { bytes in
      var wanted = MDB_val(bytes)
      return mdb_get(transaction, table, &wanted, &found)
    }
    guard status == 0 else { throw DatasetError("cannot be read: \(lmdbMessage(status))") }
    // Where the value lies in the map, as `PageFile` has found it to be: copied before anything else.
    let value = [UInt8](UnsafeRawBufferPointer(start: found.mv_data, count: found.mv_size))
    try checkState()
    return value
  }

  private func checkState() throws(DatasetError) {
    var info = MDB_envinfo()
    guard mdb_env_info(environment, &info) == 0, Int(info.me_last_txnid) == number,
      mdb_txn_id(transaction) == number
    else { throw DatasetError("another process has changed the database while it was being read") }
  }
}

/// What a status of liblmdb means.
func lmdbMessage(_ status: Int32) -> String {
  mdb_strerror(status).map { String(cString: $0) } ?? "status \(status)"
}
