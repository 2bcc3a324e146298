import Foundation
import Layers
import Networks
import Tensors

/// One output value of a layer, computed from its window in the plainest way, in Double.
///
/// This is a third computation beside the two versions: it shares no code with either.
struct HandComputation {
  /// Where the value stands in the output.
  var position: Int
  /// The same for a reader.
  var place: String
  /// The steps, shortened where there are too many.
  var steps: [String]
  /// The result.
  var value: Double

  /// Works out the value at a position of a layer's output for one image.
  ///
  /// - Parameters:
  ///   - operation: what the layer does.
  ///   - position: where, in row-major order.
  ///   - input: the layer's input, before it ran.
  ///   - output: the shape of its output.
  ///   - parameters: weights and bias.
  ///   - context: the phase and randomness from before the layer ran.
  ///   - label: the class of the image.
  init(
    _ operation: LayerOperation, at position: Int, input: Tensor<Float>, output: Shape,
    parameters: [Tensor<Float>], context: RunContext, label: Int
  ) {
    self.position = position
    place = Self.place(position, output)
    switch operation {
    case .convolution(let specification):
      (steps, value) = Self.convolution(specification, position, input, output, parameters)
    case .innerProduct(let specification):
      (steps, value) = Self.innerProduct(specification, position, input, parameters)
    case .pooling(let specification):
      (steps, value) = Self.pooling(specification, position, input, output)
    case .lrn(let specification):
      (steps, value) = Self.lrn(specification, position, input)
    case .relu(let specification):
      let x = Double(input[position])
      value = x < 0 ? specification.negativeSlope * x + 0 : x
      steps = ["in = \(Format.value(x)), \(x < 0 ? "negative" : "not negative")"]
    case .dropout(let specification):
      (steps, value) = Self.dropout(specification, position, input, context)
    case .softmax:
      (steps, value) = Self.probability(of: position, input)
    case .softmaxWithLoss:
      let (terms, probability) = Self.probability(of: label, input)
      steps = terms + ["loss = −ln \(Format.value(probability))"]
      value = -log(probability)
    case .accuracy:
      let rivals = (0..<input.count).count { $0 != label && input[$0] >= input[label] }
      steps = ["\(rivals) other classes score at least as high as class \(label)"]
      value = rivals == 0 ? 1 : 0
    }
  }

  private static func place(_ position: Int, _ output: Shape) -> String {
    switch output.rank {
    case 4:
      let (plane, width) = (output.height * output.width, output.width)
      return "channel \(position / plane), row \(position % plane / width), "
        + "column \(position % width)"
    case 0: return "the loss"
    default: return "output \(position)"
    }
  }

  /// A sum of products: the terms of largest magnitude, the number of the rest, and all of them
  /// added.
  private static func sum(
    _ terms: [(weight: Double, input: Double)], bias: Double?
  ) -> (steps: [String], value: Double) {
    let shown = terms.indices.sorted {
      abs(terms[$0].weight * terms[$0].input) > abs(terms[$1].weight * terms[$1].input)
    }.prefix(3)
    let products = shown.map {
      "\(factor(terms[$0].weight))·\(factor(terms[$0].input))"
    }
    let total = terms.reduce(0) { $0 + $1.weight * $1.input }
    let rest = terms.count - products.count
    return (
      [
        products.joined(separator: " + ") + (rest > 0 ? " + … (\(rest) smaller products)" : "")
          + " = \(Format.value(total))"
      ] + (bias.map { ["plus bias \(Format.value($0))"] } ?? []),
      total + (bias ?? 0)
    )
  }

  /// A number in a product: a negative one in parentheses.
  private static func factor(_ number: Double) -> String {
    number < 0 ? "(\(Format.value(number)))" : Format.value(number)
  }

  private static func convolution(
    _ specification: ConvolutionSpecification, _ position: Int, _ input: Tensor<Float>,
    _ output: Shape, _ parameters: [Tensor<Float>]
  ) -> ([String], Double) {
    let plane = output.height * output.width
    let (k, y, x) = (position / plane, position % plane / output.width, position % output.width)
    let channels = input.shape.channels / specification.group
    let first = k / (output.channels / specification.group) * channels
    let top = y * specification.stride.height - specification.pad.height
    let left = x * specification.stride.width - specification.pad.width
    var terms: [(Double, Double)] = []
    for c in 0..<channels {
      for i in 0..<specification.kernel.height {
        for j in 0..<specification.kernel.width {
          let row = top + i * specification.dilation.height
          let column = left + j * specification.dilation.width
          let inside =
            (0..<input.shape.height).contains(row) && (0..<input.shape.width).contains(column)
          let value = inside ? input[0, first + c, row, column] : 0
          terms.append((Double(parameters[0][k, c, i, j]), Double(value)))
        }
      }
    }
    let bias = specification.hasBias ? Double(parameters[1][k]) : nil
    let (steps, value) = sum(terms, bias: bias)
    let window =
      "window: channels \(first)…\(first + channels - 1), "
      + "rows \(top)…\(top + specification.span.height - 1), "
      + "columns \(left)…\(left + specification.span.width - 1): \(terms.count) products"
    return ([window] + steps, value)
  }

  private static func innerProduct(
    _ specification: InnerProductSpecification, _ k: Int, _ input: Tensor<Float>,
    _ parameters: [Tensor<Float>]
  ) -> ([String], Double) {
    let terms = (0..<input.count).map {
      (Double(parameters[0][k * input.count + $0]), Double(input[$0]))
    }
    let bias = specification.hasBias ? Double(parameters[1][k]) : nil
    let (steps, value) = sum(terms, bias: bias)
    return (["row \(k) of the weights times all inputs: \(terms.count) products"] + steps, value)
  }

  private static func pooling(
    _ specification: PoolingSpecification, _ position: Int, _ input: Tensor<Float>,
    _ output: Shape
  ) -> ([String], Double) {
    let plane = output.height * output.width
    let (c, y, x) = (position / plane, position % plane / output.width, position % output.width)
    let kernel = specification.kernel(for: input.shape)
    let top = y * specification.stride.height - specification.pad.height
    let left = x * specification.stride.width - specification.pad.width
    let rows = max(top, 0)..<min(top + kernel.height, input.shape.height)
    let columns = max(left, 0)..<min(left + kernel.width, input.shape.width)
    let window = rows.map { row in columns.map { Double(input[0, c, row, $0]) } }
    let values = window.flatMap { $0 }
    let steps =
      [
        "window: rows \(rows.lowerBound)…\(rows.upperBound - 1), "
          + "columns \(columns.lowerBound)…\(columns.upperBound - 1)"
      ]
      + window.prefix(8).map { row in
        "  "
          + row.prefix(8).map { Format.padded(Format.value($0), 9, left: true) }.joined(
            separator: " ")
      }
    switch specification.method {
    case .maximum:
      return (steps + ["the greatest of \(values.count)"], values.max() ?? 0)
    case .average:
      let bottom = min(top + kernel.height, input.shape.height + specification.pad.height)
      let right = min(left + kernel.width, input.shape.width + specification.pad.width)
      let area = (bottom - top) * (right - left)
      let total = values.reduce(0, +)
      return (steps + ["\(Format.value(total)) / \(area)"], total / Double(area))
    }
  }

  private static func lrn(
    _ specification: LRNSpecification, _ position: Int, _ input: Tensor<Float>
  ) -> ([String], Double) {
    let plane = input.shape.height * input.shape.width
    let (c, y, x) = (
      position / plane, position % plane / input.shape.width, position % input.shape.width
    )
    let reach = specification.localSize / 2
    let isAcross = specification.region == .acrossChannels
    var values: [Double] = []
    for c2 in 0..<input.shape.channels where isAcross ? abs(c2 - c) <= reach : c2 == c {
      for y2 in 0..<input.shape.height where isAcross ? y2 == y : abs(y2 - y) <= reach {
        for x2 in 0..<input.shape.width where isAcross ? x2 == x : abs(x2 - x) <= reach {
          values.append(Double(input[0, c2, y2, x2]))
        }
      }
    }
    let size = specification.localSize * (isAcross ? 1 : specification.localSize)
    let energy = values.reduce(0) { $0 + $1 * $1 }
    let scale =
      (isAcross ? specification.k : 1) + specification.alpha / Double(size) * energy
    let own = Double(input[position])
    return (
      [
        "neighbours: " + values.prefix(7).map(Format.value).joined(separator: ", "),
        "Σ in² = \(Format.value(energy)), s = \(String(format: "%.9g", scale))",
        "\(Format.value(own)) · s^−\(Format.value(specification.beta))",
      ], own * pow(scale, -specification.beta)
    )
  }

  private static func dropout(
    _ specification: DropoutSpecification, _ position: Int, _ input: Tensor<Float>,
    _ context: RunContext
  ) -> ([String], Double) {
    guard context.phase == .training else {
      return (["nothing is dropped in testing"], Double(input[position]))
    }
    var random = context.random
    var draw: UInt32 = 0
    for _ in 0...position { draw = random.next() }
    let keeps = draw <= specification.keepThreshold
    return (
      [
        "draw \(draw) \(keeps ? "≤" : ">") \(specification.keepThreshold): "
          + (keeps
            ? "kept, \(Format.value(Double(input[position])))·\(Format.value(specification.scale))"
            : "dropped")
      ], keeps ? Double(input[position]) * specification.scale : 0
    )
  }

  private static func probability(
    of label: Int, _ input: Tensor<Float>
  ) -> ([String], Double) {
    let scores = input.elements.map(Double.init)
    let maximum = scores.max() ?? 0
    let sum = scores.reduce(0) { $0 + exp($1 - maximum) }
    let own = exp(scores[label] - maximum)
    return (
      [
        "score of class \(label): \(Format.value(scores[label])), the highest: "
          + Format.value(maximum),
        "p[\(label)] = e^(\(Format.value(scores[label])) − \(Format.value(maximum))) / "
          + "\(Format.value(sum)) = \(Format.value(own / sum))",
      ], own / sum
    )
  }
}
