import Layers
import Reference
import Tensors

/// What the tour says of a layer. The built-in specifications conform, each in a file of its own; of a
/// layer of one's own, which doesn't, `PlainTour` says what every specification knows.
protocol LayerTour {
  /// What the layer does, before anything is computed.
  ///
  /// - Parameters:
  ///   - input: the shape of the first input, of one image.
  ///   - output: that of the output.
  func explanation(_ input: Shape, _ output: Shape) -> Explanation

  /// One output value by hand; `nil` where the tour doesn't know how.
  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample?

  /// One value of the gradient by the input, or by a parameter, by hand; `nil` likewise.
  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample?

  /// The hyper-parameters for programs and for the page's script.
  func settings(_ input: Shape) -> LayerReport.Settings

  /// Parts of the layer that don't see each other; one, without numbers, unless it has several.
  var groupCount: Int { get }

  /// This layer with few channels, and the extents of an input for it: what a gradient check of
  /// milliseconds takes. `nil` where there is no gradient.
  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])?

  /// Positions of the input at which two versions of it lie on different sides of the layer's kink.
  ///
  /// - Throws: `LayerError` for inputs that the layer refuses.
  func kinksBetween(_ a: Tensor<Float>, _ b: Tensor<Float>) throws(LayerError) -> [Int]

  /// The colour of the layer on the page: one of the classes of its style sheet.
  var kind: String { get }

  /// Whether the page lets the window of the value by hand be moved, and how.
  var sliding: Sliding? { get }

  /// Whether the page that computes has this layer with these settings: `network.js` has what it needs.
  var isLive: Bool { get }

  /// Whether the first bottom is the scores of the classes.
  var readsScores: Bool { get }

  /// Whether channels that are all 0 say something: those of a mask's output only say what was dropped.
  var countsZeros: Bool { get }

  /// Where to read on, and what to try.
  var lesson: CourseEntry? { get }
}

/// What the page's window moves over.
enum Sliding: String, Encodable, Sendable { case positions, channels }

/// A chapter of Docs and its exercise.
struct CourseEntry: Encodable, Equatable, Sendable {
  /// The number, title and file of the chapter.
  var chapter: Int
  var title: String
  var file: String
  /// What `script/exercise` calls the exercise, if there is one.
  var exercise: String?

  /// In a line.
  var text: String {
    "chapter \(chapter), \(title): \(file)" + (exercise.map { "; script/exercise \($0)" } ?? "")
  }
}

/// What a gradient is taken by.
enum GradientTensor: Equatable {
  case input
  case parameter(Int)
}

/// What a layer has computed on one image.
struct LayerPass {
  /// Before the layer ran, which matters in place.
  var input: Tensor<Float>
  var output: Tensor<Float>
  var parameters: [Tensor<Float>]
  /// The phase and randomness from before the layer ran.
  var context: RunContext
  var label: Int
}

/// What the tour says of a layer before anything is computed.
struct Explanation {
  /// What the layer does, in a sentence or two.
  var summary: String
  /// With the layer's numbers put in.
  var formula: Formula
  /// How the output's shape follows from the input's.
  var arithmetic: [String]
  /// What the backward pass does, in a sentence or two.
  var backward: String
  /// The gradients by parameters and input.
  var gradients: [Formula] = []

  /// The line on the shape of a layer that keeps it.
  static func unchanged(_ input: Shape) -> String {
    "the shape stays: " + Format.extents(Array(input.dimensions.dropFirst()))
  }
}

extension LayerTour {
  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? { nil }
  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? { nil }
  func settings(_ input: Shape) -> LayerReport.Settings { .init() }
  var groupCount: Int { 1 }
  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? { nil }
  func kinksBetween(_ a: Tensor<Float>, _ b: Tensor<Float>) throws(LayerError) -> [Int] { [] }
  var kind: String { "own" }
  var sliding: Sliding? { nil }
  var isLive: Bool { false }
  var readsScores: Bool { false }
  var countsZeros: Bool { true }
  var lesson: CourseEntry? { nil }
}

extension LayerSpecification {
  /// What the tour says of this layer.
  var tour: any LayerTour { self as? any LayerTour ?? PlainTour(specification: self) }
}

/// What can be said of any layer.
struct PlainTour: LayerTour {
  var specification: any LayerSpecification

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    Explanation(
      summary:
        "A layer of type \(type(of: specification).typeName), of which the tour knows what its "
        + "specification says.", formula: Formula(""),
      arithmetic: input == output
        ? [Explanation.unchanged(input)]
        : [
          "\(Format.extents(Array(input.dimensions.dropFirst()))) → "
            + Format.extents(Array(output.dimensions.dropFirst()))
        ],
      backward: "")
  }

  /// As it is, on a small input, where it accepts these sizes and is written for the checker's scalars.
  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    guard specification.isDifferentiable, !specification.takesLabels else { return nil }
    let channels = input.channels
    let sizes =
      input.rank == 4 ? [channels, min(input.height, 4), min(input.width, 4)] : [channels]
    guard let shape = try? Shape(checking: [2] + sizes), shape.count <= 4096,
      (try? specification.outputShape(for: [shape])) != nil,
      (try? specification.layer(on: ReferenceBackend<Double>())) != nil,
      (try? specification.layer(on: ReferenceBackend<Dual<Double>>())) != nil
    else { return nil }
    return (specification, sizes)
  }
}

/// What a small sibling of a layer looks at: wide enough for three windows side by side.
func smallPlane(_ input: Shape, window: Extent, stride: Extent) -> [Int] {
  [
    min(input.height, window.height + 2 * stride.height),
    min(input.width, window.width + 2 * stride.width),
  ]
}
