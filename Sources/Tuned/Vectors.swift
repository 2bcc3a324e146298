import CProcessor
import Tensors

/// The loops that several layers share. Each runs over contiguous memory and is written so that
/// the compiler makes vectors of it: no branches, no calls, one index.
///
/// Each touches `count` elements from the pointers that it is given on, which the caller has: whole
/// vectors up to the last multiple of 16, 32 or 64 in `count`, then one by one.
enum Vectors {
  /// The elements of a piece of work that goes through memory once: large enough that handing it
  /// out costs nothing beside it, small enough to stay in a core's cache.
  static let pieceCount = 1 << 15

  /// sum + a·b, in one instruction where this build may use one: without, it would be a call for
  /// each element.
  @inline(__always)
  static func multiplyAdd<Number: TunedScalar>(
    _ sum: SIMD16<Number>, _ a: SIMD16<Number>, _ b: SIMD16<Number>
  ) -> SIMD16<Number> {
    BUILT_FOR_FMA == 1 ? sum.addingProduct(a, b) : sum + a * b
  }
}

extension UnsafeMutablePointer where Pointee: TunedScalar {
  /// Sets `count` elements.
  @inline(__always)
  func fill(_ count: Int, with value: Pointee) {
    for i in 0..<count { self[i] = value }
  }

  /// self[i] ← values[i] + constant
  @inline(__always)
  func set(_ values: UnsafePointer<Pointee>, plus constant: Pointee, _ count: Int) {
    for i in 0..<count { self[i] = values[i] + constant }
  }

  /// self[i] ← self[i] + values[i]
  @inline(__always)
  func add(_ values: UnsafePointer<Pointee>, _ count: Int) {
    for i in 0..<count { self[i] += values[i] }
  }

  /// y = x, or slope·x where x < 0; with slope 0 that is 0, for −∞ too. NaN stays NaN.
  ///
  /// Reads and writes `count` elements; `values` may be this memory. The vectors are spelled out,
  /// since of the plain loop in place the compiler makes a store that depends on the sign: with
  /// signs that nothing predicts, that is slow.
  @inline(__always)
  func rectify(_ values: UnsafePointer<Pointee>, slope: Pointee, _ count: Int) {
    let whole = count / 16 * 16
    let zeros = SIMD16<Pointee>(repeating: 0)
    if slope == 0 {
      for i in stride(from: 0, to: whole, by: 16) {
        var x = values.vector(at: i)
        x.replace(with: zeros, where: Pointee.isGreater(zeros, than: x))
        store(x, at: i)
      }
    } else {
      for i in stride(from: 0, to: whole, by: 16) {
        var x = values.vector(at: i)
        x.replace(with: slope * x, where: Pointee.isGreater(zeros, than: x))
        store(x, at: i)
      }
    }
    for i in whole..<count {
      let x = values[i]
      self[i] = x < 0 ? (slope == 0 ? 0 : slope * x) : x
    }
  }

  /// ∂L/∂x = ∂L/∂y where `signs` > 0, else slope·∂L/∂y; `signs` is x or y.
  ///
  /// Reads and writes `count` elements; `upstream` may be this memory.
  @inline(__always)
  func backRectify(
    _ upstream: UnsafePointer<Pointee>, signs: UnsafePointer<Pointee>, slope: Pointee, _ count: Int
  ) {
    let whole = count / 16 * 16
    let zeros = SIMD16<Pointee>(repeating: 0)
    for i in stride(from: 0, to: whole, by: 16) {
      let gradient = upstream.vector(at: i)
      var result = slope * gradient
      result.replace(
        with: gradient, where: Pointee.isGreater(signs.vector(at: i), than: zeros))
      store(result, at: i)
    }
    for i in whole..<count {
      let gradient = upstream[i]
      self[i] = signs[i] > 0 ? gradient : slope * gradient
    }
  }

  /// Sets elements i..<i + 16, which must exist.
  @inline(__always)
  func store(_ vector: SIMD16<Pointee>, at i: Int) {
    UnsafeMutableRawPointer(self + i).storeBytes(of: vector, as: SIMD16<Pointee>.self)
  }
}

extension UnsafePointer where Pointee: TunedScalar {
  /// The sum of `count` elements, in an order that depends on `count` alone: 32 running sums.
  @inline(__always)
  func sum(_ count: Int) -> Pointee {
    var (a, b) = (SIMD16<Pointee>(repeating: 0), SIMD16<Pointee>(repeating: 0))
    let whole = count / 32 * 32
    for i in Swift.stride(from: 0, to: whole, by: 32) {
      a += vector(at: i)
      b += vector(at: i + 16)
    }
    var total = (a + b).sum()
    for i in whole..<count { total += self[i] }
    return total
  }

  /// Σ self[i]·other[i] over `count` elements, in an order that depends on `count` alone.
  @inline(__always)
  func dot(_ other: UnsafePointer<Pointee>, _ count: Int) -> Pointee {
    var (a, b) = (SIMD16<Pointee>(repeating: 0), SIMD16<Pointee>(repeating: 0))
    var (c, d) = (a, b)
    let whole = count / 64 * 64
    for i in Swift.stride(from: 0, to: whole, by: 64) {
      a += vector(at: i) * other.vector(at: i)
      b += vector(at: i + 16) * other.vector(at: i + 16)
      c += vector(at: i + 32) * other.vector(at: i + 32)
      d += vector(at: i + 48) * other.vector(at: i + 48)
    }
    var total = ((a + b) + (c + d)).sum()
    for i in whole..<count { total += self[i] * other[i] }
    return total
  }

  /// `dot` with each of four rows, which start `stride` elements from each other.
  ///
  /// One row after the other would leave memory waiting: its prefetchers run ahead in each row.
  @inline(__always)
  func dots(_ rows: UnsafePointer<Pointee>, stride: Int, _ count: Int) -> SIMD4<Pointee> {
    let (row1, row2, row3) = (rows + stride, rows + 2 * stride, rows + 3 * stride)
    var (a0, a1, a2, a3) = (zeros, zeros, zeros, zeros)
    var (b0, b1, b2, b3) = (zeros, zeros, zeros, zeros)
    let whole = count / 32 * 32
    for i in Swift.stride(from: 0, to: whole, by: 32) {
      let (x, y) = (vector(at: i), vector(at: i + 16))
      a0 += x * rows.vector(at: i)
      a1 += x * row1.vector(at: i)
      a2 += x * row2.vector(at: i)
      a3 += x * row3.vector(at: i)
      b0 += y * rows.vector(at: i + 16)
      b1 += y * row1.vector(at: i + 16)
      b2 += y * row2.vector(at: i + 16)
      b3 += y * row3.vector(at: i + 16)
    }
    var sums = SIMD4((a0 + b0).sum(), (a1 + b1).sum(), (a2 + b2).sum(), (a3 + b3).sum())
    for i in whole..<count {
      sums += self[i] * SIMD4(rows[i], row1[i], row2[i], row3[i])
    }
    return sums
  }

  private var zeros: SIMD16<Pointee> { SIMD16(repeating: 0) }

  /// Elements i..<i + 16, which must exist.
  @inline(__always)
  func vector(at i: Int) -> SIMD16<Pointee> {
    UnsafeRawPointer(self + i).loadUnaligned(as: SIMD16<Pointee>.self)
  }
}
