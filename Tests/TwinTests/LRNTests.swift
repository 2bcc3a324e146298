import Fast
import Layers
import Reference
import Tensors
import Testing

@testable import Tuned

private typealias LRNCase = Case<LRNSpecification>

private let shapes: [(String, LRNSpecification, Shape)] = [
  ("Caffe's defaults", .init(), Shape(2, 7, 5, 6)),
  ("as norm1", .init(localSize: 5, alpha: 1e-4), Shape(1, 13, 27, 27)),
  ("size 1", .init(localSize: 1), Shape(2, 3, 4, 5)),
  ("size 3, k 2", .init(localSize: 3, alpha: 0.5, k: 2), Shape(1, 5, 4, 3)),
  ("β 0.5", .init(localSize: 3, beta: 0.5), Shape(3, 4, 5, 3)),
  ("β 0", .init(localSize: 3, beta: 0), Shape(1, 4, 5, 3)),
  ("larger than what it looks at", .init(localSize: 9), Shape(2, 2, 3, 2)),
  ("prime sizes", .init(localSize: 7, alpha: 2), Shape(1, 11, 23, 29)),
  ("one position", .init(localSize: 5), Shape(3, 17, 1, 1)),
  ("no images", .init(), Shape(0, 7, 5, 6)),
]

private let cases = shapes.flatMap { label, specification, input in
  LRNSpecification.Region.allCases.map { region in
    var specification = specification
    specification.region = region
    return LRNCase("\(region), \(label)", specification, input)
  }
}

@Suite("LRN: Reference and Fast agree")
struct LRNTests {
  @Test(arguments: cases)
  fileprivate func agree(_ testCase: LRNCase) throws {
    try compare(testCase) { Fast.LRN<Float>(testCase.specification, engine: $0) }
    try compare(testCase) { Fast.LRN<Double>(testCase.specification, engine: $0) }
  }

  @Test("Tuned agrees too", arguments: cases)
  fileprivate func tuned(_ testCase: LRNCase) throws {
    try compare(testCase) { Tuned.LRN(testCase.specification, engine: $0) }
    let isPlanned =
      testCase.specification.beta == 0.75 && testCase.specification.region == .acrossChannels
    #expect(
      Tuned.LRN(testCase.specification).algorithm(for: testCase.input)
        == (isPlanned ? "x^−¾ by Newton's method" : "= fast"))
  }

  private func compare<Scalar: BLASScalar>(
    _ testCase: LRNCase, fast: (Engine) -> any Layer<Scalar>
  ) throws {
    let specification = testCase.specification
    let n = specification.localSize
    let neighbours = specification.region == .acrossChannels ? n : n * n
    // A sum of squares in s, and one over the neighbours in the gradient; two roots, a product and
    // a division, or a power, and a few products.
    let tolerance = Tolerance(terms: [neighbours, 2 * neighbours], roundings: 8)
    try TwinTests.compare(
      testCase, Scalar.self, tolerance: tolerance,
      reference: Reference.LRN<Scalar>(specification), fast: fast)
  }

  @Test("Infinities and NaN go the same way", arguments: cases)
  fileprivate func extremes(_ testCase: LRNCase) throws {
    var input = try Data<Float>(testCase.specification, testCase.input).input
    let extremes: [Float] = [.infinity, .nan, 1e30, 0]
    for i in stride(from: 0, to: input.count, by: 11) { input[i] = extremes[i / 11 % 4] }
    let reference = try Reference.LRN<Float>(testCase.specification).forward(input)
    for fast in [
      try Fast.LRN<Float>(testCase.specification).forward(input),
      try Tuned.LRN(testCase.specification).forward(input),
    ] {
      for i in 0..<input.count {
        let (a, b) = (reference.output[i], fast.output[i])
        #expect(a.isNaN == b.isNaN && (a.isNaN || a == b || abs(a - b) <= 1e-5 * abs(a)))
      }
    }
  }
}
