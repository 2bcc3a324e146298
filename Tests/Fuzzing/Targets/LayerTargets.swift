import Fast
import Layers
import Reference
import Tensors

/// Runs a layer of any kind, with any hyper-parameters, on any shape, in both versions and in either
/// precision: they have to agree, or to refuse it by the same error.
func compareLayers(_ bytes: [UInt8]) throws {
  var choices = Choices(bytes)
  if choices.isTrue() {
    try LayerComparison<Double>(choices: choices).run()
  } else {
    try LayerComparison<Float>(choices: choices).run()
  }
}

/// One comparison, after the choice of the precision.
struct LayerComparison<Scalar: BLASScalar> {
  var choices: Choices

  typealias Backend = any Layers.Backend<Scalar>

  /// The distance between 1 and the next number.
  var epsilon: Double { Scalar.self == Float.self ? 0x1p-23 : 0x1p-52 }

  consuming func run() throws {
    var comparison = self
    let kind = comparison.choices.byte()
    // Seeds and findings that were kept before there were these mean what they meant.
    if kind >= 28 * 9 { return try comparison.convolutionOfManyImages() }
    switch kind >= 24 * 9 ? 9 + kind % 5 : kind % 9 {
    case 0: try comparison.convolution()
    case 1: try comparison.innerProduct()
    case 2: try comparison.pooling()
    case 3: try comparison.lrn()
    case 4: try comparison.relu()
    case 5: try comparison.dropout()
    case 6: try comparison.softmax()
    case 7: try comparison.losses()
    case 8: try comparison.step()
    case 9: try comparison.sigmoid()
    case 10: try comparison.tanh()
    case 11: try comparison.adaptiveAveragePooling()
    case 12: try comparison.concat()
    default: try comparison.eltwise()
    }
  }

  // MARK: Layers with weights: sums of products of whole numbers, exact in any order

  private mutating func convolution() throws {
    let group = choices.size(1...3)
    let perGroup = choices.size(1...4)
    let specification = ConvolutionSpecification(
      outputChannels: group &* perGroup,
      kernel: choices.extent(1...4), stride: choices.extent(1...3), pad: choices.extent(0...2),
      dilation: choices.extent(1...2), group: group, hasBias: !choices.isTrue())
    try weighted(specification) {
      $0.shape(rows: 1...19)
    } layer: {
      $0.convolution(specification)
    }
  }

  /// Of several images, and of more channels and kernels than the other.
  private mutating func convolutionOfManyImages() throws {
    let group = choices.size(1...2)
    let perGroup = choices.size(14...36)
    let specification = ConvolutionSpecification(
      outputChannels: group &* perGroup,
      kernel: choices.extent(1...3), stride: choices.one(of: [1, 1, 2]), pad: choices.extent(0...3),
      group: group, hasBias: !choices.isTrue())
    let channels = choices.size(14...26)
    try weighted(specification) {
      $0.shape(images: 6...16, channels: group &* channels...group &* channels, rows: 1...5)
    } layer: {
      $0.convolution(specification)
    }
  }

  private mutating func innerProduct() throws {
    let specification = InnerProductSpecification(
      outputs: choices.size(1...40), hasBias: !choices.isTrue(),
      axis: choices.one(of: [1, 1, 1, 0, 2, 3, -1, 4, .max, .min]))
    try weighted(specification) {
      $0.shape(rows: 1...5)
    } layer: {
      $0.innerProduct(specification)
    }
  }

  private mutating func weighted<Specification: SingleInputSpecification>(
    _ specification: Specification, shape: (inout Choices) -> Shape?,
    layer: (Backend) -> any SingleInputLayer<Scalar>
  ) throws {
    // One in four is followed by a ReLU.
    let slope = choices.one(of: [nil, nil, nil, nil, nil, nil, 0, 0.5])
    let relu = slope.map { ReLUSpecification(negativeSlope: $0) }
    guard
      let trial = try LayerTrial<Specification, Scalar>(
        specification, &choices, shape: shape, layer: layer)
    else { return }
    try trial.compare { backend in
      guard let relu else { return try trial.run(layer(backend)) }
      return try trial.run(layer(backend), followedBy: backend.relu(relu))
    }
  }

  // MARK: Layers without weights

  private mutating func pooling() throws {
    let method = choices.one(of: PoolingSpecification.Method.allCases)
    let specification =
      choices.byte() % 8 == 7
      ? PoolingSpecification(global: method)
      : PoolingSpecification(
        method, kernel: choices.extent(1...5), stride: choices.extent(1...3),
        pad: choices.extent(0...2),
        rounding: choices.one(of: PoolingSpecification.Rounding.allCases))
    guard
      let trial = try LayerTrial<PoolingSpecification, Scalar>(
        specification, &choices, shape: { $0.shape(rows: 1...19) },
        layer: { $0.pooling(specification) })
    else { return }
    // A maximum is one of the values. An average of numbers up to 3 is an exact sum that is divided, or
    // multiplied by a rounded reciprocal; in its gradient, one is summed for each window at a place.
    let windows = Double(
      min(trial.upstream.shape.spatialCount, specification.kernel(for: trial.input.shape).area))
    try trial.compare { backend in
      try trial.run(backend.pooling(specification))
    } within: { [epsilon] name in
      guard method == .average else { return 0 }
      return name == "output" ? 3 * 2 * epsilon : 3 * (2 + windows) * windows * epsilon
    }
  }

  private mutating func lrn() throws {
    let specification = LRNSpecification(
      localSize: choices.size(0...6) &* 2 &+ (choices.byte() % 8 == 7 ? 0 : 1),
      alpha: choices.constant(), beta: choices.constant(), k: choices.constant(),
      region: choices.one(of: LRNSpecification.Region.allCases))
    guard
      let trial = try LayerTrial<LRNSpecification, Scalar>(
        specification, &choices, layer: { $0.lrn(specification) })
    else { return }
    let bound = LRNBound(specification, trial.input.shape, epsilon: epsilon)
    try trial.compare { backend in
      try trial.run(backend.lrn(specification))
    } within: { name in
      name == "output" ? bound?.output : bound?.inputGradient
    }
  }

  private mutating func relu() throws {
    let specification = ReLUSpecification(negativeSlope: choices.constant())
    guard
      let trial = try LayerTrial<ReLUSpecification, Scalar>(
        specification, &choices, layer: { $0.relu(specification) })
    else { return }
    try inPlaceToo(trial) { $0.relu(specification) }
  }

  private mutating func dropout() throws {
    let specification = DropoutSpecification(ratio: choices.constant())
    guard
      let trial = try LayerTrial<DropoutSpecification, Scalar>(
        specification, &choices, layer: { $0.dropout(specification) })
    else { return }
    try inPlaceToo(trial) { $0.dropout(specification) }
  }

  /// A selection and a product, rounded once: the same in both versions, in place or not.
  func inPlaceToo<Specification>(
    _ trial: LayerTrial<Specification, Scalar>, _ layer: (Backend) -> any InPlaceLayer<Scalar>
  ) throws {
    try trial.compare { try trial.run(layer($0)) }
    guard layer(trial.backends[0]).inPlaceObstacle == nil else { return }
    try trial.compare { try trial.runInPlace(layer($0)) }
  }

  private mutating func softmax() throws {
    guard
      let trial = try LayerTrial<SoftmaxSpecification, Scalar>(
        SoftmaxSpecification(), &choices, layer: { $0.softmax(SoftmaxSpecification()) })
    else { return }
    let bound = probabilityBound(trial.input.shape)
    try trial.compare { backend in
      try trial.run(backend.softmax(SoftmaxSpecification()))
    } within: { name in
      // p·(dy − Σ dy·p) with dy up to 3: two terms of that size.
      name == "output" ? bound : 6 * bound
    }
  }

  /// How far probabilities may lie apart: powers are summed in two orders, each rounded, and divided.
  /// T terms in other orders differ by about ε·√T/3; six deviations are allowed.
  func probabilityBound(_ scores: Shape) -> Double {
    (2 * Double(scores.channels).squareRoot() + 8) * epsilon
  }
}
