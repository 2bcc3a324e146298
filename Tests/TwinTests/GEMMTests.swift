import Fast
import Tensors
import Testing

@testable import Tuned

/// Rows, columns and length of the sum: around the edges of tiles (8 × 16, 32, 48 and 6 × 16), of
/// strips (48 and 480 rows) and of chunks (256 and 640).
private let sizes = [
  (1, 1, 1), (8, 48, 5), (7, 47, 33), (9, 49, 16), (16, 64, 256), (17, 65, 257), (31, 15, 17),
  (6, 16, 3), (50, 97, 30), (481, 16, 9),
  (33, 100, 700), (64, 33, 641), (513, 20, 50), (20, 530, 40), (5, 3, 0), (0, 4, 3), (4, 0, 3),
]

/// How a product reads its matrices, and whether it adds.
private struct Mode: CustomTestStringConvertible {
  var transposesA, transposesB, adding: Bool

  static let all = [false, true].flatMap { a in
    [false, true].flatMap { b in
      [false, true].map { Mode(transposesA: a, transposesB: b, adding: $0) }
    }
  }

  var testDescription: String {
    "A\(transposesA ? "ᵀ" : "")·B\(transposesB ? "ᵀ" : "")\(adding ? ", added" : "")"
  }
}

@Suite("The matrix product of Tuned")
struct GEMMTests {
  /// Whole numbers up to 8: each sum is below 2²⁴, so that any order of additions is exact.
  @Test("Exact on whole numbers, whatever the edges", arguments: sizes, Mode.all)
  fileprivate func exact(size: (rows: Int, columns: Int, inner: Int), mode: Mode) {
    let (rows, columns, inner) = size
    // Rows of memory that are longer than those of the matrices.
    let aStride = (mode.transposesA ? rows : inner) + 3
    let bStride = (mode.transposesB ? inner : columns) + 5
    let cStride = columns + 2
    var generator = SplitMix64(seed: 1)
    func numbers(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float(Int.random(in: -8...8, using: &generator)) }
    }
    let a = numbers(aStride * (mode.transposesA ? inner : rows) + 1)
    let b = numbers(bStride * (mode.transposesB ? columns : inner) + 1)
    let start = numbers(cStride * rows + 1)

    var expected = start
    for i in 0..<rows {
      for j in 0..<columns {
        var sum: Float = mode.adding ? start[i * cStride + j] : 0
        for p in 0..<inner {
          sum +=
            a[mode.transposesA ? p * aStride + i : i * aStride + p]
            * b[mode.transposesB ? j * bStride + p : p * bStride + j]
        }
        expected[i * cStride + j] = sum
      }
    }

    var product = start
    product.withUnsafeMutableBufferPointer { c in
      let (aRows, aColumns) = mode.transposesA ? (inner, rows) : (rows, inner)
      let (bRows, bColumns) = mode.transposesB ? (columns, inner) : (inner, columns)
      let a = Matrix(a, aRows, aColumns, stride: aStride)
      let b = Matrix(b, bRows, bColumns, stride: bStride)
      GEMM.multiply(
        mode.transposesA ? a.transposed : a, mode.transposesB ? b.transposed : b,
        into: Matrix(c.baseAddress!, rows, columns, stride: cStride), adding: mode.adding)
    }
    // What lies between the rows is left alone too.
    #expect(product == expected)
  }

  @Test("As near to the exact product as its rounding allows")
  func rounding() {
    let (rows, columns, inner) = (40, 70, 1500)
    var generator = SplitMix64(seed: 2)
    func numbers(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
    }
    let (a, b) = (numbers(rows * inner), numbers(inner * columns))
    var c = numbers(rows * columns)
    c.withUnsafeMutableBufferPointer { c in
      GEMM.multiply(
        Matrix(a, rows, inner), Matrix(b, inner, columns),
        into: Matrix(c.baseAddress!, rows, columns))
    }
    for i in 0..<rows {
      for j in 0..<columns {
        let terms = (0..<inner).map { Double(a[i * inner + $0]) * Double(b[$0 * columns + j]) }
        // Each of n additions rounds a sum that is at most Σ|terms|, by half a unit of 2⁻²³.
        let bound = Double(inner) * 0x1p-24 * terms.reduce(0) { $0 + abs($1) }
        #expect(abs(Double(c[i * columns + j]) - terms.reduce(0, +)) <= bound)
      }
    }
  }
}
