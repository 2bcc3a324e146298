import Fast
import Layers
import Tensors

/// Pooling, whose maxima are found for sixteen windows at a time; all else is Fast's.
///
/// Twin: `Sources/Reference/Pooling.swift`.
public struct Pooling: SingleInputLayer {
  /// What describes this layer.
  public let specification: PoolingSpecification
  private let engine: Engine
  private let fallback: Fast.Pooling<Float>

  /// The tuned version of a specification.
  public init(_ specification: PoolingSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
    fallback = Fast.Pooling(specification, engine: engine)
  }

  /// `sliding maximum`, or `= fast`.
  ///
  /// - Complexity: O(rank).
  public func algorithm(for input: Shape) -> String? {
    SlidingMaximum(specification, input) == nil ? "= fast" : SlidingMaximum.name
  }

  /// Memory for the positions of the maxima.
  ///
  /// - Complexity: O(N·C·H'·W'), allocating 4 bytes for each output of a maximum.
  public func makeSaved(for input: Shape) throws(LayerError) -> Fast.Pooling<Float>.Saved {
    try fallback.makeSaved(for: input)
  }

  /// Takes each window's maximum or average.
  ///
  /// - Complexity: For windows of I×J, O(N·C·H'·W·I·J) steps of a sliding maximum, sixteen at a time,
  ///   over the engine's threads, each lent a plane with its padding; or that of Fast.
  public func forward(
    _ input: Tensor<Float>, parameters: [Tensor<Float>], context: inout RunContext,
    output: inout Tensor<Float>, saved: inout Fast.Pooling<Float>.Saved
  ) {
    guard let plan = SlidingMaximum(specification, input.shape) else {
      return fallback.forward(
        input, parameters: parameters, context: &context, output: &output, saved: &saved)
    }
    require(output, plan.planes * plan.outputs)
    require(
      saved.maxPositions.count == output.count,
      "\(saved.maxPositions.count) positions for \(output.count) maxima")
    input.withMemory { input in
      output.withMutableMemory { output in
        saved.maxPositions.withUnsafeMutableBufferPointer { positions in
          guard let positions = positions.baseAddress else { return }
          let pieces = Partition(plan.planes, partsOfAtMost: max(1, (1 << 15) / plan.plane))
          engine.run(pieces.parts, scratch: plan.scratch, of: Float.self) { piece, memory in
            for i in pieces[piece] {
              plan.run(
                input + i * plan.plane, output + i * plan.outputs, positions + i * plan.outputs,
                memory)
            }
          }
        }
      }
    }
  }

  /// Passes each output's gradient to its maximum, or in equal shares to its window, as Fast does.
  ///
  /// - Complexity: That of Fast.
  public func backward(
    outputGradient: Tensor<Float>, input: Tensor<Float>, output: Tensor<Float>,
    parameters: [Tensor<Float>], saved: Fast.Pooling<Float>.Saved,
    inputGradient: inout Tensor<Float>?, parameterGradients: inout [Tensor<Float>],
    accumulating: Bool
  ) {
    fallback.backward(
      outputGradient: outputGradient, input: input, output: output, parameters: parameters,
      saved: saved, inputGradient: &inputGradient, parameterGradients: &parameterGradients,
      accumulating: accumulating)
  }
}

/// The maxima of the windows of a plane, sixteen windows at a time.
///
/// The windows of an output row are slid over the plane column by column, as over one long vector.
/// What lies between the stride's positions is computed too, and not picked: half the work for a
/// stride of 2, but all loads are contiguous. The position of a maximum is carried along in the same
/// vectors. A plane whose windows reach over the border is first copied into a frame of lowest values.
struct SlidingMaximum {
  let planes, outputs: Int
  private let height, width, outputHeight, outputWidth: Int
  private let kernel, stride, pad: Extent
  /// The rows and columns that the windows reach over, from −pad on.
  private let reach: Extent
  /// Whether no window reaches over a border: then the plane itself is the frame.
  private let fits: Bool
  /// The numbers that the windows slide over, and of a row of them.
  private let frameCount, frameWidth: Int
  /// The first positions from which a whole window lies in the frame.
  private let starts: Int
  /// The columns at which windows of a row are computed.
  private let across: Int

  private typealias Offsets = SIMD16<Int32>

  /// What it is called in reports.
  static var name: String { "sliding maximum" }
  /// What every maximum starts from, as in Caffe.
  private static var lowest: Float { -.greatestFiniteMagnitude }
  /// Elements in front of and behind a row of maxima that a whole vector may touch.
  private static var slack: Int { 16 }

  /// `nil` for averages, large windows that hardly overlap, and planes without room for a vector.
  init?(_ specification: PoolingSpecification, _ input: Shape) {
    guard specification.method == .maximum, let output = try? specification.outputShape(for: input)
    else { return nil }
    (planes, outputs) = (input.images * input.channels, output.spatialCount)
    (height, width) = (input.height, input.width)
    (outputHeight, outputWidth) = (output.height, output.width)
    kernel = specification.kernel(for: input)
    (stride, pad) = (specification.stride, specification.pad)
    reach = Extent(
      height: (outputHeight - 1) * stride.height + kernel.height,
      width: (outputWidth - 1) * stride.width + kernel.width)
    fits = pad == 0 && reach.height <= height && reach.width <= width
    frameWidth = fits ? width : reach.width
    frameCount = (reach.height - 1) * frameWidth + reach.width
    starts = frameCount - (kernel.height - 1) * frameWidth - (kernel.width - 1)
    across = (outputWidth - 1) * stride.width + 1
    // A step of a sliding window is taken to cost an eighth of a step in a single one.
    guard frameCount <= Int(Int32.max), starts >= 16,
      outputs * kernel.area * 8 >= (kernel.height + kernel.width) * frameCount
    else { return nil }
  }

  /// H·W
  var plane: Int { height * width }
  /// The numbers of working memory: a frame, a row of maxima, and one of their offsets.
  var scratch: Int { frameCount + 2 * rowCount }
  private var rowCount: Int { across + 3 * Self.slack }

  /// Writes the maxima of a plane and their positions in it, −1 where there is none.
  ///
  /// plane (H, W), output and positions (H', W'), memory (`scratch`)
  func run(
    _ plane: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    _ positions: UnsafeMutablePointer<Int32>, _ memory: UnsafeMutablePointer<Float>
  ) {
    let frame = framed(plane, in: memory)
    let values = memory + frameCount
    UnsafeMutableRawPointer(values + rowCount).withMemoryRebound(to: Int32.self, capacity: rowCount)
    {
      let (values, offsets) = (values + Self.slack, $0 + Self.slack)
      for y in 0..<outputHeight {
        let start = y * stride.height * frameWidth
        for x in Swift.stride(from: 0, to: across, by: 16) {
          // No further than where the last lane's window ends with the frame: at most a vector before
          // `start`, so that the row is written from within its slack on.
          let first = min(start + x, starts - 16)
          slide(frame + first, values + (first - start), offsets + (first - start))
        }
        pick(y, values, offsets, output + y * outputWidth, positions + y * outputWidth)
      }
    }
  }

  /// The plane if it is large enough for all windows, or else a copy of it in `memory`.
  private func framed(
    _ plane: UnsafePointer<Float>, in memory: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    guard !fits else { return plane }
    memory.fill(frameCount, with: Self.lowest)
    let columns = min(width, reach.width - pad.width)
    for y in 0..<min(height, reach.height - pad.height) {
      (memory + (y + pad.height) * reach.width + pad.width)
        .update(from: plane + y * width, count: columns)
    }
    return UnsafePointer(memory)
  }

  /// The maxima of sixteen windows side by side, of which `corner` is the first element, and their
  /// offsets in the window.
  ///
  /// Only a greater value replaces the best one, from left to right and from top to bottom: of equal
  /// values the first in row-major order stays, and NaN is passed over.
  @inline(__always)
  private func slide(
    _ corner: UnsafePointer<Float>, _ values: UnsafeMutablePointer<Float>,
    _ offsets: UnsafeMutablePointer<Int32>
  ) {
    var best = Vector(repeating: Self.lowest)
    var bestOffset = Offsets(repeating: -1)
    for i in 0..<kernel.height {
      let row = corner + i &* frameWidth
      var offset = Int32(truncatingIfNeeded: i &* width)
      for j in 0..<kernel.width {
        let value = row.vector(at: j)
        // ← max_i, in
        let isGreater = value .> best
        best.replace(with: value, where: isGreater)
        bestOffset.replace(with: Offsets(repeating: offset), where: isGreater)
        offset &+= 1
      }
    }
    values.store(best, at: 0)
    UnsafeMutableRawPointer(offsets).storeBytes(of: bestOffset, as: Offsets.self)
  }

  /// Takes the windows at the stride's positions out of a row of maxima.
  @inline(__always)
  private func pick(
    _ y: Int, _ values: UnsafePointer<Float>, _ offsets: UnsafePointer<Int32>,
    _ output: UnsafeMutablePointer<Float>, _ positions: UnsafeMutablePointer<Int32>
  ) {
    let step = stride.width
    let corner = Int32(
      truncatingIfNeeded: (y * stride.height - pad.height) * width - pad.width)
    let width = Int32(truncatingIfNeeded: step)
    // ← out
    for x in 0..<outputWidth { output[x] = values[x &* step] }
    for x in 0..<outputWidth {
      let offset = offsets[x &* step]
      let position = corner &+ Int32(truncatingIfNeeded: x) &* width &+ offset
      positions[x] = offset < 0 ? -1 : position
    }
  }
}
