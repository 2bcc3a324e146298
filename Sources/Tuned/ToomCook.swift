/// Minimal filtering by the Toom-Cook construction: m outputs of a filter of r taps in n = m + r − 1
/// multiplications instead of m·r, from n interpolation points of which the last is infinity.
///
///     y = Aᵀ·[(G·g) ⊙ (Bᵀ·d)],   y[i] = Σ_j g[j]·d[i + j]
///
/// With g and y as the coefficients of polynomials, their product s(x) = g(x)·y(x), of degree n − 1, is
/// known by its values at n points: products of the values of g and y. That is Toom's and Cook's
/// multiplication. Lagrange's formula turns values into coefficients, and what leads from g and y to s
/// is, transposed, what leads from g and d to y (Winograd).
///
/// For point i of value aᵢ, with Lᵢ(x) = Π_{j≠i} (x − aⱼ) over the finite points:
///
/// - row i of A is 1, aᵢ, aᵢ², …, aᵢᵐ⁻¹;
/// - row i of G is the same up to aᵢʳ⁻¹, divided by |Lᵢ(aᵢ)|;
/// - row i of Bᵀ is the coefficients of Lᵢ, times the sign of Lᵢ(aᵢ).
///
/// Infinity's rows are the last unit vectors in A and G, and in Bᵀ the coefficients of Π (x − aⱼ). With
/// these signs, the rows of opposite points a and −a differ in all three by the sign of odd columns.
///
/// Source: S. Winograd, "Arithmetic Complexity of Computations", 1980; A. Lavin and S. Gray, "Fast
/// Algorithms for Convolutional Neural Networks", 2016.
public struct ToomCook: Hashable, Sendable, CustomStringConvertible {
  /// m
  public let outputs: Int
  /// r
  public let taps: Int
  /// The finite points, n − 1 of them.
  public let points: [Rational]
  /// (n, m): its transpose makes outputs of products.
  public let a: [[Rational]]
  /// (n, r): makes factors of the filter's taps.
  public let g: [[Rational]]
  /// Bᵀ, (n, n): makes factors of the data.
  public let b: [[Rational]]

  /// F(m, r) from its points.
  ///
  /// - Precondition: there are m + r − 2 points, all different.
  /// - Complexity: O(n³) operations on fractions.
  public init(outputs: Int, taps: Int, points: [Rational]) {
    let n = outputs + taps - 1
    precondition(
      points.count == n - 1 && Set(points).count == n - 1,
      "F(\(outputs), \(taps)) needs \(n - 1) different points, not \(points)")
    (self.outputs, self.taps, self.points) = (outputs, taps, points)
    func powers(of x: Rational, _ count: Int) -> [Rational] {
      (1..<count).reduce(into: [1]) { powers, _ in powers.append(powers[powers.count - 1] * x) }
    }
    func infinity(_ count: Int) -> [Rational] { (0..<count).map { $0 == count - 1 ? 1 : 0 } }
    /// The coefficients of Π (x − root), from the lowest on.
    func polynomial(roots: [Rational]) -> [Rational] {
      roots.reduce([1]) { p, root in
        (0...p.count).map { k in
          (k > 0 ? p[k - 1] : 0) - (k < p.count ? root * p[k] : 0)
        }
      }
    }
    let others = points.map { point in points.filter { $0 != point } }
    // Lᵢ(aᵢ)
    let values = zip(points, others).map { point, others in
      others.reduce(1) { $0 * (point - $1) }
    }
    a = points.map { powers(of: $0, outputs) } + [infinity(outputs)]
    g =
      zip(points, values).map { point, value in
        powers(of: point, taps).map { $0 / value.magnitude }
      } + [infinity(taps)]
    b =
      zip(others, values).map { others, value in
        (polynomial(roots: others) + [0]).map { value.isNegative ? 0 - $0 : $0 }
      } + [polynomial(roots: points)]
  }

  /// `F(4, 3)`.
  public var description: String { "F(\(outputs), \(taps))" }
}

/// A fraction in lowest terms, computed with exactly.
///
/// - Precondition: of all operations, that numerators and denominators stay within `Int`.
public struct Rational: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
  /// With the fraction's sign.
  public let numerator: Int
  /// Positive.
  public let denominator: Int

  /// A fraction.
  ///
  /// - Precondition: the denominator isn't 0.
  /// - Complexity: O(log) of the smaller number, for the common divisor.
  public init(_ numerator: Int, _ denominator: Int = 1) {
    precondition(denominator != 0, "\(numerator)/0 is no fraction")
    var (a, b) = (numerator.magnitude, denominator.magnitude)
    while b != 0 { (a, b) = (b, a % b) }
    let divisor = denominator < 0 ? -Int(a) : Int(a)
    (self.numerator, self.denominator) = (numerator / divisor, denominator / divisor)
  }

  /// A whole number.
  ///
  /// - Complexity: O(log value), for a common divisor that is 1.
  public init(integerLiteral value: Int) { self.init(value) }

  /// Whether it is below 0.
  public var isNegative: Bool { numerator < 0 }
  /// Without its sign.
  ///
  /// - Complexity: O(log denominator), for the common divisor.
  public var magnitude: Rational { Rational(abs(numerator), denominator) }
  /// The nearest `Double`, for numbers below 2⁵³.
  public var doubleValue: Double { Double(numerator) / Double(denominator) }
  /// `3/4`, or `2`.
  public var description: String {
    denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)"
  }

  /// The sum.
  public static func + (a: Rational, b: Rational) -> Rational {
    Rational(
      a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
  }
  /// The difference.
  public static func - (a: Rational, b: Rational) -> Rational {
    a + Rational(-b.numerator, b.denominator)
  }
  /// The product.
  public static func * (a: Rational, b: Rational) -> Rational {
    Rational(a.numerator * b.numerator, a.denominator * b.denominator)
  }
  /// The quotient.
  public static func / (a: Rational, b: Rational) -> Rational {
    Rational(a.numerator * b.denominator, a.denominator * b.numerator)
  }
}
