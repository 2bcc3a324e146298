import Tensors

/// The inner product of a few images, bound by memory: each weight is read once, and nothing else
/// is of its size.
///
/// A matrix product copies the weights into another order first. For one image, dot products take
/// a third of its time; for eight or sixteen, vectors of images take 0.6 of it.
extension InnerProduct {
  /// The lanes of a vector: as many images can be summed for at a time.
  static var lanes: Int { 16 }

  /// The outputs of a piece.
  private static var outputsAtOnce: Int { 64 }

  /// out[n,k] = b[k] + Σ_d w[k,d] · in[n,d], one sum after the other. The memory is that of
  /// `forwardMany`.
  @inline(__always)
  func forwardByDotProducts(
    _ sizes: InnerProductSizes, _ input: UnsafePointer<Scalar>, _ weights: UnsafePointer<Scalar>,
    _ bias: UnsafePointer<Scalar>?, _ output: UnsafeMutablePointer<Scalar>, _ slope: Scalar?
  ) {
    let blocks = Partition(sizes.outputs, partsOfAtMost: Self.outputsAtOnce)
    engine.run(blocks.parts) { piece in
      let (first, count) = (blocks[piece].lowerBound, blocks[piece].count)
      for k in blocks[piece] {
        // Row k of the weights and row n of the input hold D numbers each.
        let row = weights + k * sizes.inputs
        for n in 0..<sizes.images {
          output[n * sizes.outputs + k] = row.dot(input + n * sizes.inputs, sizes.inputs)
        }
      }
      for n in 0..<sizes.images {
        let part = output + n * sizes.outputs + first
        if let bias { part.add(bias + first, count) }
        if let slope { part.rectify(part, slope: slope, count) }
      }
    }
  }

  /// As above, for all n in the lanes of a vector.
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
            a += x * row[i]
            b += x * row[i &+ sizes.inputs]
            c += x * row[i &+ 2 &* sizes.inputs]
            d += x * row[i &+ 3 &* sizes.inputs]
            e += x * row4[i]
            f += x * row4[i &+ sizes.inputs]
            g += x * row4[i &+ 2 &* sizes.inputs]
            h += x * row4[i &+ 3 &* sizes.inputs]
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
