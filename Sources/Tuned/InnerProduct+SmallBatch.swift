import Fast
import Tensors

/// The inner product of up to 16 images, bound by memory: each weight is read once, in the order in
/// which it lies there, and nothing else is of its size.
extension InnerProduct {
  /// The images that a vector holds.
  static var lanes: Int { 16 }
  /// The outputs of a piece.
  private static var outputsAtOnce: Int { 64 }

  /// out[n, k] = b[k] + Σ_d w[k, d] · in[n, d], four k at a time.
  ///
  /// input (N, D), weights (K, D), bias (K), output (N, K)
  func forwardByDotProducts(
    _ sizes: Sizes, _ input: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ bias: UnsafePointer<Float>?, _ output: UnsafeMutablePointer<Float>
  ) {
    let blocks = Partition(sizes.outputs, partsOfAtMost: Self.outputsAtOnce)
    engine.run(blocks.parts) { piece in
      let block = blocks[piece]
      for n in 0..<sizes.images {
        let image = input + n * sizes.inputs
        let sums = output + n * sizes.outputs
        let whole = block.lowerBound + block.count / 4 * 4
        for k in stride(from: block.lowerBound, to: whole, by: 4) {
          let four: InlineArray<4, Float> = dots(image, weights + k * sizes.inputs, sizes.inputs)
          for i in 0..<4 { sums[k + i] = four[i] }
        }
        for k in whole..<block.upperBound {
          let one: InlineArray<1, Float> = dots(image, weights + k * sizes.inputs, sizes.inputs)
          sums[k] = one[0]
        }
        if let bias { (sums + block.lowerBound).add(bias + block.lowerBound, block.count) }
      }
    }
  }

  /// Σ_d image[d] · rows[i, d] for each row, in an order that depends on `count` alone.
  ///
  /// Of several rows memory is read ahead in each; one row after the other would leave it waiting.
  /// Two sums for a row, so that fewer additions wait for each other.
  @inline(__always)
  private func dots<let n: Int>(
    _ image: UnsafePointer<Float>, _ rows: UnsafePointer<Float>, _ count: Int
  ) -> InlineArray<n, Float> {
    var a = InlineArray<n, Vector>(repeating: Vector(repeating: 0))
    var b = a
    let whole = count / 32 * 32
    for d in stride(from: 0, to: whole, by: 32) {
      let (x, y) = (image.vector(at: d), image.vector(at: d + 16))
      for i in 0..<n {
        // ← Σ_d, w, in
        a[i] += x * rows.vector(at: i * count + d)
        b[i] += y * rows.vector(at: i * count + d + 16)
      }
    }
    var sums = InlineArray<n, Float>(repeating: 0)
    for i in 0..<n { sums[i] = (a[i] + b[i]).sum() }
    for d in whole..<count {
      for i in 0..<n { sums[i] += image[d] * rows[i * count + d] }
    }
    return sums
  }

  /// The same for all n in the lanes of a vector: the images side by side are a row of b of a tile
  /// (`Microkernel`), and the weights are a, read where they lie.
  func forwardInLanes(
    _ sizes: Sizes, _ input: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ bias: UnsafePointer<Float>?, _ output: UnsafeMutablePointer<Float>
  ) {
    // columns: (D, 16)
    engine.lend(sizes.inputs * Self.lanes, of: Float.self) { columns in
      transpose(sizes, input, to: columns)
      let blocks = Partition(sizes.outputs, partsOfAtMost: Self.outputsAtOnce)
      engine.run(blocks.parts, scratch: 8 * Self.lanes, of: Float.self) { piece, tile in
        let block = blocks[piece]
        for k in stride(from: block.lowerBound, to: block.upperBound, by: 8) {
          let count = min(8, block.upperBound - k)
          var sums = Microkernel<8, 1>()
          sums.add(
            inner: sizes.inputs, weights + k * sizes.inputs,
            Microkernel<8, 1>.offsets(count, stride: sizes.inputs), step: 1
          ) { d in Microkernel<8, 1>.row(columns + d * Self.lanes) }
          sums.store(tile, stride: Self.lanes)
          for i in k..<k + count {
            for n in 0..<sizes.images {
              // ← out, b
              output[n * sizes.outputs + i] = tile[(i - k) * Self.lanes + n] + (bias?[i] ?? 0)
            }
          }
        }
      }
    }
  }

  /// columns[d, n] = in[n, d], and 0 in the lanes that have no image.
  private func transpose(
    _ sizes: Sizes, _ input: UnsafePointer<Float>, to columns: UnsafeMutablePointer<Float>
  ) {
    let blocks = Partition(sizes.inputs, partsOfAtMost: 1024)
    engine.run(blocks.parts) { piece in
      let first = blocks[piece].lowerBound
      Tuned.transpose(rows: sizes.images, columns: blocks[piece].count) { n, d, count in
        (input + n * sizes.inputs + first + d)
          .vector(first: count, before: input + sizes.images * sizes.inputs)
      } to: { _, d, _, vector in
        columns.store(vector, at: (first + d) * Self.lanes)
      }
    }
  }

  /// ∂L/∂in[n, d] = Σ_k ∂L/∂out[n, k] · w[k, d]: eight rows of weights at a time.
  ///
  /// A piece reads stretches of the rows one after the other, and keeps its sums in the cache.
  ///
  /// gradient (N, D), upstream (N, K), weights (K, D)
  func setInputGradientOfSmallBatch(
    _ gradient: UnsafeMutablePointer<Float>, _ upstream: UnsafePointer<Float>,
    _ weights: UnsafePointer<Float>, _ sizes: Sizes
  ) {
    let blocks = Partition(sizes.inputs, partsOfAtMost: 512)
    engine.run(blocks.parts, scratch: sizes.images * blocks.largest, of: Float.self) {
      piece, sums in
      let block = blocks[piece]
      sums.fill(sizes.images * block.count, with: 0)
      for k in stride(from: 0, to: sizes.outputs, by: 8) {
        addRows(
          weights + k * sizes.inputs + block.lowerBound, stride: sizes.inputs,
          min(8, sizes.outputs - k), columns: block.count, factors: upstream + k,
          stride: sizes.outputs, images: sizes.images, to: sums)
      }
      for n in 0..<sizes.images {
        (gradient + n * sizes.inputs + block.lowerBound)
          .update(from: sums + n * block.count, count: block.count)
      }
    }
  }

  /// sums[n, d] += Σ_i factors[n, i] · rows[i, d]
  ///
  /// rows (count ≤ 8, columns), factors (images, count), sums (images, columns)
  private func addRows(
    _ rows: UnsafePointer<Float>, stride rowStride: Int, _ count: Int, columns: Int,
    factors: UnsafePointer<Float>, stride factorStride: Int, images: Int,
    to sums: UnsafeMutablePointer<Float>
  ) {
    let whole = count == 8 ? columns / 16 * 16 : 0
    for d in stride(from: 0, to: whole, by: 16) {
      let row = InlineArray<8, Vector> { rows.vector(at: $0 &* rowStride &+ d) }
      for n in 0..<images {
        let factor = factors + n &* factorStride
        let target = sums + (n &* columns &+ d)
        // Two sums, so that fewer additions wait for each other.
        var a = UnsafePointer(target).vector(at: 0)
        var b = factor[1] * row[1]
        for i in stride(from: 0, to: 8, by: 2) {
          // ← ∂in Σ_k, w, ∂L/∂out
          a.addProduct(Vector(repeating: factor[i]), row[i])
          if i > 0 { b.addProduct(Vector(repeating: factor[i + 1]), row[i + 1]) }
        }
        // ← ∂in ∂L/∂in
        target.store(a + b, at: 0)
      }
    }
    for n in 0..<images {
      for i in 0..<count {
        let factor = factors[n * factorStride + i]
        for d in whole..<columns { sums[n * columns + d] += factor * rows[i * rowStride + d] }
      }
    }
  }
}
