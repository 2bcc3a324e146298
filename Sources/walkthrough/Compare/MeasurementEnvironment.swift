import Fast

extension CompareReport.Environment {
  /// Under what circumstances this program measures now.
  static func current(threads: Int, batch: Int, warmup: Int, repeats: Int) -> Self {
    .init(
      build: BuildMode.name, processor: SystemReadings.processor,
      blas: "\(BLASLibrary.version), \(BLASLibrary.kernels) kernels; Float by "
        + BLASLibrary.floatProducts,
      threads: threads, batch: batch, warmup: warmup, repeats: repeats)
  }

  /// The first lines of what a command shows: what was measured, then where. Of a debug build
  /// the first says that its times say nothing.
  ///
  /// - Parameter varied: `batch` or `threads`, if the table below has a row for each value.
  func heading(_ title: String, varying varied: String? = nil) -> [String] {
    let first =
      build == "debug"
      ? "DEBUG BUILD: these times say nothing. Build in release mode: script/walkthrough compare"
      : "\(title), \(build) build"
    let fixed = [
      varied == "threads" ? nil : "\(threads) threads", varied == "batch" ? nil : "batch \(batch)",
    ].compactMap { $0 }
    return [
      first, "processor \(processor), \(fixed.joined(separator: ", "))", blas,
      "medians of \(repeats) runs after \(warmup) to warm up",
    ]
  }
}
