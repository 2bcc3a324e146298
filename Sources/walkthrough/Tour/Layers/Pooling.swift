import Layers
import Reference
import Tensors

extension CourseEntry {
  /// On maxima and averages of windows.
  static let pooling = CourseEntry(
    chapter: 5, title: "Max pooling", file: "Docs/05-MaxPooling.md")
}

extension PoolingSpecification: LayerTour {
  var kind: String { "pooling" }
  var sliding: Sliding? { .positions }
  var isLive: Bool {
    method == .maximum && kernel != nil
      && [kernel ?? 1, stride, pad].allSatisfy { $0.height == $0.width }
  }
  var lesson: CourseEntry? {
    var entry = CourseEntry.pooling
    if method == .maximum { entry.exercise = "max-pooling" }
    return entry
  }

  func settings(_ input: Shape) -> LayerReport.Settings {
    .init(
      kernel: kernel(for: input).sides, stride: stride.sides, pad: pad.sides,
      method: method.rawValue, rounding: rounding.rawValue)
  }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    (
      self,
      [min(input.channels, 2)] + smallPlane(input, window: kernel(for: input), stride: stride)
    )
  }

  func kinksBetween(_ a: Tensor<Float>, _ b: Tensor<Float>) throws(LayerError) -> [Int] {
    guard method == .maximum else { return [] }
    let pooling = Reference.Pooling<Float>(self)
    let (first, second) = (try pooling.forward(a).saved, try pooling.forward(b).saved)
    let windows = first.maxPositions.count / max(a.shape.images * a.shape.channels, 1)
    var positions: Set<Int> = []
    for (window, pair) in zip(first.maxPositions, second.maxPositions).enumerated()
    where pair.0 != pair.1 {
      // A window without a number above −FLT_MAX has no maximum: −1.
      let plane = window / windows * a.shape.spatialCount
      for place in [pair.0, pair.1] where place >= 0 { positions.insert(plane + Int(place)) }
    }
    return positions.sorted()
  }

  // MARK: - In words and formulas

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let kernel = kernel(for: input)
    let overlaps = stride.height < kernel.height || stride.width < kernel.width
    let overlap =
      overlaps && self.kernel != nil
      ? " Windows overlap, as the stride \(stride.short) is smaller." : ""
    let isMaximum = method == .maximum
    return Explanation(
      summary: (isMaximum
        ? "Keeps the greatest value of each \(kernel) window of each channel."
        : "Takes the mean of each \(kernel) window of each channel.") + overlap,
      formula: isMaximum ? maximumFormula(kernel) : averageFormula(input, kernel),
      arithmetic: shapeLines(
        input, output, window: kernel, stride: stride, pad: pad, rounding: rounding)
        + ["channels: \(output.channels), as in the input"],
      backward: isMaximum
        ? "An output's gradient goes to the one input that was the maximum; where windows share "
          + "a maximum, their gradients add."
        : "An output's gradient is spread evenly over its window.",
      gradients: [
        isMaximum ? maximumGradient(output) : averageGradient(input, kernel)
      ])
  }

  private var tap: String {
    "in[c, \(windowIndex("y", "i", stride.height, 1, pad.height)), "
      + "\(windowIndex("x", "j", stride.width, 1, pad.width))]"
  }

  private func maximumFormula(_ kernel: Extent) -> Formula {
    Formula(
      "out[c,y,x] = max_i<\(kernel.height),j<\(kernel.width) \(tap)",
      [
        "out": "one value of channel c", "max_i": "the greatest of the window",
        "in": "a value of the window; beyond the border there is none",
      ])
  }

  /// The area of a window, clipped where it reaches over the padding, as in Caffe.
  private func area(_ input: Shape, _ kernel: Extent, _ y: String, _ x: String) -> String {
    func side(_ kernel: Int, _ size: Int, _ pad: Int, _ stride: Int, _ index: String) -> String {
      let way = size + 2 * pad - kernel
      guard rounding == .ceiling, !way.isMultiple(of: stride) else { return "\(kernel)" }
      let start = stride == 1 ? index : "\(stride)·\(index)"
      return "min(\(kernel), \(size + 2 * pad)−\(start))"
    }
    return side(kernel.height, input.height, pad.height, stride.height, y) + "·"
      + side(kernel.width, input.width, pad.width, stride.width, x)
  }

  private func averageFormula(_ input: Shape, _ kernel: Extent) -> Formula {
    Formula(
      "out[c,y,x] = (Σ_i<\(kernel.height) Σ_j<\(kernel.width) \(tap)) / "
        + "(\(area(input, kernel, "y", "x")))",
      [
        "out": "one value of channel c", "Σ_i": "over the rows of the window",
        "Σ_j": "over its columns", "in": "a value of the window; 0 in the padding",
      ])
  }

  private func maximumGradient(_ output: Shape) -> Formula {
    Formula(
      "∂L/∂in[c,r,q] = Σ_y<\(output.height) Σ_x<\(output.width) [at[c,y,x] = (r,q)]·∂L/∂out[c,y,x]",
      [
        "∂L/∂in": "the gradient by the input of channel c at row r, column q",
        "at": "where the maximum of a window was: row and column",
        "∂L/∂out": "what comes back to that window",
      ])
  }

  private func averageGradient(_ input: Shape, _ kernel: Extent) -> Formula {
    let y = outputIndex("r", "i", stride.height, 1, pad.height)
    let x = outputIndex("q", "j", stride.width, 1, pad.width)
    func grouped(_ text: String) -> String { text.hasPrefix("(") ? text : "(\(text))" }
    return Formula(
      "∂L/∂in[c,r,q] = Σ_i<\(kernel.height) Σ_j<\(kernel.width) ∂L/∂out[c, \(y), \(x)] / "
        + "(\(area(input, kernel, grouped(y), grouped(x))))",
      [
        "∂L/∂in": "the gradient by the input of channel c at row r, column q",
        "Σ_i": "over the rows of a window", "Σ_j": "over its columns",
        "∂L/∂out": "what comes back to a window that it lies in",
      ])
  }

  // MARK: - By hand

  /// Where the window of an output lies: it may reach over the border.
  private func corner(_ y: Int, _ x: Int) -> (top: Int, left: Int) {
    (y * stride.height - pad.height, x * stride.width - pad.width)
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    let input = pass.input
    let (c, y, x) = pass.output.shape.place(of: position)
    let kernel = kernel(for: input.shape)
    let (top, left) = corner(y, x)
    var example = WorkedExample(at: position, of: pass.output.shape)
    var window = WorkedExample.Window(
      channels: c...c, top: top, left: left, extent: kernel, channel: c, of: input)
    let inputs = (top..<top + kernel.height).map { row in
      (left..<left + kernel.width).map { input.value(channel: c, row: row, column: $0) }
    }
    if kernel.area <= WorkedExample.Window.mostNumbers { window.inputs = inputs }
    example.window = window
    example.tables = [.init(title: "in, channel \(c)", rows: inputs)]
    let values = inputs.joined().compactMap { $0 }
    example.steps.append("window: \(window.place)")
    switch method {
    case .maximum:
      example.byHand = values.max() ?? 0
      for (row, line) in inputs.enumerated() {
        guard example.tables[0].chosen == nil,
          let column = line.firstIndex(of: example.byHand)
        else { continue }
        example.tables[0].chosen = [row, column]
      }
      example.steps.append("the greatest of \(values.count)")
    case .average:
      let total = values.reduce(0, +)
      let area = area(of: y, x, input.shape)
      example.byHand = total / Double(area)
      example.steps.append("\(Format.value(total)) / \(area)")
    }
    return example
  }

  private func area(of y: Int, _ x: Int, _ input: Shape) -> Int {
    let kernel = kernel(for: input)
    let (top, left) = corner(y, x)
    return (min(top + kernel.height, input.height + pad.height) - top)
      * (min(left + kernel.width, input.width + pad.width) - left)
  }

  /// The first of the greatest values of an output's window.
  private func maximum(of y: Int, _ x: Int, channel: Int, _ input: Tensor<Float>) -> [Int] {
    let kernel = kernel(for: input.shape)
    let (top, left) = corner(y, x)
    var best = (value: -Double(Float.greatestFiniteMagnitude), place: [-1, -1])
    for row in top..<top + kernel.height {
      for column in left..<left + kernel.width {
        if let value = input.value(channel: channel, row: row, column: column), value > best.value {
          best = (value, [row, column])
        }
      }
    }
    return best.place
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    let shape = pass.input.shape
    let kernel = kernel(for: shape)
    let (channel, row, column) = shape.place(of: position)
    let rows = OutputsOfInput(
      row, kernel: kernel.height, stride: stride.height, pad: pad.height)
    let columns = OutputsOfInput(
      column, kernel: kernel.width, stride: stride.width, pad: pad.width)
    var example = WorkedExample("∂L/∂in", at: position, of: shape)
    guard let top = rows.outputs.first, let left = columns.outputs.first,
      let bottom = rows.outputs.last, let right = columns.outputs.last
    else {
      example.steps.append("it lies in no window")
      return example
    }
    let gradients = rows.outputs.map { y in
      columns.outputs.map { upstream.value(channel: channel, row: y, column: $0) }
    }
    var window = WorkedExample.Window(
      channels: channel...channel, top: top, left: left,
      extent: Extent(height: bottom - top + 1, width: right - left + 1), channel: channel,
      of: upstream)
    window.inputs = gradients
    example.window = window
    example.steps.append("it lies in the windows of outputs \(window.place)")
    let factors = zip(rows.outputs, gradients).map { y, line in
      zip(columns.outputs, line).map { x, gradient -> Double? in
        guard gradient != nil else { return nil }
        guard method == .maximum else { return 1 / Double(area(of: y, x, shape)) }
        return maximum(of: y, x, channel: channel, pass.input) == [row, column] ? 1 : 0
      }
    }
    example.tables = [
      .init(title: "∂L/∂out, channel \(channel)", rows: gradients),
      .init(
        title: method == .maximum
          ? "1 where it was the maximum of the window" : "1 over the area of the window",
        rows: factors),
    ]
    let products = zip(gradients.joined(), factors.joined()).compactMap { gradient, factor in
      gradient.flatMap { gradient in factor.map { (gradient, $0) } }
    }
    let counted = products.filter { method == .average || $0.1 != 0 }
    if counted.isEmpty {
      example.steps.append("it was the maximum of none: 0")
    } else {
      example.byHand = example.add(counted, "together")
    }
    return example
  }
}
