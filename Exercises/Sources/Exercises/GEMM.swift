import Workbench

/// Exercise `gemm`: a product of matrices that is kind to the cache.
///
///     c[i,j] += Σ_p a[i,p] · b[p,j]
///
/// `a` has M×P numbers, `b` P×N and `c` M×N: element (i, j) is `c[i, j]`, and the extents are `c.rows`
/// and `c.columns`. `c` holds zeros at first.
///
/// The matrices lie in memory behind a small cache of 512 numbers, which fetches 8 neighbours of a row
/// at a time and counts how often it has to (`CountingCache`). Three plain loops give the right
/// result, but when the cache is smaller than b, each number of b is fetched anew for each row of a. Cut
/// the loops into blocks, so that what a block of each matrix holds is used as often as possible
/// before other numbers push it out of the cache. The matrices' extents needn't be whole numbers of
/// blocks.
///
/// Replace the `gap` with your code, then run `script/exercise gemm`.
public func multiply(_ a: CachedMatrix, _ b: CachedMatrix, into c: CachedMatrix) {
  gap("product")
}
