import RealModule

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
