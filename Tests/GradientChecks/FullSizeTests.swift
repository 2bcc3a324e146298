import Fast
import GradientChecking
import NetworkChecking
import Networks
import Tensors
import Testing

/// CaffeNet as it is, 60,965,224 parameters: too much for every element, not for directions that
/// move them all.
@Suite struct FullSizeGradients {
  @Test func ofCaffeNetAreRight() throws {
    let network = try Network(caffenet(), backend: FastBackend<Double>())
    #expect(network.plan.parameterCount == 60_965_224)
    var generator = SplitMix64(seed: 3)
    // Pixels less their mean have a deviation of some 60.
    try network.load(
      images: .normal(network.input.shape, deviation: 60, using: &generator), labels: [3])
    // The naive passes on dual numbers have no threads to watch, and take minutes each if they are
    // watched.
    let report = try check(
      network, exact: isWatchedForRaces ? nil : exactVersion,
      options: CheckOptions(
        mode: .sampled(2), directions: 1, exactElements: 0, isEconomical: true))
    let passed = report.passed
    #expect(passed, "\(report.explanation)")
    #expect(report.tensors.count == 16)
    var summary = Summary(version: network.backendName)
    for tensor in report.tensors {
      // A direction's derivative is a sum over up to 38 million elements. On dual numbers it is
      // exact but for rounding.
      #expect(
        isWatchedForRaces || tensor.dualRelativeError ?? 1 <= 1e-12,
        "\(tensor.layer) \(tensor.tensor)")
      summary.add(tensor)
    }
    summary.layer = "CaffeNet at full size"
    print(summary.line)
  }
}
