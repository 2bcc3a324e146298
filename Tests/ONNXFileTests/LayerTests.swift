import GradientChecking
import Layers
import ONNXFiles
import Reference
import Tensors
import Testing

/// The layers that only ONNX's graphs have, checked as all others are.
@Suite struct LayerTests {
  private func check(_ specification: some LayerSpecification, _ inputs: Shape...) throws {
    let layer = try specification.layer(on: ReferenceBackend<Double>())
    let exact = try specification.layer(on: ReferenceBackend<Dual<Double>>())
    let report = try GradientChecking.check(layer, inputs: inputs, exact: exact)
    let passed = report.passed
    #expect(passed, "\(report.explanation)")
    // Against dual numbers: the same function, differentiated exactly; sums of a few terms.
    #expect(report.tensors.allSatisfy { $0.dualRelativeError ?? .infinity <= 1e-11 })
  }

  @Test func views() throws {
    try check(ViewSpecification(.identity), Shape(2, 3))
    try check(ViewSpecification(.flatten(axis: 2)), Shape(2, 3, 2))
    try check(ViewSpecification(.reshape([3, -1], zeroCopies: true)), Shape(2, 3, 2))
  }

  @Test func sums() throws {
    try check(AddSpecification(), Shape(2, 3, 1), Shape(3, 2))
    try check(AddSpecification(constant: Shape(3)), Shape(2, 3))
    try check(AddSpecification(constant: Shape(1, 3, 1, 1)), Shape(2, 3, 2, 2))
    try check(AddSpecification(constant: Shape()), Shape(2, 3))
  }

  @Test func borders() throws {
    try check(
      BorderSpecification(before: Extent(height: 1, width: 0), after: Extent(height: 0, width: 2)),
      Shape(2, 2, 3, 2))
  }

  @Test(arguments: PoolingSpecification.Method.allCases, [true, false])
  func windows(method: PoolingSpecification.Method, countsPadding: Bool) throws {
    try check(
      WindowPoolingSpecification(
        method: method, kernel: 2, stride: Extent(height: 1, width: 2), dilation: 2,
        before: Extent(height: 1, width: 0), after: Extent(height: 0, width: 1), roundsUp: true,
        countsPadding: countsPadding), Shape(2, 2, 5, 6))
  }
}
