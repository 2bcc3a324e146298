import Tensors

/// What one version made of one layer.
struct VersionReport: Encodable, Sendable {
  var version: Version
  /// What ran, for example `direct, NHWC`; `= fast` where a version has the layer of another one.
  /// Missing where it is the formula, or the report is deterministic.
  var algorithm: String?
  /// Medians, where several were measured. A time is missing where clocks weren't read.
  var forwardSeconds: Double?
  var backwardSeconds: Double?
  /// The least and the greatest of the times that each median is of.
  var forwardSecondsRange: [Double]?
  var backwardSecondsRange: [Double]?
  /// How far the outputs are from those of Reference; missing where they weren't compared.
  var difference: Difference?
  /// The same of the gradients with respect to the layer's input and to its parameters, the furthest
  /// of them.
  var gradientDifference: Difference?

  /// Both directions, or the only one; `nil` without times.
  var seconds: Double? { forwardSeconds.map { $0 + (backwardSeconds ?? 0) } }
}

/// How far tensors are from those of Reference. In JSON it is the number `relative`.
struct Difference: Encodable, Sendable {
  /// The greatest difference between two elements.
  var absolute = 0.0
  /// The same as a share of the largest magnitude in Reference's tensor. Of several tensors the
  /// greatest.
  var relative = 0.0

  /// Takes in one more tensor. NaN stays.
  ///
  /// - Complexity: O(count).
  mutating func add(_ tensor: Tensor<Float>, reference: Tensor<Float>) {
    add(
      reference.largestDifference(to: tensor), largestMagnitude: reference.largestMagnitude)
  }

  /// Takes in what the elements of one more tensor differ by.
  mutating func add(_ difference: Double, largestMagnitude: Double) {
    func greatest(_ a: Double, _ b: Double) -> Double { a.isNaN || a > b ? a : b }
    absolute = greatest(absolute, difference)
    relative = greatest(
      relative, largestMagnitude == 0 ? difference : difference / largestMagnitude)
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(relative)
  }
}

extension [VersionReport] {
  /// What a version made of the layer, if it was run.
  subscript(version: Version) -> VersionReport? { first { $0.version == version } }
}

/// A number of one version: a value, a loss, a time.
struct VersionValue: Encodable, Sendable {
  var version: Version
  var value: Double
}

extension [VersionValue] {
  /// The number of a version, if there is one.
  subscript(version: Version) -> Double? { first { $0.version == version }?.value }
}
