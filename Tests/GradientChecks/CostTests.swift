import GradientChecking
import Layers
import Reference
import Tensors
import Testing

/// What the comments of `check` say of its cost, counted.
@Suite("The cost of a check")
struct CostTests {
  /// Evaluations that no element or direction needs: one at the point for the checker, and for each
  /// variable another and the eight by which noise is measured.
  private func others(_ function: some DifferentiableFunction) -> Int {
    1 + 9 * function.variables.count
  }

  /// Every element, two random directions and the one along which all elements move alike.
  private func lines(_ function: some DifferentiableFunction) -> Int {
    function.variables.reduce(0) { $0 + $1.shape.count + 3 }
  }

  private func function<L: SingleInputLayer>(of layer: L, _ shape: Shape) throws -> LayerFunction<L>
  {
    var generator = SplitMix64(seed: 1)
    let input = Tensor<Double>.normal(shape, using: &generator)
    let parameters = try layer.specification.parameters(for: shape).map {
      Tensor<Double>.normal($0.shape, using: &generator)
    }
    return try LayerFunction(layer, inputs: [input], parameters: parameters)
  }

  /// Evaluations for each element or direction while a layer's gradient is checked.
  private func evaluations<L: SingleInputLayer>(
    of layer: L, on shape: Shape, factor: Double = 1, options: CheckOptions = CheckOptions()
  ) throws -> (rate: Double, gradients: Int) {
    let counted = CountedFunction(try function(of: layer, shape)) { gradients in
      gradients.map { Tensor($0.shape, $0.elements.map { $0 * factor }) }
    }
    #expect(try check(counted, options: options).passed == (factor == 1))
    let evaluations = counted.counter.evaluations.withLock { $0 } - others(counted)
    return (
      Double(evaluations) / Double(lines(counted)), counted.counter.gradients.withLock { $0 }
    )
  }

  @Test("is what the comments say, whatever the layer", arguments: Kind.allCases)
  func layers(kind: Kind) throws {
    switch kind {
    case .straight:
      let layer = Convolution<Double>(.init(outputChannels: 4, kernel: 3, group: 2))
      try expect(layer, on: Shape(2, 4, 6, 5), outputs: 2 * 4 * 4 * 3, variables: 3, right: 6...6)
    case .curved:
      let layer = LRN<Double>(.init(localSize: 3))
      try expect(layer, on: Shape(2, 4, 6, 5), outputs: 240, variables: 1, right: 11...14)
    case .bent:
      let layer = Pooling<Double>(.init(.maximum, kernel: 3, stride: 2))
      try expect(layer, on: Shape(2, 4, 6, 5), outputs: 2 * 4 * 3 * 2, variables: 1, right: 6...8)
    }
  }

  /// What the function is between the points of a difference quotient.
  enum Kind: CaseIterable {
    case straight, curved, bent
  }

  private func expect<L: SingleInputLayer>(
    _ layer: L, on shape: Shape, outputs: Int, variables: Int, right: ClosedRange<Double>
  ) throws {
    let found = try evaluations(of: layer, on: shape)
    #expect(right.contains(found.rate))
    #expect(found.gradients == 1)
    // Two where the first steps don't fit and others have to be found.
    let cheap = try evaluations(of: layer, on: shape, options: CheckOptions(isEconomical: true))
    #expect((1...2).contains(cheap.rate))
    let wrong = try evaluations(of: layer, on: shape, factor: 1.5)
    #expect((4...48).contains(wrong.rate))
    // Two for each output, some whose point or upstream gradient is another one, and 32 that find out
    // whether a small claim is nothing but rounding.
    #expect(wrong.gradients <= 1 + variables * (2 * outputs + 4 + 32))
  }
}
