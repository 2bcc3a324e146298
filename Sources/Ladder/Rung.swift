import Layers

/// One way to compute a convolution, written to be read.
///
/// The ten rungs lead from the formula to the fastest way that we know. Each is complete, and differs
/// from the one before it by one idea.
package protocol Rung {
  /// The idea in a few words.
  static var title: String { get }
  /// Why it is faster than the rung before, or why it isn't.
  static var reason: String { get }
  /// Where its code stands.
  static var source: SourceLocation { get }
  /// Why it can't compute a convolution of these sizes; `nil` if it can.
  static func refusal(_ sizes: Sizes) -> String?
  /// How many numbers of working memory a piece needs.
  static func scratchCount(_ sizes: Sizes) -> Int
  /// Computes a piece: out[k, y, x] for all k, y and x.
  static func forward(_ piece: Piece, scratch: UnsafeMutablePointer<Float>)
  /// Computes all pieces, with one part of the working memory for each thread that may be used.
  static func run(_ pieces: [Piece], scratch: [UnsafeMutablePointer<Float>])
}

extension Rung {
  /// Nothing is refused.
  package static func refusal(_ sizes: Sizes) -> String? { nil }

  /// No working memory.
  package static func scratchCount(_ sizes: Sizes) -> Int { 0 }

  /// One piece after the other, on one thread.
  package static func run(_ pieces: [Piece], scratch: [UnsafeMutablePointer<Float>]) {
    for piece in pieces { forward(piece, scratch: scratch[0]) }
  }
}

/// A rung that has something to teach backwards, too.
package protocol BackwardRung: Rung {
  /// Adds ∂L/∂w of a piece to its `dw`.
  static func addWeightGradient(_ piece: GradientPiece, scratch: UnsafeMutablePointer<Float>)
  /// Sets ∂L/∂in of a piece, its `dx`.
  static func setInputGradient(_ piece: GradientPiece, scratch: UnsafeMutablePointer<Float>)
}

/// The rungs, from the formula upwards. Their numbers are their indices.
package var ladder: [any Rung.Type] {
  [
    Formula.self, Reordered.self, Columns.self, Blocked.self, Registers.self, Packed.self,
    Threads.self, BLAS.self, Direct.self, Winograd.self,
  ]
}

/// A place in the package's source.
package struct SourceLocation {
  /// The path from the package's root, for example `Sources/Ladder/Rung7BLAS.swift`.
  package let file: String

  /// The place of the caller.
  static func here(fileID: String = #fileID) -> SourceLocation {
    SourceLocation(file: "Sources/" + fileID)
  }
}
