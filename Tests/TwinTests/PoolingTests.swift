import Fast
import Layers
import Reference
import Tensors
import Testing

@testable import Tuned

private typealias PoolingCase = Case<PoolingSpecification>

private let shapes: [(String, PoolingSpecification, Shape)] = [
  ("overlapping, as pool1", .init(.maximum, kernel: 3, stride: 2), Shape(2, 3, 13, 15)),
  ("cut by the border", .init(.maximum, kernel: 3, stride: 2), Shape(3, 2, 8, 10)),
  (
    "rounded down", .init(.maximum, kernel: 3, stride: 2, rounding: .floor), Shape(1, 2, 8, 10)
  ),
  ("pad", .init(.maximum, kernel: 3, stride: 2, pad: 1), Shape(2, 3, 7, 8)),
  ("a dropped last window", .init(.maximum, kernel: 2, stride: 2, pad: 1), Shape(1, 2, 5, 7)),
  ("apart", .init(.maximum, kernel: 2, stride: 2), Shape(1, 5, 7, 9)),
  ("every position", .init(.maximum, kernel: 3, stride: 1, pad: 1), Shape(1, 3, 5, 7)),
  (
    "rectangular",
    .init(
      .maximum, kernel: Extent(height: 2, width: 4), stride: Extent(height: 1, width: 3),
      pad: Extent(height: 0, width: 2)), Shape(2, 3, 6, 11)
  ),
  ("1×1", .init(.maximum, kernel: 1), Shape(2, 2, 3, 3)),
  ("global", .init(global: .maximum), Shape(2, 5, 6, 7)),
  ("global, large", .init(global: .maximum), Shape(1, 2, 41, 37)),
  ("large windows, few", .init(.maximum, kernel: 9, stride: 9), Shape(1, 2, 20, 29)),
  ("prime sizes", .init(.maximum, kernel: 5, stride: 3, pad: 2), Shape(1, 7, 31, 29)),
  ("as large as conv1's", .init(.maximum, kernel: 3, stride: 2), Shape(1, 17, 55, 55)),
  ("no images", .init(.maximum, kernel: 3, stride: 2), Shape(0, 3, 7, 8)),
]

/// Each for the maximum and the average.
private let cases = shapes.flatMap { label, specification, input in
  PoolingSpecification.Method.allCases.map { method in
    var specification = specification
    specification.method = method
    return PoolingCase("\(method), \(label)", specification, input)
  }
}

@Suite("Pooling: Reference and Fast agree")
struct PoolingTests {
  @Test(arguments: cases)
  fileprivate func agree(_ testCase: PoolingCase) throws {
    try compare(testCase, whole: false) { Fast.Pooling<Float>(testCase.specification, engine: $0) }
    try compare(testCase, whole: false) { Fast.Pooling<Double>(testCase.specification, engine: $0) }
    try compare(testCase, whole: false) { Tuned.Pooling(testCase.specification, engine: $0) }
  }

  @Test("Ties: seven values for many positions", arguments: cases)
  fileprivate func ties(_ testCase: PoolingCase) throws {
    try compare(testCase, whole: true) { Fast.Pooling<Float>(testCase.specification, engine: $0) }
    try compare(testCase, whole: true) { Fast.Pooling<Double>(testCase.specification, engine: $0) }
    try compare(testCase, whole: true) { Tuned.Pooling(testCase.specification, engine: $0) }
  }

  private func compare<Scalar: BLASScalar>(
    _ testCase: PoolingCase, whole: Bool, fast: (Engine) -> any Layer<Scalar>
  ) throws {
    let specification = testCase.specification
    let area = specification.kernel(for: testCase.input).area
    // A maximum is one of the values, and its gradients are added in the order of the outputs. An
    // average sums over the window; the gradient over the windows that meet, not more than that.
    let tolerance =
      specification.method == .maximum
      ? Tolerance.none : Tolerance(terms: [area, area], roundings: 2)
    try TwinTests.compare(
      testCase, Scalar.self, whole: whole, tolerance: tolerance,
      reference: Reference.Pooling<Scalar>(specification), fast: fast)
  }

  @Test("The shapes of a sliding maximum, and some that are Fast's")
  func plans() {
    let overlapping = PoolingSpecification(.maximum, kernel: 3, stride: 2)
    #expect(SlidingMaximum(overlapping, Shape(2, 3, 13, 13)) != nil)
    #expect(
      SlidingMaximum(
        PoolingSpecification(.maximum, kernel: 3, stride: 2, pad: 1), Shape(2, 3, 8, 9)) != nil)
    #expect(SlidingMaximum(overlapping, Shape(2, 3, 4, 4)) == nil)
    #expect(
      SlidingMaximum(
        PoolingSpecification(.average, kernel: 3, stride: 2), Shape(2, 3, 13, 13)) == nil)
    #expect(
      SlidingMaximum(
        PoolingSpecification(.maximum, kernel: 11, stride: 11), Shape(2, 3, 44, 44)) == nil)
  }

  @Test("The positions of the maxima are the same", arguments: cases)
  fileprivate func positions(_ testCase: PoolingCase) throws {
    var input = try Data<Float>(testCase.specification, testCase.input, whole: true).input
    try expectPositions(testCase.specification, input)
    // Values that are greater than nothing, in many places and then everywhere.
    for value in [Float.nan, -.infinity, -.greatestFiniteMagnitude] {
      for i in stride(from: 0, to: input.count, by: 2) { input[i] = value }
      try expectPositions(testCase.specification, input)
      try expectPositions(
        testCase.specification, Tensor(testCase.input, repeating: value))
    }
  }

  private func expectPositions(
    _ specification: PoolingSpecification, _ input: Tensor<Float>
  ) throws {
    let reference = try Reference.Pooling<Float>(specification).forward(input)
    for fast in [
      try Fast.Pooling<Float>(specification).forward(input),
      try Tuned.Pooling(specification).forward(input),
    ] {
      #expect(reference.saved.maxPositions == fast.saved.maxPositions)
      #expect(
        reference.output.largestDifference(to: fast.output)
          <= (specification.method == .maximum ? 0 : 1e-5))
    }
  }
}
