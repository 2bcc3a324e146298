import Fast

extension Engine {
  /// What the tuned layers multiply matrices by.
  var productKernel: ProductKernel {
    guard uses(.ownProduct) else { return .openBLAS }
    return uses(.cachedProduct) ? .fastest : .fastestWithoutCaching
  }
}
