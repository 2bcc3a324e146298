import Workbench

/// A solution of exercise `gemm`: a product of matrices that is kind to the cache.
public func multiply(_ a: CachedMatrix, _ b: CachedMatrix, into c: CachedMatrix) {
  // Three blocks of 8×8 numbers: 192 of 512.
  let block = 8
  for firstRow in stride(from: 0, to: c.rows, by: block) {
    for firstColumn in stride(from: 0, to: c.columns, by: block) {
      for first in stride(from: 0, to: a.columns, by: block) {
        for i in firstRow..<min(firstRow + block, c.rows) {
          for j in firstColumn..<min(firstColumn + block, c.columns) {
            var sum = c[i, j]
            for p in first..<min(first + block, a.columns) { sum += a[i, p] * b[p, j] }
            c[i, j] = sum
          }
        }
      }
    }
  }
}
