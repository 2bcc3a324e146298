import CLMDB
import CaffeMessages
import SwiftProtobuf
import WholeFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Writes a database of records as Caffe's `convert_imageset` does: LMDB, with a `Datum` for each
/// key.
///
/// The folder appears whole when `finish` is called, and not at all without: until then the
/// database grows in a hidden folder beside it, which goes away with the writer.
public final class DatumDatabaseWriter {
  /// How many records have been added.
  public private(set) var count = 0

  private let path: String
  private let growing: URL
  private var environment: OpaquePointer?
  private var mapSize: Int
  private var waiting: [(key: [UInt8], value: [UInt8])] = []
  private var waitingBytes = 0

  /// Starts a database.
  ///
  /// - Parameter path: the folder to make. It must not exist: nothing is overwritten.
  /// - Throws: `DatasetError` when it exists, or its parent can't be written to.
  public convenience init(_ path: String) throws(DatasetError) {
    try self.init(path, mapSize: 1 << 26)
  }

  /// Starts a database that grows beyond a size of the map, in bytes, by doubling it.
  init(_ path: String, mapSize: Int) throws(DatasetError) {
    self.path = path
    self.mapSize = mapSize
    let url = URL(fileNamed: path)
    let suffix = String(UInt32.random(in: .min ... .max), radix: 16)
    // At most the 255 bytes that a name may have.
    let beginning = String(decoding: url.lastPathComponent.utf8.prefix(200), as: UTF8.self)
    growing = url.deletingLastPathComponent().appending(path: ".\(beginning).\(suffix).tmp")
    guard !path.isEmpty else {
      throw DatasetError("a database needs a name; this one's is empty")
    }
    guard !FileManager.default.fileExists(atPath: path) else {
      throw DatasetError("\(path): exists already; remove it or choose another name")
    }
    guard mkdir(growing.path, 0o777) == 0 else {
      throw DatasetError(
        "\(path): no folder can be made here: \(String(cString: strerror(errno)))")
    }
    // Nobody else knows the folder, so there is nothing to lock.
    var status = mdb_env_create(&environment)
    if status == 0 { status = mdb_env_set_mapsize(environment, mapSize) }
    if status == 0 { status = mdb_env_open(environment, growing.path, UInt32(MDB_NOLOCK), 0o664) }
    guard status == 0 else {
      discard()
      throw DatasetError("\(path): cannot be written: \(lmdbMessage(status))")
    }
  }

  deinit { discard() }

  /// Adds a record under the number that it gets, as Caffe names it: `%08d_<name>`.
  ///
  /// - Throws: `DatasetError` when the key exceeds LMDB's 511 bytes, or the disk is full.
  /// - Complexity: O(length); every 1000 records or 32 MiB what waits is written to the disk.
  public func append(_ message: Caffe_Datum, name: String) throws(DatasetError) {
    let digits = String(count)
    let number = String(repeating: "0", count: max(8 - digits.count, 0)) + digits
    let key = Array("\(number)_\(name)".utf8)
    guard key.count <= 511 else {
      throw DatasetError(
        "\(path): the key of \"\(name)\" has \(key.count) bytes; LMDB allows 511")
    }
    let value: [UInt8]
    do {
      value = try message.serializedBytes()
    } catch {
      throw DatasetError("\(path), key \"\(number)_\(name)\": cannot be encoded: \(error)")
    }
    waiting.append((key, value))
    waitingBytes += value.count
    count += 1
    // Caffe commits every 1000 records; so much memory isn't needed for large ones.
    if waiting.count == 1000 || waitingBytes > 1 << 25 { try commit() }
  }

  /// Writes what is missing and gives the database its name.
  ///
  /// - Throws: `DatasetError` when nothing was added, the disk is full, or somebody else has taken
  ///   the name meanwhile.
  /// - Complexity: O(length) of what waits, and the time that the disk takes to sync.
  public func finish() throws(DatasetError) {
    guard count > 0 else { throw DatasetError("\(path): a database needs a record") }
    try commit()
    let status = mdb_env_sync(environment, 1)
    guard status == 0 else {
      throw DatasetError("\(path): cannot be written: \(lmdbMessage(status))")
    }
    mdb_env_close(environment)
    environment = nil
    guard (try? FileManager.default.moveItem(atPath: growing.path, toPath: path)) != nil else {
      throw DatasetError("\(path): cannot take this name: it exists by now")
    }
  }

  private func commit() throws(DatasetError) {
    var status = put()
    while status == MDB_MAP_FULL, mapSize < 1 << 46 {
      mapSize *= 2
      status = mdb_env_set_mapsize(environment, mapSize)
      if status == 0 { status = put() }
    }
    guard status == 0 else {
      throw DatasetError("\(path): cannot be written: \(lmdbMessage(status))")
    }
    waiting.removeAll(keepingCapacity: true)
    waitingBytes = 0
  }

  /// Puts everything that waits into the database, or nothing.
  private func put() -> Int32 {
    var transaction: OpaquePointer?
    var table = MDB_dbi()
    var status = mdb_txn_begin(environment, nil, 0, &transaction)
    guard status == 0 else { return status }
    status = mdb_dbi_open(transaction, nil, 0, &table)
    for (key, value) in waiting where status == 0 {
      status = key.withUnsafeBytes { key in
        value.withUnsafeBytes { value in
          var (key, value) = (MDB_val(key), MDB_val(value))
          return mdb_put(transaction, table, &key, &value, UInt32(MDB_NOOVERWRITE))
        }
      }
    }
    guard status == 0 else {
      mdb_txn_abort(transaction)
      return status
    }
    return mdb_txn_commit(transaction)
  }

  private func discard() {
    if let environment { mdb_env_close(environment) }
    environment = nil
    try? FileManager.default.removeItem(at: growing)
  }
}

extension MDB_val {
  /// Bytes that liblmdb only reads.
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }
}

/// What a status of liblmdb means.
private func lmdbMessage(_ status: Int32) -> String {
  // liblmdb calls a write that came to less than it should EIO; of all reasons, a full disk is one.
  if status == EIO { return "the disk is full, or failed (\(String(cString: strerror(EIO))))" }
  return mdb_strerror(status).map { String(cString: $0) } ?? "status \(status)"
}
