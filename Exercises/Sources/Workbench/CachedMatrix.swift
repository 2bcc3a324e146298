/// A small cache that only counts: how often a number had to be fetched from memory.
///
/// It holds 64 lines of 8 numbers. A number that is read or written brings its whole line, which
/// replaces the line that was used least recently. Caches of processors work like this, with lines of
/// 16 `Float`s and, in the first level, some 512 of them.
public final class CountingCache {
  /// How many numbers it holds.
  public static let capacity = 64 * 8
  /// How many lines were fetched.
  public private(set) var misses = 0
  private var lastUse: [Int: Int] = [:]
  private var time = 0
  private var nextLine = 0

  /// An empty cache.
  public init() {}

  /// Lines for so many numbers, which no other matrix has.
  fileprivate func reserve(_ count: Int) -> Int {
    defer { nextLine += (count + 7) / 8 }
    return nextLine
  }

  fileprivate func touch(_ line: Int) {
    time += 1
    if lastUse[line] == nil {
      misses += 1
      if lastUse.count == Self.capacity / 8, let oldest = lastUse.min(by: { $0.value < $1.value }) {
        lastUse[oldest.key] = nil
      }
    }
    lastUse[line] = time
  }
}

/// A matrix whose numbers lie row after row in memory behind a cache that counts.
public final class CachedMatrix {
  /// Its extents.
  public let rows, columns: Int
  /// Its numbers, row after row. Looking at them here isn't counted.
  public private(set) var numbers: [Double]
  private let cache: CountingCache
  private let firstLine: Int

  /// A matrix of these numbers.
  public init(_ rows: Int, _ columns: Int, _ numbers: [Double], cache: CountingCache) {
    (self.rows, self.columns, self.numbers, self.cache) = (rows, columns, numbers, cache)
    firstLine = cache.reserve(numbers.count)
  }

  /// The number in a row and a column.
  public subscript(row: Int, column: Int) -> Double {
    get {
      precondition(0 <= row && row < rows && 0 <= column && column < columns)
      cache.touch(firstLine + (row * columns + column) / 8)
      return numbers[row * columns + column]
    }
    set {
      precondition(0 <= row && row < rows && 0 <= column && column < columns)
      cache.touch(firstLine + (row * columns + column) / 8)
      numbers[row * columns + column] = newValue
    }
  }
}
