import Tensors
import Testing

@testable import Tuned

/// F(2, 3) as in most books, with the points 0, 1 and −1, and the schemes in use.
private let schemes = [
  ToomCook(outputs: 2, taps: 3, points: [1, -1, 0]), MinimalFilters.toomCook43,
  MinimalFilters.toomCook35,
]

@Suite("Minimal filtering")
struct ToomCookTests {
  /// Σ_p A[p][i]·G[p][j]·Bᵀ[p][k] is 1 where k = i + j and 0 elsewhere: with it, all three directions are
  /// right, outputs from data and filter, and either gradient. In fractions, so without any rounding.
  @Test("The trilinear form is the convolution's, exactly", arguments: schemes)
  func exact(_ scheme: ToomCook) {
    let n = scheme.outputs + scheme.taps - 1
    for i in 0..<scheme.outputs {
      for j in 0..<scheme.taps {
        for k in 0..<n {
          let sum = (0..<n).reduce(Rational(0)) {
            $0 + scheme.a[$1][i] * scheme.g[$1][j] * scheme.b[$1][k]
          }
          #expect(sum == (k == i + j ? 1 : 0), "\(scheme): output \(i), tap \(j), data \(k)")
        }
      }
    }
  }

  @Test("F(2, 3) is that of the books, but for the order of its points and signs")
  func book() {
    let scheme = schemes[0]
    let half = Rational(1, 2)
    #expect(scheme.description == "F(2, 3)")
    #expect(scheme.a == [[1, 1], [1, -1], [1, 0], [0, 1]])
    #expect(scheme.g == [[half, half, half], [half, 0 - half, half], [1, 0, 0], [0, 0, 1]])
    #expect(scheme.b == [[0, 1, 1, 0], [0, -1, 1, 0], [1, 0, -1, 0], [0, -1, 0, 1]])
  }

  /// The numbers of chapter 18: how much larger than its data an output's terms can be.
  @Test("The growth of the schemes")
  func growth() {
    func growth(_ scheme: ToomCook) -> Double {
      let n = scheme.outputs + scheme.taps - 1
      func sum(_ row: [Rational]) -> Double { row.reduce(0) { $0 + $1.magnitude.doubleValue } }
      return (0..<scheme.outputs).map { i in
        (0..<n).reduce(0) {
          $0 + scheme.a[$1][i].magnitude.doubleValue * sum(scheme.g[$1]) * sum(scheme.b[$1])
        }
      }.max() ?? 0
    }
    let half = Rational(1, 2)
    let expected: [(ToomCook, Double)] = [
      (schemes[0], 8),
      (ToomCook(outputs: 4, taps: 3, points: [0, 1, -1, 2, -2]), 48),
      (MinimalFilters.toomCook43, 27.4),
      (ToomCook(outputs: 6, taps: 3, points: [0, half, 0 - half, 1, -1, 2, -2]), 67.7),
      (ToomCook(outputs: 3, taps: 5, points: [0, half, 1, -1, 2, -2]), 81.5),
      (MinimalFilters.toomCook35, 53.8),
    ]
    for (scheme, value) in expected {
      #expect(abs(growth(scheme) - value) < 0.05, "\(scheme) of \(scheme.points)")
    }
  }

  /// Aᵀ·[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]·A of whole numbers, each matrix multiplied by the least number that leaves it
  /// no fractions: the result is the convolution times the squares of these three, without any rounding.
  /// For F(3, 5) they have 76 bits, and results 10 more.
  @Test("In two dimensions, exactly", arguments: schemes)
  func exactInTwoDimensions(_ scheme: ToomCook) {
    typealias Matrix = [[Int128]]
    func whole(_ matrix: [[Rational]]) -> (scale: Int128, Matrix) {
      let scale = matrix.joined().reduce(Int128(1)) { scale, x in
        scale * Int128((Rational(Int(scale)) / Rational(x.denominator)).denominator)
      }
      return (
        scale, matrix.map { $0.map { Int128($0.numerator) * (scale / Int128($0.denominator)) } }
      )
    }
    func times(_ a: Matrix, _ b: Matrix) -> Matrix {
      a.map { row in b[0].indices.map { j in b.indices.reduce(0) { $0 + row[$1] * b[$1][j] } } }
    }
    func transposed(_ a: Matrix) -> Matrix { a[0].indices.map { j in a.map { $0[j] } } }
    func around(_ p: Matrix, _ x: Matrix) -> Matrix { times(times(p, x), transposed(p)) }
    let ((aScale, a), (gScale, g), (bScale, b)) = (
      whole(scheme.a), whole(scheme.g), whole(scheme.b)
    )
    let (m, r, n) = (scheme.outputs, scheme.taps, b.count)
    let scale = aScale * aScale * gScale * gScale * bScale * bScale
    var generator = SplitMix64(seed: 4)
    func random(_ count: Int) -> Matrix {
      (0..<count).map { _ in
        (0..<count).map { _ in Int128(Int.random(in: -5...5, using: &generator)) }
      }
    }
    for _ in 0..<10 {
      let (data, filter) = (random(n), random(r))
      let products = zip(around(b, data), around(g, filter)).map { zip($0, $1).map(*) }
      let output = around(transposed(a), products)
      for y in 0..<m {
        for x in 0..<m {
          var sum: Int128 = 0
          for i in 0..<r {
            for j in 0..<r { sum += filter[i][j] * data[y + i][x + j] }
          }
          #expect(output[y][x] == sum * scale, "\(scheme) at \(y), \(x)")
        }
      }
    }
  }

  /// Of the largest output of a tile: some hundred roundings of 1.1e-16, of numbers that are tens of times as
  /// large as the result, gave 1.4e-14 at most in 20,000 tiles of F(3, 5), and less in the other schemes.
  @Test("In two dimensions, to 1e-13 in Double", arguments: schemes)
  func twoDimensions(_ scheme: ToomCook) {
    typealias Matrix = [[Double]]
    func times(_ a: Matrix, _ b: Matrix) -> Matrix {
      a.map { row in b[0].indices.map { j in b.indices.reduce(0) { $0 + row[$1] * b[$1][j] } } }
    }
    func transposed(_ a: Matrix) -> Matrix { a[0].indices.map { j in a.map { $0[j] } } }
    func around(_ p: Matrix, _ x: Matrix) -> Matrix { times(times(p, x), transposed(p)) }
    func double(_ a: [[Rational]]) -> Matrix { a.map { $0.map(\.doubleValue) } }
    let (a, g, b) = (double(scheme.a), double(scheme.g), double(scheme.b))
    let (m, r, n) = (scheme.outputs, scheme.taps, b.count)
    var generator = SplitMix64(seed: 3)
    func random(_ count: Int) -> Matrix {
      (0..<count).map { _ in (0..<count).map { _ in generator.nextNormal() } }
    }
    for _ in 0..<100 {
      let (data, filter) = (random(n), random(r))
      let products = zip(around(b, data), around(g, filter)).map { zip($0, $1).map(*) }
      let output = around(transposed(a), products)
      var (error, largest) = (0.0, 0.0)
      for y in 0..<m {
        for x in 0..<m {
          var sum = 0.0
          for i in 0..<r {
            for j in 0..<r { sum += filter[i][j] * data[y + i][x + j] }
          }
          error = max(error, abs(output[y][x] - sum))
          largest = max(largest, abs(sum))
        }
      }
      #expect(error < 1e-13 * largest, "\(scheme)")
    }
  }

  @Test("Fractions are in lowest terms")
  func fractions() {
    #expect(Rational(6, -4) == Rational(-3, 2))
    #expect(Rational(0, -7) == 0)
    #expect((Rational(1, 6) + Rational(1, 3)).description == "1/2")
    #expect((Rational(3, 4) / Rational(-3, 2)).description == "-1/2")
    #expect(Rational(-3, 4).magnitude - Rational(3, 4) == 0)
    #expect(Rational(-3, 4).doubleValue == -0.75)
  }
}
