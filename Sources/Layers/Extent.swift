/// A height and a width: of a kernel, a stride, a padding.
///
/// An integer literal stands for a square: `kernel: 3` is `kernel: Extent(height: 3, width: 3)`.
public struct Extent: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// Rows.
  public var height: Int
  /// Columns.
  public var width: Int

  /// An extent of `height` rows and `width` columns.
  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  /// A square.
  public init(_ side: Int) {
    self.init(height: side, width: side)
  }

  /// A square.
  public init(integerLiteral side: Int) {
    self.init(side)
  }

  /// The number of positions in it.
  public var area: Int { height * width }

  /// `3×3`.
  public var description: String { "\(height)×\(width)" }
}
