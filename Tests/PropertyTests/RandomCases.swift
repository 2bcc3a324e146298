import Fast
import Layers
import Reference
import Tensors
import Testing
import Tuned

/// How many random cases each property is tried on, each from a seed of its own.
let caseCount = 250

/// How many, where a case has a hundred times as many numbers.
let largeCaseCount = 25

/// A property that is to hold for every case: runs it on all seeds, and names the seed that fails.
func forAllSeeds(
  _ count: Int = caseCount, _ body: (inout RandomCases) throws -> Void
) rethrows {
  for seed in 1...UInt64(count) {
    var cases = RandomCases(seed: seed)
    try body(&cases)
  }
}

/// Random hyper-parameters, shapes and numbers; small, and of every kind.
struct RandomCases {
  let seed: UInt64
  private var generator: SplitMix64

  init(seed: UInt64) {
    self.seed = seed
    generator = SplitMix64(seed: seed)
  }

  mutating func integer(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &generator)
  }

  /// Rows and columns, one in two a square.
  mutating func extent(_ range: ClosedRange<Int>) -> Extent {
    let height = integer(range)
    return Extent(height: height, width: Bool.random(using: &generator) ? height : integer(range))
  }

  mutating func order(of count: Int) -> [Int] { (0..<count).shuffled(using: &generator) }

  /// Whole numbers from −3 to 3. Their sums of products are exact in any order, in `Float` too as
  /// long as they stay below 2²⁴: what is equal in theory is then equal to the last bit.
  mutating func whole<Scalar: Tensors.Scalar>(_ shape: Shape) -> Tensor<Scalar> {
    var tensor = Tensor<Scalar>(shape)
    for i in 0..<shape.count { tensor[i] = Scalar(Double(integer(-3...3))) }
    return tensor
  }

  mutating func normal<Scalar: Tensors.Scalar>(_ shape: Shape) -> Tensor<Scalar> {
    .normal(shape, using: &generator)
  }

  /// A convolution and an input that it accepts.
  mutating func convolution(
    hasBias: Bool = true, pad: ClosedRange<Int> = 0...2
  ) -> (ConvolutionSpecification, Shape) {
    while true {
      let group = integer(1...3)
      let specification = ConvolutionSpecification(
        outputChannels: group * integer(1...3), kernel: extent(1...4), stride: extent(1...3),
        pad: extent(pad), dilation: extent(1...2), group: group, hasBias: hasBias)
      let input = Shape(integer(1...4), group * integer(1...3), integer(1...9), integer(1...9))
      if (try? specification.outputShape(for: input)) != nil { return (specification, input) }
    }
  }

  /// A convolution of as many images, kernels and channels as Tuned wants for convolving directly,
  /// forwards and, unless a stride forbids it, backwards; and an input.
  mutating func convolutionOfManyImages(
    hasBias: Bool = true, pad: ClosedRange<Int> = 0...3
  ) -> (ConvolutionSpecification, Shape) {
    while true {
      let group = integer(1...2)
      let specification = ConvolutionSpecification(
        outputChannels: group * integer(16...50), kernel: extent(1...3),
        stride: Extent(integer(1...4) == 4 ? 2 : 1), pad: extent(pad), group: group,
        hasBias: hasBias)
      let input = Shape(
        [7, 8, 15, 24][integer(0...3)], group * integer(16...26), integer(1...4), integer(1...4))
      // The smallest kernel is one that Tuned leaves to Fast.
      if specification.kernel != 1, (try? specification.outputShape(for: input)) != nil {
        return (specification, input)
      }
    }
  }

  /// A convolution that minimal filtering takes, and an input.
  mutating func filtering() -> (ConvolutionSpecification, Shape) {
    while true {
      let (group, stride) = (integer(1...2), [1, 1, 1, 2, 4][integer(0...4)])
      let specification = ConvolutionSpecification(
        outputChannels: group * integer(1...20),
        kernel: Extent(stride * [3, 5][integer(0...1)] - integer(0...stride - 1)),
        stride: Extent(stride), pad: extent(0...3), group: group)
      let input = Shape(
        integer(1...6), group * integer(1...9), stride * integer(1...9), stride * integer(1...9))
      if (try? specification.outputShape(for: input)) != nil { return (specification, input) }
    }
  }

  /// Images of more numbers than two pieces have where Fast cuts by numbers.
  mutating func largeImages() -> Shape { Shape(5, 7, integer(44...60), integer(53...70)) }

  /// A pooling and an input that it accepts.
  mutating func pooling(
    _ method: PoolingSpecification.Method, pad: ClosedRange<Int> = 0...2
  ) -> (PoolingSpecification, Shape) {
    while true {
      let specification = PoolingSpecification(
        method, kernel: extent(1...4), stride: extent(1...3), pad: extent(pad),
        rounding: Bool.random(using: &generator) ? .ceiling : .floor)
      let input = Shape(integer(1...4), integer(1...19), integer(1...9), integer(1...20))
      if (try? specification.outputShape(for: input)) != nil { return (specification, input) }
    }
  }

  /// A normalisation and an input.
  mutating func lrn() -> (LRNSpecification, Shape) {
    let specification = LRNSpecification(
      localSize: 2 * integer(0...3) + 1, alpha: [1e-4, 0.1, 1][integer(0...2)],
      beta: [0.75, 0.5, 1.25][integer(0...2)], k: [1, 2][integer(0...1)],
      region: Bool.random(using: &generator) ? .acrossChannels : .withinChannel)
    return (
      specification, Shape(integer(1...4), integer(1...9), integer(1...7), integer(1...19))
    )
  }

  /// An inner product and an input.
  mutating func innerProduct(hasBias: Bool = true) -> (InnerProductSpecification, Shape) {
    (
      InnerProductSpecification(outputs: integer(1...40), hasBias: hasBias),
      Shape(integer(1...20), integer(1...7), integer(1...5), integer(1...5))
    )
  }
}

/// All versions: Reference first, and Tuned in `Float`, without minimal filtering: that rounds, also where
/// sums of whole numbers are exact.
func versions<Scalar: BLASScalar>(_ type: Scalar.Type) -> [any Backend<Scalar>] {
  [ReferenceBackend<Scalar>(), FastBackend<Scalar>()]
    + [TunedBackend(isExact: true) as? any Backend<Scalar>].compactMap(\.self)
}

/// Both passes of a layer, checked as `Layer`'s throwing methods check them.
func run<L: SingleInputLayer>(
  _ layer: L, _ input: Tensor<L.Scalar>, _ parameters: [Tensor<L.Scalar>] = [],
  upstream: Tensor<L.Scalar>, context: RunContext = RunContext()
) throws -> (output: Tensor<L.Scalar>, gradients: Gradients<L.Scalar>) {
  let forward = try layer.forward(input, parameters: parameters, context: context)
  let gradients = try layer.backward(upstream, input: input, parameters: parameters, after: forward)
  return (forward.output, gradients)
}

/// The forward pass of a layer.
func output<L: SingleInputLayer>(
  _ layer: L, _ input: Tensor<L.Scalar>, _ parameters: [Tensor<L.Scalar>] = [],
  context: RunContext = RunContext()
) throws -> Tensor<L.Scalar> {
  try layer.forward(input, parameters: parameters, context: context).output
}

/// Expects two tensors to hold the same numbers.
func expectSame<Scalar: Tensors.Scalar>(
  _ a: Tensor<Scalar>, _ b: Tensor<Scalar>, _ label: @autoclosure () -> String,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) {
  let isSame = a.shape == b.shape && a.largestDifference(to: b) == 0
  #expect(isSame, "\(label()): \(a.shape) and \(b.shape)", sourceLocation: sourceLocation)
}

extension Tensor {
  /// Images, channels, rows and columns of an image tensor, in a new order or cut out.
  func taking(
    images: [Int]? = nil, channels: [Int]? = nil, rows: Range<Int>? = nil,
    columns: Range<Int>? = nil
  ) -> Tensor {
    let (images, channels) = (images ?? Array(0..<shape.images), channels ?? Array(0..<shape[1]))
    let (rows, columns) = (rows ?? 0..<shape.height, columns ?? 0..<shape.width)
    var taken = Tensor(Shape(images.count, channels.count, rows.count, columns.count))
    var i = 0
    for n in images {
      for c in channels {
        for y in rows {
          for x in columns {
            taken[i] = self[n, c, y, x]
            i += 1
          }
        }
      }
    }
    return taken
  }

  /// a·self + b·other
  func combined(_ a: Element, _ other: Tensor, _ b: Element) -> Tensor {
    Tensor(shape, zip(elements, other.elements).map { a * $0 + b * $1 })
  }
}
