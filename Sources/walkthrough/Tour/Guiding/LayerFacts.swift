import Layers
import Networks
import Tensors

// What the report takes from a layer's specification.

extension LayerReport.Settings {
  /// The hyper-parameters of an operation.
  init(_ specification: any LayerSpecification, input: Shape) {
    func sides(_ extent: Extent) -> [Int] { [extent.height, extent.width] }
    switch specification {
    case let specification as ConvolutionSpecification:
      outputs = specification.outputChannels
      kernel = sides(specification.kernel)
      stride = sides(specification.stride)
      pad = sides(specification.pad)
      dilation = sides(specification.dilation)
      group = specification.group
    case let specification as PoolingSpecification:
      kernel = sides(specification.kernel(for: input))
      stride = sides(specification.stride)
      pad = sides(specification.pad)
      method = specification.method.rawValue
      rounding = specification.rounding.rawValue
    case let specification as LRNSpecification:
      localSize = specification.localSize
      alpha = specification.alpha
      beta = specification.beta
      k = specification.region == .acrossChannels ? specification.k : 1
      region = specification.region.rawValue
    case let specification as InnerProductSpecification: outputs = specification.outputs
    case let specification as ReLUSpecification: negativeSlope = specification.negativeSlope
    case let specification as DropoutSpecification: ratio = specification.ratio
    case let specification as AccuracySpecification: topK = specification.topK
    default: break
    }
  }
}

extension LayerReport.Parameters {
  /// The counts of a layer.
  init(_ summary: NetworkPlan.Layer) {
    let counts = summary.parameters.map(\.shape.count)
    self.init(
      weights: counts.first ?? 0, biases: counts.dropFirst().first ?? 0,
      total: summary.parameterCount,
      weightShape: summary.parameters.first?.shape.dimensions ?? [])
  }
}

extension LayerSpecification {
  /// How many parts of a convolution don't see each other; 1 for other layers.
  var groupCount: Int {
    if let specification = self as? ConvolutionSpecification { specification.group } else { 1 }
  }

  /// The groups of a convolution; none for other layers.
  func groups(_ summary: NetworkPlan.Layer) -> [LayerReport.Group] {
    guard let specification = self as? ConvolutionSpecification else { return [] }
    let inputs = summary.input.channels / specification.group
    let outputs = specification.outputChannels / specification.group
    return (0..<specification.group).map { group in
      .init(
        firstInput: group * inputs, lastInput: (group + 1) * inputs - 1,
        firstOutput: group * outputs, lastOutput: (group + 1) * outputs - 1,
        parameters: summary.parameterCount / specification.group)
    }
  }
}

extension Source {
  /// The places in Reference and Fast, and their lines where the source is at hand.
  init(_ reference: SourceLocation?, _ fast: SourceLocation?, isDeterministic: Bool) {
    func name(_ place: SourceLocation?) -> String {
      (isDeterministic ? place?.file : place?.description) ?? ""
    }
    self.init(reference: name(reference), fast: name(fast))
    guard !isDeterministic else { return }
    referenceCode = reference.flatMap(SourceTree.package.code)
    fastCode = fast.flatMap(SourceTree.package.code)
  }
}

extension FeatureMap {
  /// Some channels of the first image, evenly spaced, so that every group has its share.
  static func evenlySpaced(_ tensor: Tensor<Float>, groups: Int) -> [FeatureMap] {
    let channels = tensor.shape.channels
    guard tensor.shape.rank == 4, tensor.shape.spatialCount > 1 else { return [] }
    let shown = min(channels, limit)
    let isSigned = tensor.elements.contains { $0 < 0 }
    return (0..<shown).map { number in
      let channel = number * channels / shown
      return FeatureMap(
        channel: channel, group: channel / max(channels / groups, 1),
        raster: Raster(tensor, channel: channel, isSigned: isSigned))
    }
  }
}

extension Totals {
  /// The sums over the layers of each type, and over all.
  init(_ layers: [LayerReport], _ summary: NetworkPlan) {
    var order: [String] = []
    for layer in layers where !order.contains(layer.type) { order.append(layer.type) }
    let versions = layers.first?.versions.map(\.version) ?? []
    /// The time of some layers on one version; `nil` where clocks weren't read.
    func sum(
      _ layers: [LayerReport], _ version: Version, _ time: (VersionReport) -> Double?
    ) -> Double? {
      let times = layers.compactMap { $0.versions[version].flatMap(time) }
      return times.isEmpty ? nil : times.reduce(0, +)
    }
    func share(_ part: Int, of whole: Int) -> Double {
      whole == 0 ? 0 : Double(part) / Double(whole)
    }
    types = order.map { type in
      let members = layers.filter { $0.type == type }
      let parameters = members.reduce(0) { $0 + $1.parameters.total }
      let macs = members.reduce(0) { $0 + $1.macs }
      return Share(
        type: type, layers: members.count, parameters: parameters, macs: macs,
        parameterShare: share(parameters, of: summary.parameterCount),
        macShare: share(macs, of: summary.multiplyAccumulates),
        seconds: versions.compactMap { version in
          sum(members, version, \.seconds).map { VersionValue(version: version, value: $0) }
        })
    }
    outputBytes = SinglePrecision.bytes(summary.outputCount)
    parameterBytes = SinglePrecision.bytes(summary.parameterCount)
    self.versions = versions.map { version in
      VersionReport(
        version: version, forwardSeconds: sum(layers, version, \.forwardSeconds),
        backwardSeconds: sum(layers, version, \.backwardSeconds))
    }
  }
}
