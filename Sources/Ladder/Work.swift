import COpenBLAS
import Dispatch
import Layers
import Tensors

/// A convolution of a batch, cut into pieces for the rungs.
package struct Work: ~Copyable {
  /// The sizes of each piece.
  package let sizes: Sizes
  /// Forwards, in the order of images, then groups.
  package let pieces: [Piece]
  /// Backwards, in the same order. The pieces of a group share their `dw`.
  package let gradientPieces: [GradientPiece]
  /// The memory that the pieces point to.
  private let memory: [(start: UnsafeMutablePointer<Float>, count: Int)]
  private let (images, groups): (Int, Int)

  /// Copies what a convolution reads.
  ///
  /// - Parameters:
  ///   - input: N×C×H×W, the image or what the layer before made of it.
  ///   - parameters: The weights, K×C/G×I×J, and the bias, K.
  ///   - outputGradient: N×K×H'×W'.
  /// - Returns: `nil` where `Sizes` leaves the case out.
  /// - Complexity: O(the numbers of all tensors).
  package init?(
    _ specification: ConvolutionSpecification, input: Tensor<Float>, parameters: [Tensor<Float>],
    outputGradient: Tensor<Float>
  ) {
    guard
      let sizes = Sizes(specification, input: input.shape, output: outputGradient.shape)
    else { return nil }
    self.sizes = sizes
    (images, groups) = (input.shape.images, specification.group)
    func copy(_ numbers: [Float]) -> (start: UnsafeMutablePointer<Float>, count: Int) {
      let start = UnsafeMutablePointer<Float>.allocate(capacity: numbers.count)
      for (i, number) in numbers.enumerated() { (start + i).initialize(to: number) }
      return (start, numbers.count)
    }
    let bias =
      parameters.count > 1
      ? parameters[1].elements : [Float](repeating: 0, count: specification.outputChannels)
    memory = [
      copy(input.elements), copy(parameters[0].elements), copy(bias),
      copy([Float](repeating: 0, count: outputGradient.count)), copy(outputGradient.elements),
      copy([Float](repeating: 0, count: parameters[0].count)),
      copy([Float](repeating: 0, count: input.count)),
    ]
    let start = memory.map(\.start)
    let inputs = sizes.channels * sizes.height * sizes.width
    let (outputs, weights) = (sizes.kernels * sizes.positions, sizes.kernels * sizes.depth)
    pieces = (0..<images * groups).map { [groups] i in
      Piece(
        sizes: sizes, x: start[0] + i * inputs, w: start[1] + i % groups * weights,
        b: start[2] + i % groups * sizes.kernels, out: start[3] + i * outputs)
    }
    gradientPieces = (0..<images * groups).map { [groups] i in
      GradientPiece(
        sizes: sizes, x: start[0] + i * inputs, w: start[1] + i % groups * weights,
        dy: start[4] + i * outputs, dw: start[5] + i % groups * weights, dx: start[6] + i * inputs)
    }
  }

  deinit {
    for (start, _) in memory { start.deallocate() }
  }

  /// What the last run of a pass has computed: the output, N×K×H'×W', or the gradient with respect to
  /// the weights, K×C/G×I×J, or to the input, N×C×H×W.
  ///
  /// - Complexity: O(its size).
  package func result(of pass: Pass) -> [Float] {
    let index =
      switch pass {
      case .forward: 3
      case .weights: 5
      case .input: 6
      }
    return Array(UnsafeBufferPointer(start: memory[index].start, count: memory[index].count))
  }

  /// Computes all pieces by a rung, whose products by OpenBLAS stay on the calling thread.
  ///
  /// - Complexity: O(N·K·C/G·I·J·H'·W') multiply-adds, or what the rung makes of it.
  package func run(_ rung: any Rung.Type, pass: Pass, scratch: borrowing Scratch) {
    openblas_set_num_threads(1)
    switch (pass, rung as? any BackwardRung.Type) {
    case (.weights, let rung?):
      memory[5].start.update(repeating: 0, count: memory[5].count)
      for piece in gradientPieces { rung.addWeightGradient(piece, scratch: scratch.parts[0]) }
    case (.input, let rung?):
      for piece in gradientPieces { rung.setInputGradient(piece, scratch: scratch.parts[0]) }
    default:
      rung.run(pieces, scratch: scratch.parts)
    }
  }
}

/// What is computed.
package enum Pass: String, CaseIterable, Sendable {
  /// The output.
  case forward
  /// The gradient with respect to the weights.
  case weights
  /// The gradient with respect to the input.
  case input

  /// The rungs that have it, with their numbers.
  package var rungs: [(number: Int, rung: any Rung.Type)] {
    ladder.enumerated()
      .map { (number: $0.offset, rung: $0.element) }
      .filter { self == .forward || $0.rung is any BackwardRung.Type }
  }
}

/// Working memory for a rung: a part for each thread.
package struct Scratch: ~Copyable {
  let parts: [UnsafeMutablePointer<Float>]

  /// Memory for as many threads as may run.
  package init(_ rung: any Rung.Type, _ sizes: Sizes, threads: Int) {
    parts = (0..<threads).map { _ in .allocate(capacity: max(1, rung.scratchCount(sizes))) }
  }

  deinit {
    for part in parts { part.deallocate() }
  }
}
