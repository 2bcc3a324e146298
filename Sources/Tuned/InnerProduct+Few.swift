import Fast
import Tensors

/// The inner product of a few images, bound by memory: each weight is read once, in the order in
/// which it lies there, and nothing else is of its size.
///
/// A matrix product copies the weights into another order first, or jumps from row to row.
extension InnerProduct {
  /// The lanes of a vector: as many images can be summed for at a time.
  static var lanes: Int { 16 }

  /// Whether the weights are read once for all images.
  func areFew(_ sizes: InnerProductSizes) -> Bool {
    sizes.images <= Self.lanes && engine.uses(.fewImages)
  }

  /// The outputs of a piece.
  private static var outputsAtOnce: Int { 64 }

  /// out[n,k] = b[k] + Σ_d w[k,d] · in[n,d], four k at a time. The memory is that of `forwardMany`.
  @inline(__always)
  func forwardByDotProducts(
    _ sizes: InnerProductSizes, _ input: UnsafePointer<Scalar>, _ weights: UnsafePointer<Scalar>,
    _ bias: UnsafePointer<Scalar>?, _ output: UnsafeMutablePointer<Scalar>, _ slope: Scalar?
  ) {
    let blocks = Partition(sizes.outputs, partsOfAtMost: Self.outputsAtOnce)
    let readsFour = engine.uses(.fourRows)
    engine.run(blocks.parts) { piece in
      let (first, end) = (blocks[piece].lowerBound, blocks[piece].upperBound)
      for n in 0..<sizes.images {
        // Row k of the weights and row n of the input hold D numbers each.
        let image = input + n * sizes.inputs
        let sums = output + n * sizes.outputs
        var k = first
        while readsFour && k + 4 <= end {
          let four = image.dots(weights + k * sizes.inputs, stride: sizes.inputs, sizes.inputs)
          for i in 0..<4 { sums[k + i] = four[i] }
          k += 4
        }
        while k < end {
          sums[k] = image.dot(weights + k * sizes.inputs, sizes.inputs)
          k += 1
        }
        let part = sums + first
        if let bias { part.add(bias + first, end - first) }
        if let slope { part.rectify(part, slope: slope, end - first) }
      }
    }
  }

  /// As above, for all n in the lanes of a vector: there are at most 16.
  @inline(__always)
  func forwardInLanes(
    _ sizes: InnerProductSizes, _ input: UnsafePointer<Scalar>, _ weights: UnsafePointer<Scalar>,
    _ bias: UnsafePointer<Scalar>?, _ output: UnsafeMutablePointer<Scalar>, _ slope: Scalar?
  ) {
    let lanes = Self.lanes
    engine.lend(sizes.inputs * lanes, of: Scalar.self) { columns in
      transpose(sizes, input, to: columns)
      let blocks = Partition(sizes.outputs, partsOfAtMost: Self.outputsAtOnce)
      engine.run(blocks.parts) { piece in
        var k = blocks[piece].lowerBound
        let end = blocks[piece].upperBound
        // Rows k to k + 7 of the weights exist, and D vectors of the input.
        while k + 8 <= end {
          var (a, b) = (SIMD16<Scalar>(repeating: 0), SIMD16<Scalar>(repeating: 0))
          var (c, d, e, f, g, h) = (a, a, a, a, a, a)
          let row = weights + k * sizes.inputs
          let row4 = row + 4 * sizes.inputs
          for i in 0..<sizes.inputs {
            let x = UnsafePointer(columns).vector(at: i &* lanes)
            a = Vectors.multiplyAdd(a, x, SIMD16(repeating: row[i]))
            b = Vectors.multiplyAdd(b, x, SIMD16(repeating: row[i &+ sizes.inputs]))
            c = Vectors.multiplyAdd(c, x, SIMD16(repeating: row[i &+ 2 &* sizes.inputs]))
            d = Vectors.multiplyAdd(d, x, SIMD16(repeating: row[i &+ 3 &* sizes.inputs]))
            e = Vectors.multiplyAdd(e, x, SIMD16(repeating: row4[i]))
            f = Vectors.multiplyAdd(f, x, SIMD16(repeating: row4[i &+ sizes.inputs]))
            g = Vectors.multiplyAdd(g, x, SIMD16(repeating: row4[i &+ 2 &* sizes.inputs]))
            h = Vectors.multiplyAdd(h, x, SIMD16(repeating: row4[i &+ 3 &* sizes.inputs]))
          }
          for sum in [a, b, c, d, e, f, g, h] {
            write(sum, k, sizes, bias, output, slope)
            k += 1
          }
        }
        while k < end {
          let row = weights + k * sizes.inputs
          var sum = SIMD16<Scalar>(repeating: 0)
          for i in 0..<sizes.inputs {
            sum += UnsafePointer(columns).vector(at: i &* lanes) * row[i]
          }
          write(sum, k, sizes, bias, output, slope)
          k += 1
        }
      }
    }
  }

  /// columns[d, n] = in[n, d], and 0 in the lanes that have no image: D × lanes are written.
  @inline(__always)
  private func transpose(
    _ sizes: InnerProductSizes, _ input: UnsafePointer<Scalar>,
    to columns: UnsafeMutablePointer<Scalar>
  ) {
    let lanes = Self.lanes
    let blocks = Partition(sizes.inputs, partsOfAtMost: 1024)
    engine.run(blocks.parts) { piece in
      let range = blocks[piece]
      (columns + range.lowerBound * lanes).fill(range.count * lanes, with: 0)
      for n in 0..<sizes.images {
        let image = input + n * sizes.inputs
        for d in range { columns[d &* lanes &+ n] = image[d] }
      }
    }
  }

  /// ∂L/∂in[n,d] = Σ_k ∂L/∂out[n,k] · w[k,d]: eight rows of weights at a time.
  ///
  /// A piece reads stretches of the rows one after the other, and keeps its sums in the cache. The
  /// memory is that of `gradient` N×D, `upstream` N×K and weights K×D.
  @inline(__always)
  func setInputGradientOfFew(
    _ gradient: UnsafeMutablePointer<Scalar>, _ upstream: UnsafePointer<Scalar>,
    _ weights: UnsafePointer<Scalar>, _ sizes: InnerProductSizes
  ) {
    let (images, outputs) = (sizes.images, sizes.outputs)
    let blocks = Partition(sizes.inputs, partsOfAtMost: 512)
    engine.lend(outputs * images, of: Scalar.self) { byOutput in
      for n in 0..<images {
        for k in 0..<outputs { byOutput[k * images + n] = upstream[n * outputs + k] }
      }
      engine.run(blocks.parts, scratch: images * blocks.largest, of: Scalar.self) { piece, sums in
        let range = blocks[piece]
        sums.fill(images * range.count, with: 0)
        var k = 0
        while k < outputs {
          let count = min(8, outputs - k)
          let rows = weights + k * sizes.inputs + range.lowerBound
          let factors = UnsafePointer(byOutput + k * images)
          if count == 8 {
            addRows(rows, stride: sizes.inputs, range.count, factors, images, to: sums)
          } else {
            for i in 0..<count {
              for n in 0..<images {
                let row = rows + i * sizes.inputs
                let target = sums + n * range.count
                for d in 0..<range.count { target[d] += factors[i * images + n] * row[d] }
              }
            }
          }
          k += count
        }
        for n in 0..<images {
          (gradient + n * sizes.inputs + range.lowerBound)
            .update(from: sums + n * range.count, count: range.count)
        }
      }
    }
  }

  /// sums[n, d] += Σ_i factors[i, n] · rows[i, d] over eight rows of `count` elements, `stride`
  /// apart; `factors` is 8 × images, `sums` images × count.
  @inline(__always)
  private func addRows(
    _ rows: UnsafePointer<Scalar>, stride: Int, _ count: Int, _ factors: UnsafePointer<Scalar>,
    _ images: Int, to sums: UnsafeMutablePointer<Scalar>
  ) {
    let rows4 = rows + 4 * stride
    let whole = count / 16 * 16
    for d in Swift.stride(from: 0, to: whole, by: 16) {
      let (row0, row1) = (rows.vector(at: d), rows.vector(at: d &+ stride))
      let (row2, row3) = (rows.vector(at: d &+ 2 &* stride), rows.vector(at: d &+ 3 &* stride))
      let (row4, row5) = (rows4.vector(at: d), rows4.vector(at: d &+ stride))
      let (row6, row7) = (rows4.vector(at: d &+ 2 &* stride), rows4.vector(at: d &+ 3 &* stride))
      for n in 0..<images {
        let factor = { (i: Int) in SIMD16(repeating: factors[i &* images &+ n]) }
        let target = sums + n &* count
        // Two sums, so that fewer additions wait for each other.
        var a = UnsafePointer(target).vector(at: d)
        a = Vectors.multiplyAdd(a, factor(0), row0)
        var b = factor(1) * row1
        a = Vectors.multiplyAdd(a, factor(2), row2)
        b = Vectors.multiplyAdd(b, factor(3), row3)
        a = Vectors.multiplyAdd(a, factor(4), row4)
        b = Vectors.multiplyAdd(b, factor(5), row5)
        a = Vectors.multiplyAdd(a, factor(6), row6)
        b = Vectors.multiplyAdd(b, factor(7), row7)
        target.store(a + b, at: d)
      }
    }
    for d in whole..<count {
      for n in 0..<images {
        var sum = sums[n * count + d]
        for i in 0..<8 { sum += factors[i * images + n] * rows[i * stride + d] }
        sums[n * count + d] = sum
      }
    }
  }

  /// Hands each image its output k < K; lanes beyond the last image are left out.
  @inline(__always)
  private func write(
    _ sums: SIMD16<Scalar>, _ k: Int, _ sizes: InnerProductSizes, _ bias: UnsafePointer<Scalar>?,
    _ output: UnsafeMutablePointer<Scalar>, _ slope: Scalar?
  ) {
    var y = bias.map { sums + $0[k] } ?? sums
    if let slope {
      y.replace(with: slope == 0 ? SIMD16(repeating: 0) : slope * y, where: negative(y))
    }
    for n in 0..<sizes.images { output[n * sizes.outputs + k] = y[n] }
  }

  @inline(__always)
  private func negative(_ y: SIMD16<Scalar>) -> SIMDMask<SIMD16<Scalar.SIMDMaskScalar>> {
    Scalar.isGreater(SIMD16(repeating: 0), than: y)
  }
}
