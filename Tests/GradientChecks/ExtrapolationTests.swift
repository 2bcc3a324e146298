import RealModule
import Testing

@testable import GradientChecking

@Suite struct DifferenceQuotients {
  /// Centred quotients of f at x with steps that halve, as exact as Double allows.
  private func quotients(
    of f: (Double) -> Double, at x: Double, first: Double, count: Int
  ) -> [Quotient] {
    (0..<count).map { k in
      let h = first * .pow(0.5, k)
      let value = (f(x + h) - f(x - h)) / (2 * h)
      return Quotient(step: h, value: value, rounding: 4e-16 * (abs(f(x)) / h + abs(value)))
    }
  }

  @Test func extrapolateToManyDigits() throws {
    let cases: [(String, (Double) -> Double, Double, Double)] = [
      ("exp", { .exp($0) }, 1, .exp(1)),
      ("sin", { .sin($0) }, 0.4, .cos(0.4)),
      ("1/x", { 1 / $0 }, 2, -0.25),
      ("log", { .log($0) }, 0.7, 1 / 0.7),
      ("LRN", { $0 * .pow(1 + 0.2 * $0 * $0, -0.75) }, 0, 1),
    ]
    for (name, f, x, expected) in cases {
      let limit = try #require(
        extrapolate(quotients(of: f, at: x, first: 0.25, count: 7), power: 2), "\(name)")
      #expect(abs(limit.value - expected) <= limit.error, "\(name): the bar must hold")
      // The best plain quotient is good to 1e-10 or so.
      #expect(abs(limit.value - expected) <= 1e-12 * abs(expected), "\(name)")
      #expect(limit.error <= 1e-11, "\(name): the bar must be narrow")
    }
  }

  @Test func fromOneSideTakesThePowerOne() throws {
    let rows = (0..<7).map { k in
      let h = 0.25 * Double.pow(0.5, k)
      return Quotient(
        step: h, value: (Double.exp(1 + h) - Double.exp(1)) / h, rounding: 2e-15 / h)
    }
    let limit = try #require(extrapolate(rows, power: 1))
    #expect(abs(limit.value - .exp(1)) <= limit.error)
    #expect(limit.error <= 1e-9)
  }

  /// max(0, x) from 1e-4 beside its kink: the first steps reach across it and seem to converge to
  /// one half; the smaller ones know better.
  @Test func aKinkWithinTheFirstStepsIsFoundOut() throws {
    let rows = (0..<20).map { k in
      let h = 0.25 * Double.pow(0.5, k)
      let x = 1e-4
      return Quotient(
        step: h, value: (max(0, x + h) - max(0, x - h)) / (2 * h), rounding: 1e-16 / h)
    }
    let early = try #require(extrapolate(Array(rows.prefix(6)), power: 2))
    #expect(abs(early.value - 0.5) < 0.01)
    let all = try #require(extrapolate(rows, power: 2))
    #expect(abs(all.value - 1) <= all.error)
    #expect(all.error <= 1e-10)
    #expect(all.largestStep <= 1e-4)
  }

  @Test func rowsBeyondTheDomainAreLeftOut() throws {
    let limit = try #require(
      extrapolate(quotients(of: { .log($0) }, at: 0.1, first: 0.25, count: 9), power: 2))
    #expect(abs(limit.value - 10) <= limit.error)
    #expect(limit.error <= 1e-8)
  }

  @Test func oneRowIsNotEnough() {
    #expect(extrapolate([Quotient(step: 1, value: 1, rounding: 0)], power: 2) == nil)
    #expect(extrapolate([], power: 2) == nil)
  }

  @Test func numbersAreFormatted() {
    #expect(0.0.formatted(digits: 3) == "0")
    #expect(2.0.formatted(digits: 4) == "2")
    #expect((1.0 / 3).formatted(digits: 4) == "0.3333")
    #expect((-1234.5).formatted(digits: 3) == "-1.23e3")
    #expect(1.25e-10.formatted(digits: 3) == "1.25e-10")
    #expect(0.00099999.formatted(digits: 2) == "0.001")
    #expect(999.9.formatted(digits: 3) == "1e3")
    #expect(Double.infinity.formatted(digits: 3) == "inf")
    #expect(Double.leastNonzeroMagnitude.formatted(digits: 3).hasSuffix("e-324"))
  }
}
