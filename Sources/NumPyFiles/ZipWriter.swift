import CZlib

/// Puts stored members together to a zip file.
struct ZipWriter {
  private let limit: Int
  private var pieces: [[UInt8]] = []
  private var directory: [UInt8] = []
  private var position = 0
  private var count = 0

  /// - Parameter limit: the greatest number that goes into a 32-bit field.
  init(limit: Int) {
    self.limit = limit
  }

  /// Adds a member whose content comes in parts.
  mutating func add(_ name: String, _ parts: [[UInt8]]) {
    let size = parts.reduce(0) { $0 + $1.count }
    let checksum = parts.reduce(uLong(0)) { sum, part in
      part.withUnsafeBufferPointer { crc32_z(sum, $0.baseAddress, $0.count) }
    }
    let isWide = size > limit
    let isFar = position > limit

    var local: [UInt8] = []
    local.appendLittleEndian(UInt32(0x0403_4B50))
    local += common(name, checksum: UInt32(checksum), size: size, isWide: isWide)
    local.appendLittleEndian(UInt16(isWide ? 20 : 0))
    local += Array(name.utf8)
    if isWide { local += extra([size, size]) }

    directory.appendLittleEndian(UInt32(0x0201_4B50))
    directory.appendLittleEndian(UInt16(45))
    directory += common(name, checksum: UInt32(checksum), size: size, isWide: isWide)
    let wideValues = (isWide ? [size, size] : []) + (isFar ? [position] : [])
    let extra = wideValues.isEmpty ? [] : extra(wideValues)
    directory.appendLittleEndian(UInt16(extra.count))
    directory += [UInt8](repeating: 0, count: 10)  // comment, disk, attributes
    directory.appendLittleEndian(isFar ? UInt32.max : UInt32(position))
    directory += Array(name.utf8) + extra

    pieces.append(local)
    pieces += parts
    position += local.count + size
    count += 1
  }

  /// The whole file, in pieces.
  func finished() -> [[UInt8]] {
    var end: [UInt8] = []
    let isWide = count >= 0xFFFF || directory.count > limit || position > limit
    if isWide {
      let record = position + directory.count
      end.appendLittleEndian(UInt32(0x0606_4B50))
      end.appendLittleEndian(UInt64(44))
      end.appendLittleEndian(UInt16(45))
      end.appendLittleEndian(UInt16(45))
      end.appendLittleEndian(UInt64(0))  // disks
      for value in [count, count, directory.count, position] {
        end.appendLittleEndian(UInt64(value))
      }
      end.appendLittleEndian(UInt32(0x0706_4B50))
      end.appendLittleEndian(UInt32(0))
      end.appendLittleEndian(UInt64(record))
      end.appendLittleEndian(UInt32(1))
    }
    end.appendLittleEndian(UInt32(0x0605_4B50))
    end.appendLittleEndian(UInt32(0))  // disks
    let shownCount = isWide ? UInt16.max : UInt16(count)
    end.appendLittleEndian(shownCount)
    end.appendLittleEndian(shownCount)
    end.appendLittleEndian(isWide ? UInt32.max : UInt32(directory.count))
    end.appendLittleEndian(isWide ? UInt32.max : UInt32(position))
    end.appendLittleEndian(UInt16(0))  // comment
    return pieces + [directory, end]
  }

  /// The fields that local header and directory share, up to the length of the name.
  private func common(_ name: String, checksum: UInt32, size: Int, isWide: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(UInt16(isWide ? 45 : 20))  // version needed
    bytes.appendLittleEndian(UInt16(name.utf8.allSatisfy { $0 < 0x80 } ? 0 : 0x800))  // UTF-8
    bytes.appendLittleEndian(UInt16(0))  // stored
    bytes.appendLittleEndian(UInt16(0))  // midnight
    bytes.appendLittleEndian(UInt16(0x21))  // of 1 January 1980
    bytes.appendLittleEndian(checksum)
    let field = isWide ? UInt32.max : UInt32(size)
    bytes.appendLittleEndian(field)
    bytes.appendLittleEndian(field)
    bytes.appendLittleEndian(UInt16(name.utf8.count))
    return bytes
  }

  /// The extra field with 64-bit values.
  private func extra(_ values: [Int]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(UInt16(1))
    bytes.appendLittleEndian(UInt16(values.count * 8))
    for value in values { bytes.appendLittleEndian(UInt64(value)) }
    return bytes
  }
}
