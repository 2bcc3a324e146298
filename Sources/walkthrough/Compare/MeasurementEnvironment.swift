import Fast

extension CompareReport.Environment {
  /// Under what circumstances this program measures now.
  static func current(threads: Int, batch: Int, warmup: Int, repeats: Int) -> Self {
    .init(
      build: BuildMode.name, processor: SystemReadings.processor,
      blas: "\(BLASLibrary.version), \(BLASLibrary.kernels) kernels",
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
    return [
      first, "processor \(processor), \(fixed(varying: varied))", blas,
      "medians of \(repeats) runs after \(warmup) to warm up",
    ]
  }

  /// The line below a chart's title: the same in brief.
  ///
  /// - Parameter varied: `batch` or `threads`, if the chart has bars for each value.
  func caption(varying varied: String? = nil) -> String {
    let build = build == "debug" ? "DEBUG BUILD: these times say nothing" : "\(build) build"
    return "\(processor), \(fixed(varying: varied)), \(build), medians of \(repeats)"
  }

  private func fixed(varying varied: String?) -> String {
    [
      varied == "threads" ? nil : "\(threads) threads", varied == "batch" ? nil : "batch \(batch)",
    ].compactMap { $0 }.joined(separator: ", ")
  }
}
