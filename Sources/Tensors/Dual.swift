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

  /// A constant.
  @inlinable
  public init(floatLiteral value: Double) {
    self.init(value)
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

extension Dual {
  /// g(x) with the derivative g'(x)·x', where `slope` is g'(x).
  @inlinable
  func chain(_ value: Base, _ slope: @autoclosure () -> Base) -> Dual {
    Dual(value, derivative: derivative == 0 ? 0 : slope() * derivative)
  }

  /// exp' = exp
  @inlinable
  public static func exp(_ x: Dual) -> Dual {
    let value = Base.exp(x.value)
    return x.chain(value, value)
  }

  /// (exp − 1)' = exp
  @inlinable
  public static func expMinusOne(_ x: Dual) -> Dual {
    x.chain(.expMinusOne(x.value), .exp(x.value))
  }

  /// log' = 1/x
  @inlinable
  public static func log(_ x: Dual) -> Dual { x.chain(.log(x.value), 1 / x.value) }

  /// log(1 + x)' = 1/(1 + x)
  @inlinable
  public static func log(onePlus x: Dual) -> Dual {
    x.chain(.log(onePlus: x.value), 1 / (1 + x.value))
  }

  /// sinh' = cosh
  @inlinable
  public static func sinh(_ x: Dual) -> Dual { x.chain(.sinh(x.value), .cosh(x.value)) }

  /// cosh' = sinh
  @inlinable
  public static func cosh(_ x: Dual) -> Dual { x.chain(.cosh(x.value), .sinh(x.value)) }

  /// tanh' = 1/cosh²
  @inlinable
  public static func tanh(_ x: Dual) -> Dual {
    let reciprocal = 1 / Base.cosh(x.value)
    return x.chain(.tanh(x.value), reciprocal * reciprocal)
  }

  /// sin' = cos
  @inlinable
  public static func sin(_ x: Dual) -> Dual { x.chain(.sin(x.value), .cos(x.value)) }

  /// cos' = −sin
  @inlinable
  public static func cos(_ x: Dual) -> Dual { x.chain(.cos(x.value), -.sin(x.value)) }

  /// tan' = 1/cos²
  @inlinable
  public static func tan(_ x: Dual) -> Dual {
    let cosine = Base.cos(x.value)
    return x.chain(.tan(x.value), 1 / (cosine * cosine))
  }

  /// asinh' = 1/√(1 + x²)
  @inlinable
  public static func asinh(_ x: Dual) -> Dual {
    x.chain(.asinh(x.value), 1 / .sqrt(1 + x.value * x.value))
  }

  /// acosh' = 1/√(x² − 1), written so that it keeps its digits near 1.
  @inlinable
  public static func acosh(_ x: Dual) -> Dual {
    x.chain(.acosh(x.value), 1 / (.sqrt(x.value - 1) * .sqrt(x.value + 1)))
  }

  /// atanh' = 1/(1 − x²), written so that it keeps its digits near ±1.
  @inlinable
  public static func atanh(_ x: Dual) -> Dual {
    x.chain(.atanh(x.value), 1 / ((1 - x.value) * (1 + x.value)))
  }

  /// asin' = 1/√(1 − x²)
  @inlinable
  public static func asin(_ x: Dual) -> Dual {
    x.chain(.asin(x.value), 1 / .sqrt((1 - x.value) * (1 + x.value)))
  }

  /// acos' = −1/√(1 − x²)
  @inlinable
  public static func acos(_ x: Dual) -> Dual {
    x.chain(.acos(x.value), -1 / .sqrt((1 - x.value) * (1 + x.value)))
  }

  /// atan' = 1/(1 + x²)
  @inlinable
  public static func atan(_ x: Dual) -> Dual {
    x.chain(.atan(x.value), 1 / (1 + x.value * x.value))
  }

  /// erf' = 2/√π·exp(−x²)
  @inlinable
  public static func erf(_ x: Dual) -> Dual {
    x.chain(.erf(x.value), Base(2 / Double.sqrt(.pi)) * .exp(-x.value * x.value))
  }

  /// √' = 1/(2·√)
  @inlinable
  public static func sqrt(_ x: Dual) -> Dual {
    let root = Base.sqrt(x.value)
    return x.chain(root, 1 / (2 * root))
  }

  /// (x^(1/n))' = 1 / (n·(x^(1/n))ⁿ⁻¹)
  ///
  /// - Complexity: O(1): one root and one power of the base type.
  @inlinable
  public static func root(_ x: Dual, _ n: Int) -> Dual {
    let root = Base.root(x.value, n)
    return x.chain(root, 1 / (Base(Double(n)) * .pow(root, n - 1)))
  }

  /// (xⁿ)' = n·xⁿ⁻¹
  @inlinable
  public static func pow(_ x: Dual, _ n: Int) -> Dual {
    x.chain(.pow(x.value, n), n == 0 ? 0 : Base(Double(n)) * .pow(x.value, n - 1))
  }

  /// (xʸ)' = y·xʸ⁻¹·x' + log(x)·xʸ·y'
  @inlinable
  public static func pow(_ x: Dual, _ y: Dual) -> Dual {
    let power = Base.pow(x.value, y.value)
    let byBase = x.chain(power, y.value * .pow(x.value, y.value - 1))
    let byExponent = y.chain(power, .log(x.value) * power)
    return Dual(power, derivative: byBase.derivative + byExponent.derivative)
  }
}
