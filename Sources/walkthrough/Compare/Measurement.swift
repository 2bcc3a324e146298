import Foundation

/// Times of one thing, measured several times.
struct Measurement {
  private(set) var seconds: [Double] = []

  /// Measures once more.
  mutating func time(_ work: () throws -> Void) rethrows {
    let duration = try ContinuousClock().measure(work)
    seconds.append(
      Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18)
  }

  /// Takes over the times of another measurement.
  mutating func add(_ other: Measurement) {
    seconds += other.seconds
  }

  /// The middle of the measured times; NaN without any.
  var median: Double { seconds.median }

  /// The same, or nothing without any.
  var medianIfAny: Double? { seconds.isEmpty ? nil : median }

  /// The least and the greatest time, if anything was measured.
  var rangeIfAny: [Double]? { seconds.isEmpty ? nil : [range.least, range.greatest] }

  /// The least and the greatest time.
  var range: (least: Double, greatest: Double) {
    (seconds.min() ?? .nan, seconds.max() ?? .nan)
  }
}

extension [Double] {
  /// The middle of the numbers, or the mean of the two in the middle; NaN without any.
  var median: Double {
    let sorted = sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// What the system says of this process and its machine.
enum SystemReadings {
  /// The processor's name.
  static var processor: String {
    let lines = text("/proc/cpuinfo").split(separator: "\n")
    let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return name.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
  }

  /// The most memory held since the last reset, in bytes; 0 where it can't be read.
  static var peakMemoryBytes: Int {
    let line = text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    return (kilobytes.flatMap { Int($0) } ?? 0) * 1024
  }

  /// Makes the peak start anew from what is held now.
  static func resetPeakMemory() {
    try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
  }

  /// The pages that the process had to be given so far.
  static var pageFaults: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_minflt + usage.ru_majflt
  }

  private static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }
}

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
