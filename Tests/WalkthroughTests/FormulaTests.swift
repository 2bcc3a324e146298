import Foundation
import Layers
import Networks
import ONNXFiles
import Reference
import Tensors
import Testing

@testable import walkthrough

/// What a printed formula comes to: names are numbers or tensors, indices are numbers.
private struct Evaluator {
  typealias Element = @Sendable ([Double]) -> Double?

  var elements: [String: Element]
  var indices: [String: Double] = [:]

  struct Unknown: Error { var name: String }

  /// The value of an expression; `nil` for an element that isn't there.
  func value(_ expression: Formula.Expression) throws -> Double? {
    switch expression {
    case .number(let digits): return Double(digits)
    case .entry(let name, let list):
      if list.isEmpty, let index = indices[name] { return index }
      if name == "e" { return M_E }
      guard let element = elements[name] else { throw Unknown(name: name) }
      let place = try list.map { try value($0) ?? .nan }
      return element(place)
    case .over(let sign, let ranges, let body):
      return try over(sign, ranges[...], body)
    case .binary("^", let a, let b): return try two(a, b, pow)
    case .binary("+", let a, let b): return try two(a, b, +)
    case .binary("−", let a, let b): return try two(a, b, -)
    case .binary("/", let a, let b): return try two(a, b, /)
    case .binary(_, let a, let b): return try two(a, b, *)
    case .negative(let a): return try value(a).map { -$0 }
    case .floor(let a): return try value(a).map { $0.rounded(.down) }
    case .group(let list): return try value(list[0])
    case .call("ln", let list): return try value(list[0]).map { log($0) }
    case .call("max", let list): return try two(list[0], list[1], max)
    case .call("min", let list): return try two(list[0], list[1], min)
    case .call(let name, _): throw Unknown(name: name)
    case .equal(let a, .group(let pair)) where pair.count == 2:
      // A place: row and column, as one number.
      guard let row = try value(pair[0]), let column = try value(pair[1]) else { return nil }
      return try value(a) == row * 1e6 + column ? 1 : 0
    case .equal(let a, let b): return try value(a) == value(b) ? 1 : 0
    case .choice(let a, let sign, let b, let yes, let no):
      let (left, right) = (try value(a) ?? .nan, try b.flatMap { try value($0) } ?? 0)
      let holds =
        switch sign {
        case "≥": left >= right
        case ">": left > right
        case "=": left == right
        default: left != 0
        }
      return try value(holds ? yes : no)
    }
  }

  private func two(
    _ a: Formula.Expression, _ b: Formula.Expression, _ operation: (Double, Double) -> Double
  ) throws -> Double? {
    guard let a = try value(a), let b = try value(b) else { return nil }
    return operation(a, b)
  }

  private func over(
    _ sign: String, _ ranges: ArraySlice<Formula.IndexRange>, _ body: Formula.Expression
  ) throws -> Double? {
    guard let range = ranges.first else { return try value(body) }
    let first = try #require(try value(range.first))
    let last = try range.last.map { try #require(try value($0)) }
    let count = try range.count.map { try #require(try value($0)) }
    let end = last ?? first + (count ?? 0) - 1
    var result: Double?
    for index in Swift.stride(from: first, through: end, by: 1) {
      var inner = self
      inner.indices[range.index] = index
      guard let term = try inner.over(sign, ranges.dropFirst(), body) else { continue }
      result = sign == "Σ" ? (result ?? 0) + term : max(result ?? -.infinity, term)
    }
    return result ?? (sign == "Σ" ? 0 : nil)
  }
}

extension Tensor<Float> {
  /// The elements of the first image, or of a parameter, by the last indices; none beyond the border or
  /// between two rows.
  fileprivate func element(ofImage: Bool) -> Evaluator.Element {
    let all = ofImage ? Array(shape.dimensions.dropFirst()) : shape.dimensions
    return { [elements] place in
      let dimensions = Run.dimensions(all, indices: place.count)
      guard place.count == dimensions.count else { return nil }
      var position = 0
      for (index, count) in zip(place, dimensions) {
        guard index == index.rounded(), index >= 0, index < Double(count) else { return nil }
        position = position * count + Int(index)
      }
      return Double(elements[position])
    }
  }
}

/// A layer that was run forwards and backwards on one image, and its formulas.
private struct Run {
  let explanation: Explanation
  let tensors: [String: Tensor<Float>]
  let specification: any LayerSpecification

  init(_ specification: any LayerSpecification, _ shape: Shape) throws {
    self.specification = specification
    let output = try specification.outputShape(for: [shape])
    var generator = SplitMix64(seed: 3)
    explanation = specification.tour.explanation(shape, output)
    let input = Tensor<Float>.normal(shape, deviation: 2, using: &generator)
    let parameters = try specification.parameters(for: [shape]).map {
      Tensor<Float>.normal($0.shape, deviation: 1, using: &generator)
    }
    let upstream =
      specification.lossWeight != 0
      ? Tensor<Float>(output, repeating: 1)
      : Tensor<Float>.normal(output, deviation: 1, using: &generator)
    var tensors = ["in": input, "x": input, "∂L/∂out": upstream, "∂L/∂p": upstream]
    for (name, tensor) in zip(["w", "b"], parameters) { tensors[name] = tensor }
    func run<L: Layer>(_ layer: L) throws where L.Scalar == Float {
      var context = RunContext(labels: specification.takesLabels ? [1] : [])
      var saved = try layer.makeSaved(for: [shape])
      var result = Tensor<Float>(output)
      layer.forward(
        [input], parameters: parameters, context: &context, output: &result, saved: &saved)
      var inputGradients: [Tensor<Float>?] = [Tensor<Float>(shape)]
      var gradients = parameters.map { Tensor<Float>($0.shape) }
      layer.backward(
        outputGradient: upstream, inputs: [input], output: result, parameters: parameters,
        saved: saved, inputGradients: &inputGradients, parameterGradients: &gradients,
        accumulating: false)
      tensors["out"] = result
      tensors["p"] = specification.lossWeight != 0 ? nil : result
      tensors["loss"] = result
      tensors["∂L/∂in"] = inputGradients[0]
      tensors["∂L/∂x"] = inputGradients[0]
      for (name, tensor) in zip(["∂L/∂w", "∂L/∂b"], gradients) { tensors[name] = tensor }
    }
    let layer = try specification.layer(on: ReferenceBackend<Float>())
    try run(layer)
    self.tensors = tensors
  }

  /// Evaluates a formula at every place of its left side, and compares with what the layer computed.
  func check(_ formula: Formula) throws {
    let equations = formula.statements.compactMap(\.equation)
    let main = try #require(equations.first, "\(formula.text)")
    guard case .entry(let name, let indices) = main.left else {
      Issue.record("\(formula.text): no left side")
      return
    }
    let expected = try #require(tensors[name], "\(formula.text)")
    let isParameter = ["∂L/∂w", "∂L/∂b"].contains(name)
    var evaluator = Evaluator(elements: [:])
    for (name, tensor) in tensors {
      evaluator.elements[name] = tensor.element(ofImage: !["w", "b"].contains(name))
    }
    evaluator.elements["label"] = { _ in 1 }
    addMaxima(to: &evaluator)
    // What a gradient's formula names, the forward formula has said.
    let definitions = explanation.formula.statements.compactMap(\.equation).dropFirst()
    for equation in definitions {
      guard case .entry(let defined, let places) = equation.left else { continue }
      let outer = evaluator
      evaluator.elements[defined] = { values in
        var inner = outer
        for (place, value) in zip(places, values) {
          if case .entry(let index, _) = place { inner.indices[index] = value }
        }
        return try? inner.value(equation.right)
      }
    }
    let dimensions = Self.dimensions(
      isParameter ? expected.shape.dimensions : Array(expected.shape.dimensions.dropFirst()),
      indices: indices.count)
    var reach = 0.0
    for element in expected.elements { reach = max(reach, Double(abs(element))) }
    for position in 0..<expected.count {
      var inner = evaluator
      var rest = position
      for (index, count) in zip(indices, dimensions).reversed() {
        if case .entry(let name, _) = index { inner.indices[name] = Double(rest % count) }
        rest /= count
      }
      // Without indices, a formula is of one element of each tensor.
      if indices.isEmpty {
        for (name, tensor) in tensors where tensor.count == expected.count {
          inner.elements[name] = { _ in Double(tensor[position]) }
        }
      }
      let value = try inner.value(main.right)
      // Sums of up to 100 products in Float, 6e-8 each, of which some are larger than the sum.
      #expect(
        abs((value ?? .nan) - Double(expected[position])) <= 2e-5 * max(reach, 1),
        "\(formula.text), at \(position): \(value ?? .nan), not \(expected[position])")
    }
  }

  /// The extents that indices run over: without those of 1 before them; flattened for a single index.
  static func dimensions(_ all: [Int], indices: Int) -> [Int] {
    var dimensions = all
    while dimensions.count > indices, dimensions.first == 1 { dimensions.removeFirst() }
    return indices == 1 ? [dimensions.reduce(1, *)] : dimensions
  }

  /// Where the maximum of each window is, as row · 10⁶ + column.
  private func addMaxima(to evaluator: inout Evaluator) {
    guard let pooling = specification as? PoolingSpecification, pooling.method == .maximum,
      let input = tensors["in"],
      let saved = try? Reference.Pooling<Float>(pooling).forward(input).saved,
      let output = tensors["out"]?.shape
    else { return }
    let width = input.shape.width
    evaluator.elements["at"] = { place in
      let position =
        (Int(place[0]) * output.height + Int(place[1])) * output.width + Int(place[2])
      let maximum = Int(saved.maxPositions[position])
      return Double(maximum / width) * 1e6 + Double(maximum % width)
    }
  }
}

@Suite("The formulas that are printed")
struct FormulaTests {
  static let layers: [(any LayerSpecification, Shape)] = [
    (ConvolutionSpecification(outputChannels: 3, kernel: 3, pad: 1), Shape(1, 2, 5, 4)),
    (
      ConvolutionSpecification(outputChannels: 6, kernel: 3, stride: 2, pad: 1, group: 3),
      Shape(1, 6, 7, 6)
    ),
    (ConvolutionSpecification(outputChannels: 4, kernel: 5, pad: 2, group: 2), Shape(1, 4, 6, 6)),
    (
      ConvolutionSpecification(
        outputChannels: 2, kernel: Extent(height: 2, width: 3), stride: Extent(height: 3, width: 2),
        dilation: 2, hasBias: false), Shape(1, 2, 9, 9)
    ),
    (PoolingSpecification(.maximum, kernel: 3, stride: 2), Shape(1, 2, 7, 7)),
    (PoolingSpecification(.maximum, kernel: 3, stride: 2, pad: 1), Shape(1, 2, 6, 7)),
    (PoolingSpecification(.average, kernel: 3, stride: 2), Shape(1, 2, 7, 7)),
    (PoolingSpecification(.average, kernel: 3, stride: 2), Shape(1, 2, 6, 8)),
    (PoolingSpecification(.average, kernel: 2, stride: 1, pad: 1), Shape(1, 1, 4, 5)),
    (
      AdaptiveAveragePoolingSpecification(output: Extent(height: 3, width: 2)), Shape(1, 2, 7, 4)
    ),
    (AdaptiveAveragePoolingSpecification(output: 6), Shape(1, 1, 4, 6)),
    (AdaptiveAveragePoolingSpecification(output: 3), Shape(1, 2, 3, 3)),
    (ViewSpecification(.flatten(axis: 1)), Shape(1, 2, 3, 2)),
    (LRNSpecification(localSize: 5, alpha: 0.5, beta: 0.75), Shape(1, 7, 1, 1)),
    (
      LRNSpecification(localSize: 3, alpha: 2, beta: 0.5, region: .withinChannel), Shape(1, 1, 4, 5)
    ),
    (InnerProductSpecification(outputs: 4), Shape(1, 2, 3, 2)),
    (InnerProductSpecification(outputs: 4, hasBias: false), Shape(1, 6)),
    (ReLUSpecification(), Shape(1, 9)),
    (ReLUSpecification(negativeSlope: 0.25), Shape(1, 9)),
    (SoftmaxSpecification(), Shape(1, 5)),
    (SoftmaxWithLossSpecification(), Shape(1, 5)),
  ]

  @Test("are what the network computes, forwards and backwards", arguments: layers.indices)
  func evaluated(index: Int) throws {
    let (specification, shape) = Self.layers[index]
    let run = try Run(specification, shape)
    try run.check(run.explanation.formula)
    #expect(!run.explanation.gradients.isEmpty)
    for formula in run.explanation.gradients { try run.check(formula) }
  }

  /// Where a value is kept, it is scaled, else it is 0.
  @Test("of dropout are those of a mask")
  func dropout() throws {
    let specification = DropoutSpecification(ratio: 0.2)
    let explanation = specification.explanation(Shape(1, 4), Shape(1, 4))
    for formula in [explanation.formula] + explanation.gradients {
      let equation = try #require(formula.statements.first?.equation)
      for (keeps, expected) in [(1.0, 2.5), (0, 0)] {
        let evaluator = Evaluator(elements: [
          "kept": { _ in keeps }, "in": { _ in 2 }, "∂L/∂out": { _ in 2 },
        ])
        #expect(try evaluator.value(equation.right) == expected)
      }
    }
  }

  /// README's block is the golden file; this is the formula that stood there without the offset.
  @Test("of a group name its channels: kernel 128 of conv2 begins at channel 48")
  func groups() throws {
    let conv2 = ConvolutionSpecification(outputChannels: 256, kernel: 5, pad: 2, group: 2)
    let formula = conv2.explanation(Shape(1, 96, 27, 27), Shape(1, 256, 27, 27)).formula
    let readme = try String(
      contentsOf: Tools.tests.deletingLastPathComponent().appending(path: "README.md"),
      encoding: .utf8)
    let words = { (text: String) in
      text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    #expect(words(readme).contains(words(formula.text)))
    let equation = try #require(formula.statements.first?.equation)
    final class Seen: @unchecked Sendable { var channels: Set<Double> = [] }
    let seen = Seen()
    for kernel in [0.0, 127, 128, 255] {
      seen.channels = []
      let evaluator = Evaluator(
        elements: [
          "b": { _ in 0 }, "w": { _ in 1 },
          "in": { place in
            seen.channels.insert(place[0])
            return 1
          },
        ], indices: ["k": kernel, "y": 13, "x": 13])
      #expect(try evaluator.value(equation.right) == 1200)
      let channels = Set((kernel < 128 ? 0..<48 : 48..<96).map(Double.init))
      #expect(seen.channels == channels)
    }
  }

  @Test("fall into pieces that are the text", arguments: layers.indices)
  func pieces(index: Int) throws {
    let (specification, shape) = Self.layers[index]
    let run = try Run(specification, shape)
    for formula in [run.explanation.formula] + run.explanation.gradients {
      #expect(formula.pieces.map(\.text).joined() == formula.text)
      // Every meaning is that of some piece.
      let keys = Set(formula.pieces.compactMap(\.key))
      #expect(keys == Set(formula.meanings.keys), "\(formula.text)")
    }
  }

  @Test(
    "are read no further than they go",
    arguments: ["out = ", "out = 1 +", "= 3", "a b", "out = (1"])
  func broken(text: String) {
    #expect(Formula(text).statements.first.flatMap(\.equation) == nil)
  }
}
