import RealModule

/// A number with its derivative: `value + derivative·ε`, where ε² = 0.
///
/// A program that is run on dual numbers differentiates itself. Give each input xᵢ the derivative
/// uᵢ, and each output arrives with the derivative along u, exact but for rounding:
///
///     f(x + u·ε) = f(x) + J·u·ε
///
/// No step has to be chosen, and nothing is truncated. Every operation below follows the chain
/// rule, g(a + a'·ε) = g(a) + g'(a)·a'·ε.
///
///     let x = Dual(3.0, derivative: 1)
///     (x * x).derivative                                // 6
///
/// Two dual numbers are compared by their values alone, so a program takes the same branches as on
/// plain numbers. At a kink, where the branches meet, the derivative is that of the branch taken.
/// A derivative of 0 stays 0 even where g' is infinite: a constant stays a constant.
///
/// Source: Clifford, "Preliminary sketch of biquaternions", 1873; for programs, Wengert, "A simple
/// automatic derivative evaluation program", CACM 7(8), 1964.
@frozen
public struct Dual<Base: Scalar>: Scalar {
  /// The number.
  public var value: Base
  /// The derivative of the number along the direction under study.
  public var derivative: Base

  /// A number that changes at the rate `derivative`.
  @inlinable
  public init(_ value: Base, derivative: Base) {
    self.value = value
    self.derivative = derivative
  }

  /// A constant.
  @inlinable
  public init(_ value: Double) {
    self.init(Base(value), derivative: 0)
  }

  /// A constant.
  @inlinable
  public init(integerLiteral value: Int) {
    self.init(Base(Double(value)), derivative: 0)
  }

  /// A constant; `nil` when the base type can't hold the integer.
  @inlinable
  public init?<Integer: BinaryInteger>(exactly source: Integer) {
    guard let value = Base(exactly: source) else { return nil }
    self.init(value, derivative: 0)
  }

  /// The value; the derivative is dropped.
  @inlinable public var doubleValue: Double { value.doubleValue }

  /// |x|, whose derivative changes its sign with x. At 0 it is that of the positive side.
  @inlinable public var magnitude: Dual { value < 0 ? -self : self }
}

extension Dual {
  /// Whether the values are equal, whatever the derivatives.
  @inlinable
  public static func == (a: Dual, b: Dual) -> Bool { a.value == b.value }

  /// Whether the values are in this order, whatever the derivatives.
  @inlinable
  public static func < (a: Dual, b: Dual) -> Bool { a.value < b.value }

  /// (a + b)' = a' + b'
  @inlinable
  public static func + (a: Dual, b: Dual) -> Dual {
    Dual(a.value + b.value, derivative: a.derivative + b.derivative)
  }

  /// (a − b)' = a' − b'
  @inlinable
  public static func - (a: Dual, b: Dual) -> Dual {
    Dual(a.value - b.value, derivative: a.derivative - b.derivative)
  }

  /// (−a)' = −a'
  @inlinable
  public static prefix func - (a: Dual) -> Dual {
    Dual(-a.value, derivative: -a.derivative)
  }

  /// (a·b)' = a'·b + a·b'
  @inlinable
  public static func * (a: Dual, b: Dual) -> Dual {
    Dual(a.value * b.value, derivative: a.derivative * b.value + a.value * b.derivative)
  }

  /// (a/b)' = (a' − (a/b)·b') / b
  @inlinable
  public static func / (a: Dual, b: Dual) -> Dual {
    let quotient = a.value / b.value
    return Dual(quotient, derivative: (a.derivative - quotient * b.derivative) / b.value)
  }

  /// Adds in place.
  @inlinable
  public static func += (a: inout Dual, b: Dual) { a = a + b }

  /// Subtracts in place.
  @inlinable
  public static func -= (a: inout Dual, b: Dual) { a = a - b }

  /// Multiplies in place.
  @inlinable
  public static func *= (a: inout Dual, b: Dual) { a = a * b }

  /// Divides in place.
  @inlinable
  public static func /= (a: inout Dual, b: Dual) { a = a / b }
}

extension Dual: CustomStringConvertible {
  /// For example `3.0 + 1.0ε`.
  public var description: String { "\(value) + \(derivative)ε" }
}
