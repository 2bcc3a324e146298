import Datasets

/// A number of 64 bits, in hexadecimal, that tells contents apart.
///
/// Source: FNV-1a (Fowler, Noll and Vo), over words of eight bytes.
package struct Fingerprint {
  private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  /// 16 digits.
  package var text: String {
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  package mutating func add(_ word: UInt64) {
    hash = (hash ^ word) &* 0x0000_0100_0000_01B3
  }

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let words = bytes.count / 8
    for word in 0..<words { add(bytes.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self)) }
    for byte in bytes[(8 * words)...] { add(UInt64(byte)) }
  }

  private mutating func add(_ datum: Datum) {
    for number in [datum.channels, datum.height, datum.width, datum.label] {
      add(UInt64(bitPattern: Int64(number)))
    }
    switch datum.values {
    case .bytes(let bytes): bytes.withUnsafeBytes { add($0) }
    case .floats(let floats): floats.withUnsafeBytes { add($0) }
    }
  }

  /// How many records a source has, and what the first, the middle and the last one hold.
  static func text(of source: any RecordSource) throws -> String {
    var fingerprint = Fingerprint()
    let count = source.count ?? 1
    for record in [0, count / 2, count - 1] { fingerprint.add(try source.datum(record)) }
    return "\(count) records, \(fingerprint.text)"
  }
}
