import Foundation
import Layers
import Tensors

extension LRNSpecification: LayerTour {
  var kind: String { "lrn" }
  var sliding: Sliding? { isAcross ? .channels : nil }
  var isLive: Bool { isAcross }
  var lesson: CourseEntry? {
    CourseEntry(
      chapter: 6, title: "Local response normalisation", file: "Docs/06-LRN.md",
      exercise: "lrn-backward")
  }

  private var isAcross: Bool { region == .acrossChannels }
  /// The numbers in a whole neighbourhood: n, or n².
  private var size: Int { isAcross ? localSize : localSize * localSize }
  private var offset: Double { isAcross ? k : 1 }

  func settings(_ input: Shape) -> LayerReport.Settings {
    .init(region: region.rawValue, localSize: localSize, alpha: alpha, beta: beta, k: offset)
  }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    let channels = min(input.channels, isAcross ? localSize + 2 : 2)
    let window = Extent(isAcross ? 1 : localSize)
    return (self, [channels] + smallPlane(input, window: window, stride: 1))
  }

  // MARK: - In words and formulas

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let n = localSize
    return Explanation(
      summary: isAcross
        ? "Divides each value by a power of s, which grows with the energy, the sum of squares, in the "
          + "\(n) channels around it: a strong response holds down its neighbours. Later networks "
          + "leave it out."
        : "Divides each value by a power of s, which grows with the mean of the squares in the "
          + "\(n)×\(n) positions around it.",
      formula: Formula(
        "out[\(place)] = in[\(place)] · s[\(place)]^−\(Format.value(beta)),  \(scale)",
        [
          "out": "the value, held down by its neighbours", "in": "the value itself",
          "s": "the scale: k plus α over the number of neighbours times their energy",
          neighbours.key: "over the neighbours and the value itself, as far as they exist",
        ]),
      arithmetic: [Explanation.unchanged(input)],
      backward: "A value's own output passes its gradient back scaled; through the energy, the "
        + "value also takes a little from every neighbour's output: the cross term.",
      gradients: [
        Formula(
          "∂L/∂in[\(place)] = ∂L/∂out[\(place)]·s[\(place)]^−\(Format.value(beta)) − "
            + "2·\(Format.value(alpha))·\(Format.value(beta))/\(size) · in[\(place)] · "
            + "\(neighbours.sum) ∂L/∂out[\(neighbours.place)]·out[\(neighbours.place)]"
            + "/s[\(neighbours.place)]",
          [
            "∂L/∂in": "the gradient by one value",
            "∂L/∂out": "what comes back to an output", "s": "its scale, as forwards",
            "in": "the value itself", "out": "a neighbour's output",
            neighbours.key: "the cross term: over the outputs that the value was a neighbour of",
          ])
      ])
  }

  private var place: String { isAcross ? "c" : "y,x" }

  /// The sum over the neighbours of a place: how it is written, where its terms are, and its key.
  private var neighbours: (sum: String, place: String, key: String) {
    let reach = localSize / 2
    return isAcross
      ? ("Σ_c'=c−\(reach)…c+\(reach)", "c'", "Σ_c'")
      : ("Σ_i=−\(reach)…\(reach) Σ_j=−\(reach)…\(reach)", "y+i,x+j", "Σ_i")
  }

  private var scale: String {
    "s[\(place)] = \(Format.value(offset)) + \(Format.value(alpha))/\(size) · "
      + "\(neighbours.sum) in[\(neighbours.place)]²"
  }

  // MARK: - By hand

  /// The values around a place, in rows; `nil` beyond the border.
  private func around<Value>(
    _ place: (channel: Int, row: Int, column: Int), _ shape: Shape,
    _ value: (_ channel: Int, _ row: Int, _ column: Int) -> Value
  ) -> [[Value?]] {
    let (c, y, x) = place
    let reach = localSize / 2
    if isAcross {
      return [
        (max(c - reach, 0)...min(c + reach, shape.channels - 1)).map { value($0, y, x) }
      ]
    }
    return (y - reach...y + reach).map { row in
      (x - reach...x + reach).map { column in
        (0..<shape.height).contains(row) && (0..<shape.width).contains(column)
          ? value(c, row, column) : nil
      }
    }
  }

  private func window(
    _ place: (channel: Int, row: Int, column: Int), of tensor: Tensor<Float>
  ) -> WorkedExample.Window {
    let (c, y, x) = place
    let reach = localSize / 2
    guard isAcross else {
      return .init(
        channels: c...c, top: y - reach, left: x - reach, extent: Extent(localSize), channel: c,
        of: tensor)
    }
    let channels = max(c - reach, 0)...min(c + reach, tensor.shape.channels - 1)
    var window = WorkedExample.Window(
      channels: channels, top: y, left: x, extent: 1, channel: c, of: tensor)
    window.kind = .channels
    window.column = (0..<tensor.shape.channels).map { Double(tensor[0, $0, y, x]) }
    return window
  }

  /// s at a place.
  private func scale(_ input: Tensor<Float>, _ c: Int, _ y: Int, _ x: Int) -> Double {
    let energy = around((c, y, x), input.shape) { pow(Double(input[0, $0, $1, $2]), 2) }
      .joined().reduce(0) { $0 + ($1 ?? 0) }
    return offset + alpha / Double(size) * energy
  }

  private func columnNames(_ window: WorkedExample.Window) -> [String] {
    isAcross ? (window.firstChannel...window.lastChannel).map(String.init) : []
  }

  private var centre: String { isAcross ? "channels" : "positions" }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    let input = pass.input
    let place = input.shape.place(of: position)
    var example = WorkedExample(at: position, of: pass.output.shape)
    var window = window(place, of: input)
    let inputs = around(place, input.shape) { Double(input[0, $0, $1, $2]) }
    window.inputs = inputs
    example.window = window
    example.tables = [
      .init(title: "in", rows: inputs, columnNames: columnNames(window))
    ]
    let energy = inputs.joined().reduce(0) { $0 + ($1 ?? 0) * ($1 ?? 0) }
    let scale = offset + alpha / Double(size) * energy
    let own = Double(input[position])
    example.steps = [
      "window: "
        + (isAcross ? range("channel", window.firstChannel, window.lastChannel) + ", " : "")
        + window.place,
      "s = \(Format.value(offset)) + \(Format.value(alpha))/\(size) · Σ in² = "
        + "\(Format.value(offset)) + \(Format.value(alpha / Double(size)))·\(Format.value(energy)) = "
        + Format.exact(scale),
      "\(Format.value(own)) · s^−\(Format.value(beta))",
    ]
    example.byHand = own * pow(scale, -beta)
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    let input = pass.input
    let place = input.shape.place(of: position)
    var example = WorkedExample("∂L/∂in", at: position, of: input.shape)
    var window = window(place, of: upstream)
    let gradients = around(place, input.shape) { Double(upstream[0, $0, $1, $2]) }
    let inputs = around(place, input.shape) { Double(input[0, $0, $1, $2]) }
    let scales = around(place, input.shape) { self.scale(input, $0, $1, $2) }
    // out/s = in·s^−β/s
    let ratios = around(place, input.shape) { channel, row, column in
      let s = self.scale(input, channel, row, column)
      return Double(upstream[0, channel, row, column])
        * Double(input[0, channel, row, column]) * pow(s, -beta) / s
    }
    window.inputs = gradients
    example.window = window
    let names = columnNames(window)
    example.tables = [
      .init(title: "∂L/∂out", rows: gradients, columnNames: names),
      .init(title: "in", rows: inputs, columnNames: names),
      .init(title: "s", rows: scales, columnNames: names),
      .init(
        title: "∂L/∂out · out / s, with out = in · s^−\(Format.value(beta))", rows: ratios,
        columnNames: names),
    ]
    let sum = ratios.joined().reduce(0) { $0 + ($1 ?? 0) }
    let (own, scale) = (
      Double(input[position]), self.scale(input, place.channel, place.row, place.column)
    )
    let upward = Double(upstream[position])
    let direct = upward * pow(scale, -beta)
    let factor = 2 * alpha * beta / Double(size)
    let cross = factor * own * sum
    example.steps = [
      "its own output: \(WorkedExample.factor(upward)) · \(Format.exact(scale))^−"
        + "\(Format.value(beta)) = \(Format.value(direct))",
      "the last table adds up to \(Format.value(sum))",
      "the cross term: 2·\(Format.value(alpha))·\(Format.value(beta))/\(size) · "
        + "\(WorkedExample.factor(own)) · \(WorkedExample.factor(sum)) = \(Format.value(cross))",
      "\(Format.value(direct)) − \(WorkedExample.factor(cross))",
    ]
    example.byHand = direct - cross
    return example
  }
}
