/// The extents of a tensor, outermost first: N×C×H×W for images, N×C for vectors.
///
/// The last axis is contiguous in memory. No axis is negative, and the element count fits in 31
/// bits an axis and 63 bits in all.
public struct Shape: Hashable, Sendable, CustomStringConvertible {
  /// The extent of each axis. A scalar has none.
  public let dimensions: [Int]

  /// The number of elements: the product of the extents, 1 for a scalar.
  public let count: Int

  /// N, the extent of axis 0; 1 for a scalar.
  public let images: Int
  /// C, the extent of axis 1; 1 where there is none.
  public let channels: Int
  /// H, the extent of axis 2; 1 for a vector.
  public let height: Int
  /// W, the extent of axis 3; 1 for a vector.
  public let width: Int

  /// A shape from extents that the program knows to be valid.
  ///
  /// - Precondition: as for `init(checking:)`, which is the way in for sizes read from a file.
  /// - Complexity: O(rank).
  public init(_ dimensions: Int...) {
    do {
      try self.init(checking: dimensions)
    } catch {
      fatalError("\(error)")
    }
  }

  /// A shape from extents of unknown origin.
  ///
  /// - Throws: `ShapeError` for an extent that is negative or beyond 2³¹ − 1, or a product that
  ///   overflows.
  /// - Complexity: O(rank).
  public init(checking dimensions: [Int]) throws(ShapeError) {
    // Zeros are left out of the product that is tried, so that no part of it can overflow either.
    var product = 1
    for extent in dimensions {
      guard extent >= 0 else {
        throw ShapeError(dimensions: dimensions, rule: "no extent may be negative")
      }
      guard extent <= Int(Int32.max) else {
        throw ShapeError(dimensions: dimensions, rule: "no extent may exceed 2^31 - 1")
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow else {
        throw ShapeError(dimensions: dimensions, rule: "the element count overflows 63 bits")
      }
      product = next
    }
    self.dimensions = dimensions
    self.count = dimensions.contains(0) ? 0 : product
    // Kept by themselves: `tensor[n, c, y, x]` asks for them at every element.
    func extent(_ axis: Int) -> Int { axis < dimensions.count ? dimensions[axis] : 1 }
    (images, channels, height, width) = (extent(0), extent(1), extent(2), extent(3))
  }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The extent of axis `axis`, or 1 where the shape has no such axis.
  ///
  /// - Complexity: O(1).
  public subscript(axis: Int) -> Int {
    dimensions.indices.contains(axis) ? dimensions[axis] : 1
  }

  /// The elements of one channel of one image: everything behind axis 1.
  ///
  /// - Complexity: O(rank).
  public var spatialCount: Int { dimensions.dropFirst(2).reduce(1, *) }
  /// The elements of one image: everything behind axis 0.
  ///
  /// - Complexity: O(rank).
  public var imageCount: Int { dimensions.dropFirst(1).reduce(1, *) }

  /// The same shape for another number of images.
  ///
  /// - Throws: `ShapeError` as `init(checking:)` does.
  /// - Complexity: O(rank).
  public func withImages(_ images: Int) throws(ShapeError) -> Shape {
    try Shape(checking: [images] + dimensions.dropFirst())
  }

  /// For example `1×96×55×55`; `scalar` without axes.
  ///
  /// - Complexity: O(rank).
  public var description: String {
    rank == 0 ? "scalar" : dimensions.map(String.init).joined(separator: "×")
  }
}

/// Extents that no tensor can have.
public struct ShapeError: Error, Equatable, CustomStringConvertible {
  /// The extents that were asked for.
  public let dimensions: [Int]
  /// What they violate.
  public let rule: String

  /// For example `shape 3×-1: no extent may be negative`.
  ///
  /// - Complexity: O(rank).
  public var description: String {
    "shape \(dimensions.map(String.init).joined(separator: "×")): \(rule)"
  }
}
