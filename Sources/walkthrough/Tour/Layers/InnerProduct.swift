import Layers
import Tensors

extension InnerProductSpecification: LayerTour {
  var kind: String { "inner-product" }
  var isLive: Bool { hasBias }
  var lesson: CourseEntry? {
    CourseEntry(
      chapter: 7, title: "Inner product", file: "Docs/07-InnerProduct.md",
      exercise: "inner-product")
  }

  func settings(_ input: Shape) -> LayerReport.Settings { .init(outputs: outputs) }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    var sibling = self
    sibling.outputs = min(outputs, 6)
    return (sibling, [min(input.imageCount, 24)])
  }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let inputs = inputs(for: input)
    let upstream = "what comes back to output k"
    let weights = Formula(
      "∂L/∂w[k,d] = ∂L/∂out[k]·in[d]",
      [
        "∂L/∂w": "the gradient by one weight", "∂L/∂out": upstream,
        "in": "the input that the weight was multiplied with",
      ])
    let bias = Formula(
      "∂L/∂b[k] = ∂L/∂out[k]", ["∂L/∂b": "the gradient by a bias", "∂L/∂out": upstream])
    let back = Formula(
      "∂L/∂in[d] = Σ_k<\(outputs) w[k,d]·∂L/∂out[k]",
      [
        "∂L/∂in": "the gradient by input d", "Σ_k": "over all outputs: each read this input",
        "w": "a weight of input d", "∂L/∂out": upstream,
      ])
    var forward = Formula(
      "out[k] = " + (hasBias ? "b[k] + " : "") + "Σ_d<\(inputs) w[k,d]·in[d],  k < \(outputs)",
      [
        "out": "output k", "b": "its bias", "Σ_d": "over all inputs",
        "w": "a weight, used once an image", "in": "input d",
      ])
    if !hasBias { forward.meanings["b"] = nil }
    return Explanation(
      summary: "Every one of \(Format.grouped(outputs)) outputs is a weighted sum of all "
        + "\(Format.grouped(inputs)) inputs. Each weight is used once an image: many parameters, "
        + "little work.",
      formula: forward,
      arithmetic: [
        input.rank == 4
          ? "inputs: \(inputs) = \(input.channels)·\(input.height)·\(input.width), flattened "
            + "channel by channel"
          : "inputs: \(inputs)",
        "outputs: \(outputs), one for each row of weights",
      ],
      backward: "Each weight's gradient is its output's gradient times its input; each input "
        + "collects gradient × weight from all outputs: the transposed weights.",
      gradients: hasBias ? [weights, bias, back] : [weights, back])
  }

  // MARK: - By hand

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    let inputs = inputs(for: pass.input.shape)
    let factors = (0..<inputs).map {
      (Double(pass.parameters[0][position * inputs + $0]), Double(pass.input[$0]))
    }
    var example = WorkedExample(at: position, of: pass.output.shape)
    example.steps.append("row \(position) of the weights times all inputs: \(inputs) products")
    example.add(
      factors, ofBlocks: ("w, output \(position)", "in"), name: "input")
    if hasBias {
      let bias = Double(pass.parameters[1][position])
      example.lastSteps.append("\(Format.value(example.byHand)) plus bias \(Format.value(bias))")
      example.byHand += bias
    }
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    let inputs = inputs(for: pass.input.shape)
    switch tensor {
    case .parameter(0):
      let (k, d) = (position / inputs, position % inputs)
      var example = WorkedExample("∂L/∂w", position: "output \(k), input \(d)", output: [k, d])
      example.byHand = example.add(
        [(Double(upstream[k]), Double(pass.input[d]))], "∂L/∂out[\(k)]·in[\(d)]")
      return example
    case .parameter:
      var example = WorkedExample("∂L/∂b", position: "output \(position)", output: [position])
      example.byHand = Double(upstream[position])
      example.steps.append("∂L/∂out[\(position)], as the bias is added as it is")
      return example
    case .input:
      let factors = (0..<outputs).map {
        (Double(pass.parameters[0][$0 * inputs + position]), Double(upstream[$0]))
      }
      var example = WorkedExample("∂L/∂in", at: position, of: pass.input.shape)
      example.steps.append(
        "column \(position) of the weights times ∂L/∂out of all outputs: \(outputs) products")
      example.add(factors, ofBlocks: ("w, input \(position)", "∂L/∂out"), name: "output")
      return example
    }
  }
}

extension WorkedExample {
  /// Adds a row of products: the tables show the block of eight that adds most.
  mutating func add(
    _ factors: [(Double, Double)], ofBlocks titles: (String, String), name: String
  ) {
    let size = 8
    let starts = Array(stride(from: 0, to: factors.count, by: size))
    func block(_ start: Int) -> ArraySlice<(Double, Double)> {
      factors[start..<min(start + size, factors.count)]
    }
    let sums = starts.map { block($0).reduce(0) { $0 + $1.0 * $1.1 } }
    guard let chosen = sums.indices.max(by: { abs(sums[$0]) < abs(sums[$1]) }) else { return }
    let shown = block(starts[chosen])
    let names = shown.indices.map(String.init)
    let place = range(name, shown.startIndex, shown.endIndex - 1)
    tables = [
      .init(
        title: "\(titles.0), \(place)", rows: [shown.map { Optional($0.0) }], columnNames: names),
      .init(
        title: "\(titles.1), \(place)", rows: [shown.map { Optional($0.1) }], columnNames: names),
    ]
    add(Array(shown), place)
    byHand = add(
      zip(starts, sums).map { start, sum in
        .init(first: start, last: min(start + size, factors.count) - 1, sum: sum)
      }, of: name, chosen: chosen)
  }
}
