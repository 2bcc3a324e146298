import Foundation
import Layers
import Tensors

// The hand computations of the layers that look at windows of the input.

extension HandComputation {
  mutating func compute(
    _ specification: ConvolutionSpecification, _ input: Tensor<Float>, _ output: Shape,
    _ parameters: [Tensor<Float>]
  ) {
    let (k, y, x) = output.place(of: position)
    let channels = input.shape.channels / specification.group
    let first = k / (output.channels / specification.group) * channels
    var window = Example.Window(
      firstChannel: first, lastChannel: first + channels - 1,
      top: y * specification.stride.height - specification.pad.height,
      left: x * specification.stride.width - specification.pad.width, extent: specification.span)
    let rows = stride(
      from: window.top, to: window.top + window.height, by: specification.dilation.height)
    let columns = stride(
      from: window.left, to: window.left + window.width, by: specification.dilation.width)
    var terms: [(Double, Double)] = []
    var greatest = -1.0
    for c in 0..<channels {
      let inputs = rows.map { row in
        columns.map { input.value(channel: first + c, row: row, column: $0) }
      }
      let weights = rows.enumerated().map { i, _ in
        columns.enumerated().map { j, _ in Double(parameters[0][k, c, i, j]) }
      }
      let products = zip(weights.joined(), inputs.joined()).map { ($0, $1 ?? 0) }
      terms += products
      let share = abs(products.reduce(0) { $0 + $1.0 * $1.1 })
      if share > greatest {
        greatest = share
        window.show(inputs, weights, channel: first + c, of: input)
      }
    }
    steps = ["\(window.place(isOverChannels: true)): \(terms.count) products"]
    sum(terms, bias: specification.hasBias ? Double(parameters[1][k]) : nil)
    self.window = window
  }

  mutating func compute(
    _ specification: PoolingSpecification, _ input: Tensor<Float>, _ output: Shape
  ) {
    let (c, y, x) = output.place(of: position)
    let (kernel, pad) = (specification.kernel(for: input.shape), specification.pad)
    var window = Example.Window(
      firstChannel: c, lastChannel: c, top: y * specification.stride.height - pad.height,
      left: x * specification.stride.width - pad.width, extent: kernel)
    let inputs = (window.top..<window.top + kernel.height).map { row in
      (window.left..<window.left + kernel.width).map {
        input.value(channel: c, row: row, column: $0)
      }
    }
    window.show(inputs, nil, channel: c, of: input)
    self.window = window
    let values = inputs.joined().compactMap { $0 }
    switch specification.method {
    case .maximum:
      steps = [window.place(isOverChannels: false), "the greatest of \(values.count)"]
      value = values.max() ?? 0
    case .average:
      let bottom = min(window.top + kernel.height, input.shape.height + pad.height)
      let right = min(window.left + kernel.width, input.shape.width + pad.width)
      let area = (bottom - window.top) * (right - window.left)
      let total = values.reduce(0, +)
      steps = [window.place(isOverChannels: false), "\(Format.value(total)) / \(area)"]
      value = total / Double(area)
    }
  }

  mutating func compute(_ specification: LRNSpecification, _ input: Tensor<Float>) {
    let (c, y, x) = input.shape.place(of: position)
    let reach = specification.localSize / 2
    let isAcross = specification.region == .acrossChannels
    let inputs: [[Double?]]
    var window: Example.Window
    if isAcross {
      let range = max(c - reach, 0)...min(c + reach, input.shape.channels - 1)
      inputs = [range.map { Double(input[0, $0, y, x]) }]
      window = Example.Window(
        firstChannel: range.lowerBound, lastChannel: range.upperBound, top: y, left: x, extent: 1)
      window.kind = .channels
      window.column = (0..<input.shape.channels).map { Double(input[0, $0, y, x]) }
    } else {
      inputs = (y - reach...y + reach).map { row in
        (x - reach...x + reach).map { input.value(channel: c, row: row, column: $0) }
      }
      window = Example.Window(
        firstChannel: c, lastChannel: c, top: y - reach, left: x - reach,
        extent: Extent(specification.localSize))
    }
    window.show(inputs, nil, channel: c, of: input)
    self.window = window
    let size = specification.localSize * (isAcross ? 1 : specification.localSize)
    let energy = inputs.joined().reduce(0) { $0 + ($1 ?? 0) * ($1 ?? 0) }
    let scale = (isAcross ? specification.k : 1) + specification.alpha / Double(size) * energy
    let own = Double(input[position])
    steps = [
      window.place(isOverChannels: isAcross),
      "Σ in² = \(Format.value(energy)), s = \(String(format: "%.9g", scale))",
      "\(Format.value(own)) · s^−\(Format.value(specification.beta))",
    ]
    value = own * pow(scale, -specification.beta)
  }
}

extension Example.Window {
  /// The most numbers that are written out.
  private static let mostNumbers = 1024

  /// A window without its numbers.
  init(firstChannel: Int, lastChannel: Int, top: Int, left: Int, extent: Extent) {
    self.init(
      firstChannel: firstChannel, lastChannel: lastChannel, top: top, left: left,
      height: extent.height, width: extent.width, kind: .positions, channel: firstChannel,
      inputs: [], plane: Raster([], width: 0, height: 0, scale: .sequential, lower: 0, upper: 0))
  }

  /// The window of a single value; `nil` where it has no rows and columns around it.
  init?(around position: Int, of input: Tensor<Float>) {
    guard input.shape.rank == 4 else { return nil }
    let (channel, row, column) = input.shape.place(of: position)
    self.init(firstChannel: channel, lastChannel: channel, top: row, left: column, extent: 1)
    show([[Double(input[position])]], nil, channel: channel, of: input)
  }

  /// Shows the numbers of one channel.
  mutating func show(
    _ inputs: [[Double?]], _ weights: [[Double]]?, channel: Int, of input: Tensor<Float>
  ) {
    let isShort = inputs.count * (inputs.first?.count ?? 0) <= Self.mostNumbers
    self.inputs = isShort ? inputs : []
    self.weights = isShort ? weights : nil
    self.channel = channel
    plane = Raster(input, channel: channel)
  }

  /// Where it lies, for a reader.
  func place(isOverChannels: Bool) -> String {
    func range(_ name: String, _ first: Int, _ last: Int) -> String {
      first == last ? "\(name) \(first)" : "\(name)s \(first)…\(last)"
    }
    return "window: "
      + (isOverChannels ? range("channel", firstChannel, lastChannel) + ", " : "")
      + range("row", top, top + height - 1) + ", " + range("column", left, left + width - 1)
  }
}

extension Tensor<Float> {
  /// A value of the first image; `nil` in the padding.
  fileprivate func value(channel: Int, row: Int, column: Int) -> Double? {
    let isInside = (0..<shape.height).contains(row) && (0..<shape.width).contains(column)
    return isInside ? Double(self[0, channel, row, column]) : nil
  }
}
