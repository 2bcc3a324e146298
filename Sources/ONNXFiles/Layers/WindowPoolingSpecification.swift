import Layers
import Tensors

/// Pooling by ONNX's rules where Caffe has no form for it: windows with holes, padding that doesn't count
/// in averages, padding that differs before and after.
///
/// Source: ONNX's MaxPool and AveragePool, https://github.com/onnx/onnx/blob/main/docs/Operators.md.
public struct WindowPoolingSpecification: SingleInputSpecification {
  /// `Pooling`.
  public static let typeName = "Pooling"

  /// Maximum or average.
  public var method: PoolingSpecification.Method
  /// Rows and columns of a window, holes not counted.
  public var kernel: Extent
  /// How far the window moves.
  public var stride: Extent
  /// The distance between neighbouring values of a window.
  public var dilation: Extent
  /// Padding above and to the left.
  public var before: Extent
  /// Padding below and to the right.
  public var after: Extent
  /// Whether a last window may reach beyond the padding.
  public var roundsUp: Bool
  /// Whether padding counts in averages, as zeros. It never wins a maximum.
  public var countsPadding: Bool

  /// Pooling by these rules.
  public init(
    method: PoolingSpecification.Method, kernel: Extent, stride: Extent = 1, dilation: Extent = 1,
    before: Extent = 0, after: Extent = 0, roundsUp: Bool = false, countsPadding: Bool = false
  ) {
    self.method = method
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.before = before
    self.after = after
    self.roundsUp = roundsUp
    self.countsPadding = countsPadding
  }

  /// The same as Caffe's pooling, which every version computes; nil where that has no form for it.
  func plain(for input: Shape) throws(LayerError) -> PoolingSpecification? {
    let counts = try outputShape(for: input)
    let pads = before.height + before.width + after.height + after.width > 0
    guard dilation == 1, method == .maximum || !pads || (countsPadding && before == after) else {
      return nil
    }
    // Padding after never wins: for a maximum it only makes more windows, as rounding up does.
    for rounding in [roundsUp ? PoolingSpecification.Rounding.ceiling : .floor, .ceiling] {
      let plain = PoolingSpecification(
        method, kernel: kernel, stride: stride, pad: before, rounding: rounding)
      if (try? plain.outputShape(for: input)) == counts { return plain }
    }
    return nil
  }

  /// N×C×H'×W' with H' = ⌊(H + pads − span) / stride⌋ + 1, or rounded up without a last window that would
  /// begin in the padding after; W' likewise.
  ///
  /// - Complexity: O(1).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    func require(_ condition: Bool, _ value: String, _ rule: String) throws(LayerError) {
      if !condition { throw LayerError(layer: Self.typeName, value: value, rule: rule) }
    }
    try require(
      input.rank == 4 && input.count > 0, "input \(input)",
      "must have 4 axes: images, channels, rows, columns")
    let rows = axis(\.height, of: input.height)
    let columns = axis(\.width, of: input.width)
    for (name, axis) in [("rows", rows), ("columns", columns)] {
      for size in [axis.kernel, axis.stride, axis.dilation] {
        try require(
          (1...Int(Int32.max)).contains(size), "\(size) \(name)", "must be from 1 to 2^31 - 1")
      }
      // All of these are below 2³¹, and their products below 2⁶².
      for pad in [axis.before, axis.after] {
        try require(
          (0..<axis.span).contains(pad), "pad \(pad) in \(name)", "must be less than a window")
      }
      try require(
        axis.padded >= axis.span, "kernel over \(axis.span) \(name)",
        "must not be larger than the padded input, \(axis.padded)")
      // Or else a window could lie in the padding with all its values.
      try require(
        axis.size >= axis.dilation || axis.before + axis.after == 0, "dilation \(axis.dilation)",
        "must not be larger than the \(axis.size) \(name), where there is padding")
    }
    do {
      return try Shape(checking: [
        input.images, input.channels, rows.count(roundsUp), columns.count(roundsUp),
      ])
    } catch {
      throw LayerError(layer: Self.typeName, value: "output", rule: "is impossible: \(error)")
    }
  }

  /// The span of the window, moved by the stride.
  ///
  /// - Complexity: O(1).
  public func window(for input: Shape) throws(LayerError) -> Window? {
    Window(
      extent: Extent(
        height: axis(\.height, of: input.height).span, width: axis(\.width, of: input.width).span),
      stride: stride, pad: before)
  }

  /// Plain loops.
  ///
  /// - Complexity: O(1).
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> {
    WindowPooling<S>(specification: self)
  }

  /// No: the backward pass reads which value won.
  public var backwardReadsOutput: Bool { false }

  func axis(_ side: KeyPath<Extent, Int>, of size: Int) -> WindowAxis {
    WindowAxis(
      size: size, kernel: kernel[keyPath: side], stride: stride[keyPath: side],
      dilation: dilation[keyPath: side], before: before[keyPath: side], after: after[keyPath: side])
  }
}

/// The windows along rows or columns.
struct WindowAxis {
  var size: Int
  var kernel: Int
  var stride: Int
  var dilation: Int
  var before: Int
  var after: Int

  /// From the first to the last value of a window.
  var span: Int { dilation * (kernel - 1) + 1 }
  var padded: Int { size + before + after }

  /// How many windows there are.
  func count(_ roundsUp: Bool) -> Int {
    let way = padded - span
    let count = (roundsUp ? way + stride - 1 : way) / stride + 1
    // A last window that would begin in the padding after is dropped.
    return roundsUp && (count - 1) * stride >= size + before ? count - 1 : count
  }

  /// The places in the input of a window's values; those in the padding left out.
  func places(of window: Int) -> [Int] {
    let start = window * stride - before
    let skipped = start < 0 ? (dilation - 1 - start) / dilation : 0
    return Array(
      Swift.stride(
        from: start + skipped * dilation, to: min(start + span, size), by: dilation))
  }

  /// How many of a window's values lie in the input or its padding.
  func countInPadded(_ window: Int) -> Int {
    min(kernel, (padded - window * stride + dilation - 1) / dilation)
  }
}

/// Window after window.
struct WindowPooling<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification: WindowPoolingSpecification

  /// Of a maximum, the place that won, for each output.
  func makeSaved(for input: Shape) throws(LayerError) -> [Int] {
    guard specification.method == .maximum else { return [] }
    return [Int](repeating: 0, count: try specification.outputShape(for: input).count)
  }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout [Int]
  ) {
    forEachWindow(input.shape, output.shape) { target, places, divisor in
      var value: Scalar = 0
      switch specification.method {
      case .maximum:
        var best = places.first ?? 0
        // NaN is passed over, as ONNX Runtime and Caffe do.
        for place in places
        where input[place] > input[best] || input[best] != input[best] { best = place }
        value = input[best]
        saved[target] = best
      case .average:
        for place in places { value += input[place] }
        value = value / Scalar(Double(divisor))
      }
      output[target] = value
    }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: [Int], inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      gradient.fill(with: 0)
      forEachWindow(input.shape, output.shape) { target, places, divisor in
        switch specification.method {
        case .maximum: gradient[saved[target]] += outputGradient[target]
        case .average:
          let share = outputGradient[target] / Scalar(Double(divisor))
          for place in places { gradient[place] += share }
        }
      }
    }
  }

  /// Calls with each output's place, the places of its window's values, and what their sum is divided by.
  private func forEachWindow(
    _ input: Shape, _ output: Shape, _ body: (Int, [Int], Int) -> Void
  ) {
    let rows = specification.axis(\.height, of: input.height)
    let columns = specification.axis(\.width, of: input.width)
    var target = 0
    for plane in 0..<input.images * input.channels {
      for y in 0..<output.height {
        let windowRows = rows.places(of: y)
        for x in 0..<output.width {
          let windowColumns = columns.places(of: x)
          var places: [Int] = []
          for row in windowRows {
            for column in windowColumns {
              places.append((plane * input.height + row) * input.width + column)
            }
          }
          let divisor =
            specification.countsPadding
            ? rows.countInPadded(y) * columns.countInPadded(x) : places.count
          body(target, places, max(divisor, 1))
          target += 1
        }
      }
    }
  }
}
