import RealModule

/// A number that a layer can compute with.
///
/// `Float` is the precision of training and `Double` that of checking. `Dual` carries a derivative
/// along, and because the layers of `Reference` ask for no more than this protocol offers, they
/// differentiate themselves when they are run on it.
public protocol Scalar:
  AlgebraicField, ElementaryFunctions, ExpressibleByFloatLiteral, Comparable, SendableMetatype,
  Sendable
{
  /// The nearest value to a `Double`.
  init(_ value: Double)

  /// The nearest `Double`; a dual number gives its value and drops its derivative.
  var doubleValue: Double { get }

  /// The error function, 2/√π·∫ exp(−t²) dt from 0 to x, of which GELU is made.
  static func erf(_ x: Self) -> Self

  /// The quotient: `AlgebraicField`'s, said again so that a package that imports `Tensors` finds the
  /// operator without a dependency on swift-numerics.
  static func / (a: Self, b: Self) -> Self

  /// Divides in place, likewise.
  static func /= (a: inout Self, b: Self)
}

extension Float: Scalar {
  /// This number, widened exactly.
  @inlinable public var doubleValue: Double { Double(self) }
}

extension Double: Scalar {
  /// This number itself.
  @inlinable public var doubleValue: Double { self }
}
