/// A range 0..<count cut into parts of nearly equal size, by its size alone.
package struct Partition {
  package let count: Int
  package let parts: Int

  /// `parts` parts, fewer if there are fewer elements; one if there are none.
  package init(_ count: Int, parts: Int) {
    self.count = count
    self.parts = max(1, min(parts, count))
  }

  /// Parts of at most `size` elements.
  package init(_ count: Int, partsOfAtMost size: Int) {
    self.init(count, parts: (count + size - 1) / max(size, 1))
  }

  /// The elements of the largest part.
  package var largest: Int { (count + parts - 1) / parts }

  /// Part i.
  package subscript(i: Int) -> Range<Int> {
    count * i / parts..<count * (i + 1) / parts
  }
}

/// The steps t in 0..<limit for which 0 ≤ start + t·stride < size.
@inline(__always)
package func steps(from start: Int, by stride: Int, limit: Int, inside size: Int) -> Range<Int> {
  let first = start < 0 ? (-start + stride - 1) / stride : 0
  let end = start < size ? (size - start + stride - 1) / stride : 0
  let upper = min(end, limit)
  return min(first, upper)..<upper
}
