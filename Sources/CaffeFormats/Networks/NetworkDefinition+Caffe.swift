import CaffeMessages
import Layers
import Networks

extension NetworkDefinition {
  /// The network in Caffe's words: an `Input` layer, then every layer with its hyper-parameters,
  /// fillers and learning rates.
  ///
  /// - Parameters:
  ///   - batch: the number of images.
  ///   - phase: training or testing; an image classifier's labels are always among the inputs. Of a
  ///     layer of your own, which Caffe has no words for, there are only type, name and connections: a
  ///     `.caffemodel` needs no more.
  /// - Complexity: O(layers): no parameters are copied.
  public func netParameter(batch: Int, phase: Phase) -> Caffe_NetParameter {
    var net = Caffe_NetParameter()
    net.name = name
    var input = Caffe_LayerParameter()
    input.name = data
    input.type = "Input"
    input.top = [data]
    input.inputParam.shape = [.with { $0.dim = ([batch] + imageShape).map(Int64.init) }]
    if layers.contains(where: { $0.specification.takesLabels && $0.bottoms.last == label }) {
      input.top.append(label)
      input.inputParam.shape.append(.with { $0.dim = [Int64(batch)] })
    }
    for other in otherInputs {
      input.top.append(other.name)
      input.inputParam.shape.append(.with { $0.dim = other.dimensions.map(Int64.init) })
    }
    net.layer = [input] + layers.map(\.layerParameter)
    return net
  }
}

extension NetworkDefinition {
  /// Throws unless Caffe's files have words for every layer, so that what is written can be read.
  ///
  /// - Throws: `LayerError` naming the first layer of your own.
  /// - Complexity: O(layers).
  public func requireCaffeTypes() throws(LayerError) {
    for layer in layers where !Caffe_LayerParameter.operationTypes.contains(layer.typeName) {
      throw LayerError(
        layer: layer.name, value: "type \(layer.typeName)",
        rule:
          "can't be written to a prototxt: it is a layer of your own, and Caffe's files have words "
          + "for " + Caffe_LayerParameter.operationTypes.joined(separator: ", "))
    }
  }
}

extension LayerDefinition {
  /// The layer in Caffe's words; what has Caffe's default value is left out. Of a layer of your own,
  /// which Caffe has no words for, there are only type, name and connections.
  ///
  /// - Complexity: O(1).
  public var layerParameter: Caffe_LayerParameter {
    var layer = Caffe_LayerParameter()
    layer.name = name
    layer.type = typeName
    layer.bottom = bottoms
    layer.top = [top] + (probabilities.map { [$0] } ?? [])
    layer.param = learningRates
    layer.propagateDown = propagatesDown
    if let lossWeight { layer.lossWeight = [Float(lossWeight)] }
    if let phase { layer.phase = Caffe_Phase(phase) }
    switch specification {
    case let specification as ConvolutionSpecification:
      layer.convolutionParam = .init(specification)
      if let filler = parameters.first?.filler {
        layer.convolutionParam.weightFiller = .init(filler)
      }
      if let filler = parameters.dropFirst().first?.filler {
        layer.convolutionParam.biasFiller = .init(filler)
      }
    case let specification as InnerProductSpecification:
      layer.innerProductParam = .init(specification)
      if let filler = parameters.first?.filler {
        layer.innerProductParam.weightFiller = .init(filler)
      }
      if let filler = parameters.dropFirst().first?.filler {
        layer.innerProductParam.biasFiller = .init(filler)
      }
    case let specification as PoolingSpecification: layer.poolingParam = .init(specification)
    case let specification as LRNSpecification: layer.lrnParam = .init(specification)
    case let specification as ReLUSpecification:
      if specification.negativeSlope != 0 {
        layer.reluParam.negativeSlope = Float(specification.negativeSlope)
      }
    case let specification as DropoutSpecification:
      layer.dropoutParam.dropoutRatio = Float(specification.ratio)
    case let specification as ConcatSpecification:
      if specification.axis != 1 { layer.concatParam.axis = Int32(clamping: specification.axis) }
    case let specification as EltwiseSpecification: layer.eltwiseParam = .init(specification)
    case let specification as SoftmaxWithLossSpecification: layer.set(specification)
    case let specification as AccuracySpecification: layer.set(specification)
    default: break
    }
    return layer
  }

  private var learningRates: [Caffe_ParamSpec] {
    parameters.map { parameter in
      .with {
        if let name = parameter.name { $0.name = name }
        $0.lrMult = parameter.learningRateMultiplier
        $0.decayMult = parameter.decayMultiplier
      }
    }
  }
}

extension Caffe_LayerParameter {
  fileprivate mutating func set(_ specification: SoftmaxWithLossSpecification) {
    if specification.lossWeight != 1 { lossWeight = [Float(specification.lossWeight)] }
    if let label = specification.ignoreLabel { lossParam.ignoreLabel = Int32(clamping: label) }
    switch specification.normalization {
    case .valid: break
    case .full: lossParam.normalization = .full
    case .batchSize: lossParam.normalization = .batchSize
    case .none: lossParam.normalization = .none
    }
  }

  fileprivate mutating func set(_ specification: AccuracySpecification) {
    if specification.topK != 1 { accuracyParam.topK = UInt32(clamping: specification.topK) }
    if let label = specification.ignoreLabel { accuracyParam.ignoreLabel = Int32(clamping: label) }
  }
}

extension Caffe_ConvolutionParameter {
  fileprivate init(_ specification: ConvolutionSpecification) {
    self.init()
    numOutput = UInt32(clamping: specification.outputChannels)
    pad = sides(specification.pad, default: 0)
    kernelSize = sides(specification.kernel, default: nil)
    stride = sides(specification.stride, default: 1)
    dilation = sides(specification.dilation, default: 1)
    if specification.group != 1 { group = UInt32(clamping: specification.group) }
    if !specification.hasBias { biasTerm = false }
  }
}

extension Caffe_InnerProductParameter {
  fileprivate init(_ specification: InnerProductSpecification) {
    self.init()
    numOutput = UInt32(clamping: specification.outputs)
    if specification.axis != 1 { axis = Int32(clamping: specification.axis) }
    if !specification.hasBias { biasTerm = false }
  }
}

extension Caffe_PoolingParameter {
  fileprivate init(_ specification: PoolingSpecification) {
    self.init()
    pool = specification.method == .maximum ? .max : .ave
    guard let kernel = specification.kernel else {
      globalPooling = true
      return
    }
    (kernelH, kernelW) = (UInt32(clamping: kernel.height), UInt32(clamping: kernel.width))
    if kernel.height == kernel.width {
      kernelSize = kernelH
      clearKernelH()
      clearKernelW()
    }
    let (stride, pad) = (specification.stride, specification.pad)
    if stride.height == stride.width {
      if stride != 1 { self.stride = UInt32(clamping: stride.height) }
    } else {
      (strideH, strideW) = (UInt32(clamping: stride.height), UInt32(clamping: stride.width))
    }
    if pad.height == pad.width {
      if pad != 0 { self.pad = UInt32(clamping: pad.height) }
    } else {
      (padH, padW) = (UInt32(clamping: pad.height), UInt32(clamping: pad.width))
    }
    if specification.rounding == .floor { roundMode = .floor }
  }
}

extension Caffe_EltwiseParameter {
  fileprivate init(_ specification: EltwiseSpecification) {
    self.init()
    operation =
      switch specification.operation {
      case .sum: .sum
      case .product: .prod
      case .maximum: .max
      }
    coeff = specification.coefficients.map { Float($0) }
    if !specification.hasStableProductGradient { stableProdGrad = false }
  }
}

extension Caffe_LRNParameter {
  fileprivate init(_ specification: LRNSpecification) {
    self.init()
    localSize = UInt32(clamping: specification.localSize)
    alpha = Float(specification.alpha)
    beta = Float(specification.beta)
    if specification.k != 1 { k = Float(specification.k) }
    if specification.region == .withinChannel { normRegion = .withinChannel }
  }
}

extension Caffe_FillerParameter {
  init(_ filler: Filler) {
    self.init()
    switch filler {
    case .constant(let value):
      type = "constant"
      if value != 0 { self.value = Float(value) }
    case .uniform(let low, let high):
      type = "uniform"
      (min, max) = (Float(low), Float(high))
    case .gaussian(let mean, let deviation):
      setGaussian(mean, deviation)
    case .sparseGaussian(let mean, let deviation, let nonzero):
      setGaussian(mean, deviation)
      sparse = Int32(clamping: nonzero)
    case .xavier(let fan):
      type = "xavier"
      set(fan)
    case .msra(let fan):
      type = "msra"
      set(fan)
    }
  }

  private mutating func setGaussian(_ mean: Double, _ deviation: Double) {
    type = "gaussian"
    if mean != 0 { self.mean = Float(mean) }
    std = Float(deviation)
  }

  private mutating func set(_ fan: Filler.Fan) {
    switch fan {
    case .input: break
    case .output: varianceNorm = .fanOut
    case .average: varianceNorm = .average
    }
  }
}

/// One number for a square, none for the default, two otherwise.
private func sides(_ extent: Extent, default standard: Extent?) -> [UInt32] {
  if extent == standard { return [] }
  let sides = [extent.height, extent.width].map { UInt32(clamping: $0) }
  return sides[0] == sides[1] ? [sides[0]] : sides
}
