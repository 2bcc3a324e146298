import Layers
import Networks
import Tensors

/// What the tour says of a layer before anything is computed.
struct Explanation {
  /// What the layer does, in a sentence or two.
  var summary: String
  /// The formula with the layer's numbers put in, piece by piece.
  var terms: [Term]
  /// How the output's shape follows from the input's.
  var arithmetic: [String]
  /// What the backward pass does, in a sentence.
  var backward: String

  /// A piece of a formula.
  struct Term {
    var text: String
    /// What it stands for; `nil` for signs between two pieces.
    var meaning: String?
    /// Code of Reference that computes it.
    var reference: String?
    /// The same of Fast.
    var fast: String?

    init(_ text: String, _ meaning: String? = nil, reference: String? = nil, fast: String? = nil) {
      self.text = text
      self.meaning = meaning
      self.reference = reference
      self.fast = fast
    }
  }

  /// The formula in one piece.
  var formula: String { terms.map(\.text).joined() }

  /// Explains a built-in layer on a shape; of another one nothing is known.
  init(_ specification: any LayerSpecification, input: Shape, output: Shape) {
    self =
      switch specification {
      case let specification as ConvolutionSpecification: specification.explanation(input, output)
      case let specification as ReLUSpecification: specification.explanation(input)
      case let specification as PoolingSpecification: specification.explanation(input, output)
      case let specification as LRNSpecification: specification.explanation(input)
      case let specification as InnerProductSpecification: specification.explanation(input)
      case let specification as DropoutSpecification: specification.explanation(input)
      case let specification as SoftmaxSpecification: specification.explanation(input)
      case let specification as SoftmaxWithLossSpecification: specification.explanation(input)
      case let specification as AccuracySpecification: specification.explanation(input)
      default: Explanation(summary: "", terms: [], arithmetic: [], backward: "")
      }
  }

  init(summary: String, terms: [Term], arithmetic: [String], backward: String) {
    self.summary = summary
    self.terms = terms
    self.arithmetic = arithmetic
    self.backward = backward
  }

  /// The line on the shape of a layer that keeps it.
  static func unchanged(_ input: Shape) -> String {
    "the shape stays: " + Format.extents(Array(input.dimensions.dropFirst()))
  }
}

extension Explanation.Term {
  /// The piece with its places in the code, as far as the source is at hand.
  func located(
    in tree: SourceTree, reference place: SourceLocation?, fast fastPlace: SourceLocation?
  ) -> FormulaPart {
    func find(_ code: String?, _ place: SourceLocation?) -> Passage? {
      guard let code, let place else { return nil }
      return tree.passage(with: code, in: place)
    }
    return FormulaPart(
      text: text, meaning: meaning, reference: find(reference, place), fast: find(fast, fastPlace))
  }
}
