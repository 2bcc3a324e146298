import Fast
import Layers
import Reference
import Tensors
import Testing

@testable import Tuned

private typealias InnerProductCase = Case<InnerProductSpecification>

private let cases = [
  InnerProductCase("a vector", InnerProductSpecification(outputs: 5), Shape(1, 7)),
  InnerProductCase("a long vector", InnerProductSpecification(outputs: 67), Shape(1, 1031)),
  InnerProductCase("images", InnerProductSpecification(outputs: 11), Shape(3, 4, 3, 5)),
  InnerProductCase("as many as lanes", InnerProductSpecification(outputs: 77), Shape(16, 103)),
  InnerProductCase("one more", InnerProductSpecification(outputs: 77), Shape(17, 103)),
  InnerProductCase("a batch", InnerProductSpecification(outputs: 300), Shape(37, 101)),
  InnerProductCase("tiles", InnerProductSpecification(outputs: 270), Shape(6, 800)),
  InnerProductCase(
    "no bias", InnerProductSpecification(outputs: 9, hasBias: false), Shape(5, 2, 3, 3)),
  InnerProductCase(
    "no bias, one image", InnerProductSpecification(outputs: 9, hasBias: false), Shape(1, 18)),
  InnerProductCase("axis 2", InnerProductSpecification(outputs: 4, axis: 2), Shape(3, 5, 2, 3)),
  InnerProductCase("axis 0", InnerProductSpecification(outputs: 4, axis: 0), Shape(3, 5)),
  InnerProductCase("no images", InnerProductSpecification(outputs: 4), Shape(0, 5)),
]

/// Batches of each plan, on numbers that fill no vector, tile or block.
private let batches = [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17].map {
  InnerProductCase(
    "a batch of \($0)", InnerProductSpecification(outputs: 77), Shape($0, 1031))
}

@Suite("InnerProduct: Reference and Fast agree")
struct InnerProductTests {
  @Test(arguments: cases)
  fileprivate func agree(_ testCase: InnerProductCase) throws {
    try compare(testCase) { Fast.InnerProduct<Float>(testCase.specification, engine: $0) }
    try compare(testCase) { Fast.InnerProduct<Double>(testCase.specification, engine: $0) }
  }

  @Test("Tuned agrees too", arguments: cases + batches)
  fileprivate func tuned(_ testCase: InnerProductCase) throws {
    try compare(testCase) { Tuned.InnerProduct(testCase.specification, engine: $0) }
  }

  @Test("A number of images has its plan", .enabled(if: Tile.isSupported))
  func plans() {
    let layer = Tuned.InnerProduct(.init(outputs: 5))
    for (images, name) in [
      (0, "= fast"), (1, "dot products, 4 rows"), (3, "dot products, 4 rows"),
      (4, "16 images in a vector"), (16, "16 images in a vector"), (17, "GEMM, packed"),
    ] {
      #expect(layer.algorithm(for: Shape(images, 7)) == name)
    }
  }

  private func compare<Scalar: BLASScalar>(
    _ testCase: InnerProductCase, fast: (Engine) -> any Layer<Scalar>
  ) throws {
    let specification = testCase.specification
    let images = try specification.outputShape(for: testCase.input).count / specification.outputs
    let tolerance = Tolerance(terms: [
      // A sum over the inputs and the bias; over the outputs; over the images and what was there.
      specification.inputs(for: testCase.input) + 1, specification.outputs, images + 1, images + 1,
    ])
    try TwinTests.compare(
      testCase, Scalar.self, tolerance: tolerance,
      reference: Reference.InnerProduct<Scalar>(specification), fast: fast)
    // Whole numbers leave no room for rounding.
    try TwinTests.compare(
      testCase, Scalar.self, whole: true, tolerance: .none,
      reference: Reference.InnerProduct<Scalar>(specification), fast: fast)
  }
}
