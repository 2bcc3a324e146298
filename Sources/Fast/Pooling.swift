import Layers
import Tensors

/// Pooling, fast: the maximum or the average of each window.
///
/// Tricks:
/// - Planes (image × channel) run in parallel.
/// - The window is taken apart into a row and a column, and both are slid over the plane as over
///   one long vector, at every position: no rows too short for a vector, no gathers. What crosses a
///   border is computed and not used; the outputs are picked out at the stride's positions.
/// - The position of a maximum is carried along in the same vectors (`Pooling+Maximum.swift`).
/// - Planes whose windows reach over the border are first copied into a frame of neutral values.
///
/// Twin: `Sources/Reference/Pooling.swift`. Source: Caffe's `pooling_layer.cpp`.
public struct Pooling<Scalar: FastScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: PoolingSpecification
  let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: PoolingSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// For each output value, the row-major position in its input channel of the maximum; −1 for a
  /// window of nothing but NaN. Empty for an average.
  public struct Saved: Sendable, Equatable {
    /// The positions.
    public var maxPositions: [Int32]
  }

  /// Memory for the positions of the maxima.
  ///
  /// - Complexity: O(N·C·H'·W'), allocating 4 bytes for each output of a maximum.
  public func makeSaved(for input: Shape) throws(LayerError) -> Saved {
    let count = try specification.outputShape(for: input).count
    let isMaximum = specification.method == .maximum
    return Saved(maxPositions: [Int32](repeating: -1, count: isMaximum ? count : 0))
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// Takes each window's maximum or average.
  ///
  /// - Complexity: For windows of I×J, O(N·C·H'·W·I·J) steps of a sliding maximum, sixteen at a
  ///   time, or O(N·C·H·W·(I + J)) additions of an average; O(N·C·H'·W'·I·J) where windows hardly
  ///   overlap. Each thread is lent up to 3 planes with their frame.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    let windows = PoolingWindows(specification, input: input.shape, output: output.shape)
    requireFit(input.shape, output.shape, saved)
    input.withMemory { input in
      output.withMutableMemory { output in
        switch specification.method {
        case .maximum:
          saved.maxPositions.withUnsafeMutableBufferPointer { positions in
            // As many positions as outputs, which are not empty here.
            guard let positions = positions.baseAddress else { return }
            forwardMaximum(windows, input, output, positions)
          }
        case .average:
          forwardAverage(windows, input, output)
        }
      }
    }
  }

  /// Passes each output's gradient to its maximum, or in equal shares to its window.
  ///
  /// - Complexity: O(N·C·(H·W + H'·W')) for the maximum, O(N·C·(H·W + H'·W'·I·J)) for the average.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let windows = PoolingWindows(specification, input: input.shape, output: outputGradient.shape)
    requireFit(input.shape, outputGradient.shape, saved)
    if let inputGradient { require(inputGradient, input.count) }
    inputGradient.update { gradient in
      outputGradient.withMemory { upstream in
        gradient.withMutableMemory { gradient in
          switch specification.method {
          case .maximum:
            saved.maxPositions.withUnsafeBufferPointer { positions in
              guard let positions = positions.baseAddress else { return }
              backwardMaximum(windows, upstream, positions, gradient)
            }
          case .average:
            backwardAverage(windows, upstream, gradient)
          }
        }
      }
    }
  }

  /// Stops the program unless the windows lie on the input, and there is a position for each.
  private func requireFit(_ input: Shape, _ output: Shape, _ saved: Saved) {
    precondition(
      (try? specification.outputShape(for: input)) == output,
      "an output of shape \(output) doesn't belong to an input of shape \(input)")
    precondition(
      specification.method == .average || saved.maxPositions.count == output.count,
      "\(saved.maxPositions.count) positions for \(output.count) maxima")
  }
}

/// Where the windows of a pooling layer lie on a plane of its input.
///
/// A piece of work goes through some planes: `plane` numbers of the input and `outputs` of the output
/// each, of `planes`. Windows visited one by one read at `rows(at:)` and `columns(at:)`, which are cut
/// to the input.
struct PoolingWindows {
  let planes, height, width, outputHeight, outputWidth: Int
  let kernel, stride, pad: Extent

  init(_ specification: PoolingSpecification, input: Shape, output: Shape) {
    planes = input.images * input.channels
    (height, width) = (input.height, input.width)
    (outputHeight, outputWidth) = (output.height, output.width)
    kernel = specification.kernel(for: input)
    stride = specification.stride
    pad = specification.pad
  }

  /// The elements of an input plane, and of an output plane.
  var plane: Int { height * width }
  var outputs: Int { outputHeight * outputWidth }

  /// The planes, cut into pieces.
  var pieces: Partition {
    Partition(planes, partsOfAtMost: max(1, Vectors.pieceCount / plane))
  }

  /// The rows and columns that the windows reach over, from −pad on.
  var reach: Extent {
    Extent(
      height: (outputHeight - 1) * stride.height + kernel.height,
      width: (outputWidth - 1) * stride.width + kernel.width)
  }

  /// Whether no window reaches over a border.
  var fits: Bool { pad == 0 && reach.height <= height && reach.width <= width }

  /// The distance between rows of what the windows slide over: the plane, or a frame around it.
  var slidingStride: Int { fits ? width : reach.width }

  /// The elements of what the windows slide over.
  var slidingCount: Int { (reach.height - 1) * slidingStride + reach.width }

  /// Whether to visit the windows one by one: large ones that hardly overlap, global ones above
  /// all. A step of a sliding window is taken to cost an eighth of a step in a single one.
  var areFew: Bool {
    outputs * kernel.area * 8 < (kernel.height + kernel.width) * slidingCount
  }

  /// The plane, if it is large enough for all windows, or else a copy of it in `frame`, which has
  /// `slidingCount` elements, with `filler` around.
  @inline(__always)
  func framed<Scalar: FastScalar>(
    _ plane: UnsafePointer<Scalar>, in frame: UnsafeMutablePointer<Scalar>, filler: Scalar
  ) -> UnsafePointer<Scalar> {
    guard !fits else { return plane }
    frame.fill(slidingCount, with: filler)
    let columns = min(width, reach.width - pad.width)
    for y in 0..<min(height, reach.height - pad.height) {
      (frame + (y + pad.height) * reach.width + pad.width)
        .update(from: plane + y * width, count: columns)
    }
    return UnsafePointer(frame)
  }

  /// One side of a window: the positions on the input, and the extent with the padding it covers.
  typealias Side = (onInput: Range<Int>, extent: Int)

  @inline(__always)
  func rows(at y: Int) -> Side {
    side(from: y * stride.height - pad.height, kernel.height, height, pad.height)
  }

  @inline(__always)
  func columns(at x: Int) -> Side {
    side(from: x * stride.width - pad.width, kernel.width, width, pad.width)
  }

  @inline(__always)
  private func side(from start: Int, _ kernel: Int, _ size: Int, _ pad: Int) -> Side {
    let end = min(start + kernel, size + pad)
    return (max(start, 0)..<min(end, size), end - start)
  }
}
