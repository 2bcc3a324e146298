import RealModule
import Tensors
import Testing

@Suite struct DualNumbers {
  /// A function, its derivative as a formula, and points where both are tried.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var function: @Sendable (Dual<Double>) -> Dual<Double>
    var derivative: @Sendable (Double) -> Double
    var points: [Double]

    init(
      _ name: String, _ function: @escaping @Sendable (Dual<Double>) -> Dual<Double>,
      _ derivative: @escaping @Sendable (Double) -> Double, at points: [Double]
    ) {
      testDescription = name
      self.function = function
      self.derivative = derivative
      self.points = points
    }
  }

  static let everywhere = [-2.5, -1, -0.3, 0, 0.7, 1, 3.2]
  static let positive = [1e-9, 0.3, 1, 2.5, 1e9]
  static let inside = [-0.99, -0.5, 0, 0.2, 0.999]

  static let cases = [
    Case("exp", { .exp($0) }, { .exp($0) }, at: everywhere),
    Case("expMinusOne", { .expMinusOne($0) }, { .exp($0) }, at: everywhere + [1e-12]),
    Case("log", { .log($0) }, { 1 / $0 }, at: positive),
    Case("log(1 + x)", { .log(onePlus: $0) }, { 1 / (1 + $0) }, at: positive + [-0.9, 0]),
    Case("sinh", { .sinh($0) }, { .cosh($0) }, at: everywhere),
    Case("cosh", { .cosh($0) }, { .sinh($0) }, at: everywhere),
    Case("tanh", { .tanh($0) }, { 1 / (.cosh($0) * .cosh($0)) }, at: everywhere),
    Case("sin", { .sin($0) }, { .cos($0) }, at: everywhere),
    Case("cos", { .cos($0) }, { -.sin($0) }, at: everywhere),
    Case("tan", { .tan($0) }, { 1 / (.cos($0) * .cos($0)) }, at: everywhere),
    Case("asinh", { .asinh($0) }, { 1 / .sqrt(1 + $0 * $0) }, at: everywhere),
    Case("acosh", { .acosh($0) }, { 1 / .sqrt($0 * $0 - 1) }, at: [1.25, 2, 50]),
    Case("atanh", { .atanh($0) }, { 1 / (1 - $0 * $0) }, at: inside),
    Case("asin", { .asin($0) }, { 1 / .sqrt(1 - $0 * $0) }, at: inside),
    Case("acos", { .acos($0) }, { -1 / .sqrt(1 - $0 * $0) }, at: inside),
    Case("atan", { .atan($0) }, { 1 / (1 + $0 * $0) }, at: everywhere),
    Case("erf", { .erf($0) }, { 2 / .sqrt(.pi) * .exp(-$0 * $0) }, at: everywhere),
    Case("√", { .sqrt($0) }, { 0.5 / .sqrt($0) }, at: positive),
    Case("cube root", { .root($0, 3) }, { .pow($0, -2.0 / 3) / 3 }, at: positive),
    Case("x³", { .pow($0, 3) }, { 3 * $0 * $0 }, at: everywhere),
    Case("x⁻²", { .pow($0, -2) }, { -2 / ($0 * $0 * $0) }, at: positive + [-2]),
    Case("x⁰", { .pow($0, 0) }, { _ in 0 }, at: everywhere),
    Case(
      "x^−0.75", { .pow($0, Dual(-0.75)) }, { -0.75 * .pow($0, -1.75) }, at: positive),
    Case("2^x", { .pow(Dual(2), $0) }, { .log(2) * .pow(2, $0) }, at: everywhere),
    Case("x^x", { .pow($0, $0) }, { .pow($0, $0) * (.log($0) + 1) }, at: [0.3, 1, 2.5]),
    Case("sum", { $0 + $0 + 3 }, { _ in 2 }, at: everywhere),
    Case("difference", { 3 - $0 }, { _ in -1 }, at: everywhere),
    Case("product", { $0 * $0 * 5 }, { 10 * $0 }, at: everywhere),
    Case(
      "product in place",
      { x in
        var y = x
        y *= x
        return y
      }, { 2 * $0 }, at: everywhere),
    Case(
      "quotient", { (1 + $0) / (2 + $0 * $0) },
      { x in (2 + x * x - (1 + x) * 2 * x) / ((2 + x * x) * (2 + x * x)) }, at: everywhere),
    Case("|x|", { $0.magnitude }, { $0 < 0 ? -1 : 1 }, at: [-2, 3]),
  ]

  @Test(arguments: cases)
  func differentiates(_ entry: Case) {
    for point in entry.points {
      let result = entry.function(Dual(point, derivative: 2))
      let expected = 2 * entry.derivative(point)
      // A few roundings apart, amplified where 1 − x² or the like cancels: at 0.999, 500 times.
      let allowed = 1e-13 * max(abs(expected), 1e-3)
      #expect(abs(result.derivative - expected) <= allowed, "at \(point)")
      let constant = entry.function(Dual(point))
      #expect(constant.derivative == 0, "a constant stays one, at \(point)")
      #expect(constant.value == result.value)
    }
  }

  @Test func compareByValue() {
    #expect(Dual(1.0, derivative: 5) == Dual(1.0, derivative: -5))
    #expect(Dual(1.0, derivative: 5) < Dual(2.0, derivative: 0))
    #expect(max(Dual(1.0, derivative: 5), Dual(2.0, derivative: 7)).derivative == 7)
    #expect(Dual(1.0, derivative: 2).doubleValue == 1)
    #expect("\(Dual(3.0, derivative: 1))" == "3.0 + 1.0ε")
    #expect(Dual<Double>(exactly: 7)?.value == 7)
  }

  @Test func nestForSecondDerivatives() {
    // d²/dx² exp(x²) = (2 + 4x²)·exp(x²)
    let x = 0.8
    let seed = Dual(Dual(x, derivative: 1), derivative: Dual(1.0, derivative: 0))
    let result = Dual<Dual<Double>>.exp(seed * seed)
    let expected = (2 + 4 * x * x) * Double.exp(x * x)
    #expect(abs(result.derivative.derivative - expected) <= 1e-14 * expected)
  }

  @Test func workInFloatToo() {
    let x = Dual<Float>(3, derivative: 1)
    #expect((x * x).derivative == 6)
  }
}
