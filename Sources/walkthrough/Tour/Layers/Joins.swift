import Layers
import Tensors

// The layers that join several blobs. Their values are copies, sums, products or maxima, so the tour works
// none out by hand.

extension CourseEntry {
  fileprivate static let joins = CourseEntry(
    chapter: 20, title: "Joins", file: "Docs/20-Joins.md")
}

extension ConcatSpecification: LayerTour {
  var kind: String { "pointwise" }
  var lesson: CourseEntry? { .joins }
  var countsZeros: Bool { false }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    Explanation(
      summary: "Puts its inputs one after the other along axis \(axis), that of the "
        + (axis == 1 ? "channels." : axis == 0 ? "images." : "positions."),
      formula: Formula(""),
      arithmetic: ["axis \(axis) of the output: \(output[axis]), the sum over the inputs"],
      backward: "The gradient is cut where the inputs were joined.")
  }
}

extension EltwiseSpecification: LayerTour {
  var kind: String { "pointwise" }
  var lesson: CourseEntry? { .joins }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let (what, backward) =
      switch operation {
      case .sum:
        ("Adds its inputs", "Each input gets the whole gradient, times its factor.")
      case .product:
        ("Multiplies its inputs", "Each input gets the gradient times the other inputs.")
      case .maximum:
        (
          "Takes the greatest of its inputs",
          "The gradient goes to the input that the maximum is from."
        )
      }
    return Explanation(
      summary: "\(what), element by element: they have one shape.", formula: Formula(""),
      arithmetic: [Explanation.unchanged(input)], backward: backward)
  }
}
