/// How this program was built.
enum BuildMode {
  /// Whether the optimiser was left out, so that times say nothing.
  static var isDebug: Bool {
    var isDebug = false
    // Only a debug build evaluates assertions.
    assert(
      {
        isDebug = true
        return true
      }())
    return isDebug
  }

  /// `release` or `debug`.
  static var name: String { isDebug ? "debug" : "release" }
}
