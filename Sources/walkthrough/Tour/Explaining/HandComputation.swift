import Foundation
import Layers
import Networks
import Tensors

/// One output value of a layer, computed from its window in the plainest way, in Double.
///
/// This is one more computation beside those of the versions: it shares no code with any.
struct HandComputation {
  /// Where the value stands in the output.
  var position: Int
  /// The same for a reader.
  var place: String
  /// The steps, shortened where there are too many.
  var steps: [String] = []
  /// The result.
  var value = 0.0
  /// What it is computed from; `nil` where that is the whole input.
  var window: Example.Window?

  /// Works out the value at a position of a layer's output for one image.
  ///
  /// - Parameters:
  ///   - specification: what the layer does.
  ///   - position: where, in row-major order.
  ///   - input: the layer's input, before it ran.
  ///   - output: the shape of its output.
  ///   - parameters: weights and bias.
  ///   - context: the phase and randomness from before the layer ran.
  ///   - label: the class of the image.
  init(
    _ specification: any LayerSpecification, at position: Int, input: Tensor<Float>, output: Shape,
    parameters: [Tensor<Float>], context: RunContext, label: Int
  ) {
    self.position = position
    place = Self.place(position, output)
    switch specification {
    case let specification as ConvolutionSpecification:
      compute(specification, input, output, parameters)
    case let specification as InnerProductSpecification: compute(specification, input, parameters)
    case let specification as PoolingSpecification: compute(specification, input, output)
    case let specification as LRNSpecification: compute(specification, input)
    case let specification as ReLUSpecification:
      let x = Double(input[position])
      value = x < 0 ? specification.negativeSlope * x + 0 : x
      steps = ["in = \(Format.value(x)), \(x < 0 ? "negative" : "not negative")"]
      window = .init(around: position, of: input)
    case let specification as DropoutSpecification:
      compute(specification, input, context)
      window = .init(around: position, of: input)
    case is SoftmaxSpecification: (steps, value) = Self.probability(of: position, input)
    case let specification as SoftmaxWithLossSpecification: compute(specification, input, label)
    case let specification as AccuracySpecification: compute(specification, input, label)
    default: break
    }
  }

  private static func place(_ position: Int, _ output: Shape) -> String {
    switch output.rank {
    case 4:
      let (channel, row, column) = output.place(of: position)
      return "channel \(channel), row \(row), column \(column)"
    case 0: return "the one number"
    default: return "output \(position)"
    }
  }

  private mutating func compute(
    _ specification: InnerProductSpecification, _ input: Tensor<Float>,
    _ parameters: [Tensor<Float>]
  ) {
    let terms = (0..<input.count).map {
      (Double(parameters[0][position * input.count + $0]), Double(input[$0]))
    }
    let bias = specification.hasBias ? Double(parameters[1][position]) : nil
    steps = ["row \(position) of the weights times all inputs: \(terms.count) products"]
    sum(terms, bias: bias)
  }

  private mutating func compute(
    _ specification: DropoutSpecification, _ input: Tensor<Float>, _ context: RunContext
  ) {
    let x = Double(input[position])
    guard context.phase == .training else {
      (steps, value) = (["nothing is dropped in testing"], x)
      return
    }
    var random = context.random
    var draw: UInt32 = 0
    for _ in 0...position { draw = random.next() }
    let keeps = draw <= specification.keepThreshold
    steps = [
      "draw \(draw) \(keeps ? "≤" : ">") \(specification.keepThreshold): "
        + (keeps ? "kept, \(Format.value(x))·\(Format.value(specification.scale))" : "dropped")
    ]
    value = keeps ? x * specification.scale : 0
  }

  private mutating func compute(
    _ specification: SoftmaxWithLossSpecification, _ input: Tensor<Float>, _ label: Int
  ) {
    guard label != specification.ignoreLabel else {
      steps = ["label \(label) is to be ignored: no loss"]
      return
    }
    let (terms, probability) = Self.probability(of: label, input)
    // As Caffe: no logarithm of a number that Float can't tell from 0.
    let least = SoftmaxWithLossSpecification.leastProbability
    let isClamped = probability < least
    steps =
      terms + (isClamped ? ["less than the least that counts, \(Format.value(least))"] : [])
      + ["loss = −ln \(Format.value(max(probability, least)))"]
    value = -log(max(probability, least))
  }

  private mutating func compute(
    _ specification: AccuracySpecification, _ input: Tensor<Float>, _ label: Int
  ) {
    guard label != specification.ignoreLabel else {
      steps = ["label \(label) is to be ignored: nothing is measured"]
      return
    }
    let rivals = (0..<input.count).count { $0 != label && input[$0] >= input[label] }
    let others = rivals == 1 ? "1 other class scores" : "\(rivals) other classes score"
    steps = [
      "\(others) at least as high as class \(label); right with fewer than "
        + "\(specification.topK)"
    ]
    value = rivals < specification.topK ? 1 : 0
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
        "p[\(label)] = e^(\(Format.value(scores[label])) − \(Self.factor(maximum))) / "
          + "\(Format.value(sum)) = \(Format.value(own / sum))",
      ], own / sum
    )
  }
}

extension HandComputation {
  /// A sum of products: the terms of largest magnitude, the number of the rest, and all of them
  /// added.
  mutating func sum(_ terms: [(weight: Double, input: Double)], bias: Double?) {
    let shown = terms.indices.sorted {
      abs(terms[$0].weight * terms[$0].input) > abs(terms[$1].weight * terms[$1].input)
    }.prefix(3)
    let products = shown.map { "\(Self.factor(terms[$0].weight))·\(Self.factor(terms[$0].input))" }
    let total = terms.reduce(0) { $0 + $1.weight * $1.input }
    let rest = terms.count - products.count
    steps.append(
      products.joined(separator: " + ") + (rest > 0 ? " + … (\(rest) smaller products)" : "")
        + " = \(Format.value(total))")
    if let bias { steps.append("plus bias \(Format.value(bias))") }
    value = total + (bias ?? 0)
  }

  /// A number in a product: a negative one in parentheses.
  static func factor(_ number: Double) -> String {
    number < 0 ? "(\(Format.value(number)))" : Format.value(number)
  }
}

extension Shape {
  /// Channel, row and column of a row-major position in the first image.
  func place(of position: Int) -> (channel: Int, row: Int, column: Int) {
    let plane = max(spatialCount, 1)
    return (position / plane, position % plane / max(width, 1), position % max(width, 1))
  }
}
