import CaffeMessages
import Layers
import Networks
import Tensors

/// What is wrong with a layer, and in which field.
struct LayerProblem: Error {
  var problem: String
  var field: String?

  init(_ problem: String, field: String? = nil) {
    self.problem = problem
    self.field = field
  }
}

extension Caffe_LayerParameter {
  /// The types of layers that compute something.
  static let operationTypes = [
    "Accuracy", "Concat", "Convolution", "Dropout", "Eltwise", "InnerProduct", "LRN", "Pooling",
    "ReLU", "Sigmoid", "Softmax", "SoftmaxWithLoss", "TanH",
  ]
  /// The types of layers that bring something into the network.
  static let inputTypes = ["Data", "DummyData", "ImageData", "Input"]
  /// The types of layers that only keep a blob from being an output.
  static let idleTypes = ["Silence"]

  /// Whether the layer compares with labels, its last bottom.
  var takesLabels: Bool { type == "SoftmaxWithLoss" || type == "Accuracy" }

  /// What the layer is, on inputs of these shapes.
  func specification(on inputs: [Shape]) throws(LayerProblem) -> any LayerSpecification {
    let input = inputs.first ?? Shape()
    switch type {
    case "Convolution": return try convolutionParam.specification(for: input)
    case "InnerProduct": return try innerProductParam.specification(for: input)
    case "Pooling": return try poolingParam.specification()
    case "LRN": return lrnParam.specification
    case "ReLU": return ReLUSpecification(negativeSlope: Double(reluParam.negativeSlope))
    case "Dropout": return DropoutSpecification(ratio: Double(dropoutParam.dropoutRatio))
    case "Sigmoid": return SigmoidSpecification()
    case "TanH": return TanHSpecification()
    case "Concat": return try concatParam.specification(for: input)
    case "Eltwise":
      let factors = eltwiseParam.coeff.count
      guard factors == 0 || factors == bottom.count else {
        throw LayerProblem(
          "has \(factors) \"coeff\" for \(bottom.count) bottoms; each has its own, or there are none",
          field: "coeff")
      }
      return eltwiseParam.specification
    case "Softmax":
      try requireClassAxis(softmaxParam.axis, input)
      return SoftmaxSpecification()
    case "SoftmaxWithLoss":
      try requireClassAxis(softmaxParam.axis, input)
      return try lossSpecification()
    case "Accuracy":
      try requireClassAxis(accuracyParam.axis, input)
      return AccuracySpecification(
        topK: Int(accuracyParam.topK),
        ignoreLabel: accuracyParam.hasIgnoreLabel ? Int(accuracyParam.ignoreLabel) : nil)
    default: throw unknownType()
    }
  }

  func unknownType() -> LayerProblem {
    guard !type.isEmpty else { return LayerProblem("a \"type\" is missing") }
    guard type != "HDF5Data" else {
      return LayerProblem(
        "HDF5 files are not read here. Python's h5py makes an .npz of one, which \"dump --input\" takes: "
          + "numpy.savez(\"data.npz\", **{k: v[()] for k, v in h5py.File(\"data.h5\").items()})",
        field: "type")
    }
    let known = (Self.operationTypes + Self.inputTypes + Self.idleTypes).sorted()
    if let today = Self.todaysType(of: type, among: known) {
      return LayerProblem(
        "type \"\(type)\" is \"\(today)\" in a \"layer\"; only the form of 2014, with \"layers\", has names "
          + "like CONVOLUTION",
        field: "type")
    }
    return LayerProblem(
      "type \"\(type)\" is none of this project's: \(known.joined(separator: ", "))"
        + suggestion(for: type, among: known), field: "type")
  }

  /// The known type that an old or half-converted file means: `SOFTMAX_LOSS`, `CONVOLUTION`, `relu`.
  private static func todaysType(of type: String, among known: [String]) -> String? {
    let letters = type.lowercased().filter { $0 != "_" }
    return letters == "softmaxloss"
      ? "SoftmaxWithLoss" : known.first { $0.lowercased() == letters }
  }

  /// Throws unless the layer has as many bottoms as it reads, and says of each whether it propagates
  /// down, or of none.
  func checkBottoms(of specification: some LayerSpecification) throws(LayerProblem) {
    if specification is any SingleInputSpecification {
      let bottoms = specification.takesLabels ? 2 : 1
      guard bottom.count == bottoms else {
        throw LayerProblem(
          "has \(bottom.count) bottoms; a \(type) layer reads \(bottoms)", field: "bottom")
      }
    }
    guard propagateDown.isEmpty || propagateDown.count == bottom.count else {
      throw LayerProblem(
        "has \(propagateDown.count) \"propagate_down\" for \(bottom.count) bottoms; each has its own, "
          + "or there are none", field: "propagate_down")
    }
  }

  /// The factor of the output in the loss, for a layer that is none by its type; `nil` for none.
  func additionalLossWeight(tops: Int) throws(LayerProblem) -> Double? {
    guard lossWeight.isEmpty || lossWeight.count == tops else {
      throw LayerProblem(
        "has \(lossWeight.count) \"loss_weight\" for \(tops) tops; each has its own, or there are none",
        field: "loss_weight")
    }
    guard lossWeight.dropFirst().allSatisfy({ $0 == 0 }) else {
      throw LayerProblem("only the first top can have a loss weight here", field: "loss_weight")
    }
    guard type != "SoftmaxWithLoss", let weight = lossWeight.first, weight != 0 else { return nil }
    guard weight.isFinite else {
      throw LayerProblem("loss_weight \(weight) must be finite", field: "loss_weight")
    }
    return Double(weight)
  }

  private func requireClassAxis(_ axis: Int32, _ input: Shape) throws(LayerProblem) {
    let resolved = axis < 0 ? Int(axis) + input.rank : Int(axis)
    guard resolved == 1 else {
      throw LayerProblem("axis \(axis) must be 1, that of the classes", field: "axis")
    }
  }

  private func lossSpecification() throws(LayerProblem) -> SoftmaxWithLossSpecification {
    let normalization: SoftmaxWithLossSpecification.Normalization
    if !lossParam.hasNormalization, lossParam.hasNormalize {
      // The older field: Caffe's loss_layer.cpp.
      normalization = lossParam.normalize ? .valid : .batchSize
    } else {
      normalization =
        switch lossParam.normalization {
        case .full: .full
        case .valid: .valid
        case .batchSize: .batchSize
        case .none: .none
        }
    }
    return SoftmaxWithLossSpecification(
      normalization: normalization,
      ignoreLabel: lossParam.hasIgnoreLabel ? Int(lossParam.ignoreLabel) : nil,
      lossWeight: lossWeight.first.map(Double.init) ?? 1)
  }

  /// How the layer's parameters start and learn: weights, then bias.
  func parameterDefinitions() throws(LayerProblem) -> [ParameterDefinition] {
    let fillers: [Filler]
    switch type {
    case "Convolution":
      fillers = [
        try convolutionParam.weightFiller.filler("weight_filler"),
        try convolutionParam.biasFiller.filler("bias_filler"),
      ].prefix(convolutionParam.biasTerm ? 2 : 1).map { $0 }
    case "InnerProduct":
      fillers = [
        try innerProductParam.weightFiller.filler("weight_filler"),
        try innerProductParam.biasFiller.filler("bias_filler"),
      ].prefix(innerProductParam.biasTerm ? 2 : 1).map { $0 }
    default: fillers = []
    }
    guard param.count <= fillers.count else {
      throw LayerProblem(
        "has \(param.count) \"param\" but only \(fillers.count) parameters", field: "param")
    }
    return fillers.enumerated().map { index, filler in
      guard index < param.count else { return ParameterDefinition(filler: filler) }
      let name = param[index].name
      return ParameterDefinition(
        filler: filler, learningRateMultiplier: param[index].lrMult,
        decayMultiplier: param[index].decayMult, name: name.isEmpty ? nil : name)
    }
  }
}

extension Caffe_ConvolutionParameter {
  fileprivate func specification(
    for input: Shape
  ) throws(LayerProblem) -> ConvolutionSpecification {
    guard axis == 1 || Int(axis) + input.rank == 1 else {
      throw LayerProblem("axis \(axis) must be 1, that of the channels", field: "axis")
    }
    guard hasNumOutput else { throw LayerProblem("\"num_output\" is missing") }
    let kernel = try extent(
      "kernel_size", kernelSize, hasKernelH || hasKernelW ? (kernelH, kernelW) : nil, default: nil)
    let stride = try extent(
      "stride", stride, hasStrideH || hasStrideW ? (strideH, strideW) : nil, default: 1)
    let pad = try extent("pad", pad, hasPadH || hasPadW ? (padH, padW) : nil, default: 0)
    return ConvolutionSpecification(
      outputChannels: Int(numOutput), kernel: kernel, stride: stride, pad: pad,
      dilation: try extent("dilation", dilation, nil, default: 1), group: Int(group),
      hasBias: biasTerm)
  }

  /// One number for a square, two for rows and columns, or a field for each.
  private func extent(
    _ name: String, _ sides: [UInt32], _ separate: (UInt32, UInt32)?, default standard: Extent?
  ) throws(LayerProblem) -> Extent {
    if let (height, width) = separate {
      guard sides.isEmpty else {
        throw LayerProblem("\"\(name)\" is given twice: in one field and in two", field: name)
      }
      return Extent(height: Int(height), width: Int(width))
    }
    switch (sides.count, standard) {
    case (1, _): return Extent(Int(sides[0]))
    case (2, _): return Extent(height: Int(sides[0]), width: Int(sides[1]))
    case (0, let standard?): return standard
    case (0, nil): throw LayerProblem("\"\(name)\" is missing")
    default:
      throw LayerProblem(
        "\"\(name)\" has \(sides.count) values; 1 or 2 fit the rows and columns of an image",
        field: name)
    }
  }
}

extension Caffe_InnerProductParameter {
  fileprivate func specification(
    for input: Shape
  ) throws(LayerProblem) -> InnerProductSpecification {
    guard !transpose else {
      throw LayerProblem("transposed weights are not possible here", field: "transpose")
    }
    guard hasNumOutput else { throw LayerProblem("\"num_output\" is missing") }
    return InnerProductSpecification(
      outputs: Int(numOutput), hasBias: biasTerm,
      axis: axis < 0 ? Int(axis) + input.rank : Int(axis))
  }
}

extension Caffe_PoolingParameter {
  fileprivate func specification() throws(LayerProblem) -> PoolingSpecification {
    let method: PoolingSpecification.Method
    switch pool {
    case .max: method = .maximum
    case .ave: method = .average
    case .stochastic: throw LayerProblem("stochastic pooling is not possible here", field: "pool")
    }
    let stride = try extent("stride", hasStride ? self.stride : nil, strideH, strideW, default: 1)
    let pad = try extent("pad", hasPad ? self.pad : nil, padH, padW, default: 0)
    if globalPooling {
      guard !hasKernelSize, !hasKernelH, !hasKernelW else {
        throw LayerProblem("global pooling takes no kernel size", field: "global_pooling")
      }
      guard stride == 1, pad == 0 else {
        throw LayerProblem("global pooling takes no stride and no pad", field: "global_pooling")
      }
      return PoolingSpecification(global: method)
    }
    // Beside a kernel_size, Caffe takes no notice of one of the other two.
    guard hasKernelSize != (hasKernelH && hasKernelW) else {
      throw LayerProblem("needs either \"kernel_size\" or both \"kernel_h\" and \"kernel_w\"")
    }
    return PoolingSpecification(
      method,
      kernel: Extent(
        height: Int(hasKernelSize ? kernelSize : kernelH),
        width: Int(hasKernelSize ? kernelSize : kernelW)),
      stride: stride, pad: pad, rounding: roundMode == .floor ? .floor : .ceiling)
  }
}

extension Caffe_PoolingParameter {
  /// One field for a square, or one for rows and one for columns, as Caffe's `pooling_layer.cpp` checks
  /// them: not all three, and of the two both or none.
  private func extent(
    _ name: String, _ side: UInt32?, _ rows: UInt32, _ columns: UInt32, default standard: UInt32
  ) throws(LayerProblem) -> Extent {
    let (hasRows, hasColumns) = name == "pad" ? (hasPadH, hasPadW) : (hasStrideH, hasStrideW)
    guard side == nil || (!hasRows && !hasColumns) else {
      throw LayerProblem("\"\(name)\" is given twice: in one field and in two", field: name)
    }
    guard hasRows == hasColumns else {
      throw LayerProblem(
        "needs both \"\(name)_h\" and \"\(name)_w\", or \"\(name)\" for both",
        field: hasRows ? "\(name)_h" : "\(name)_w")
    }
    return hasRows
      ? Extent(height: Int(rows), width: Int(columns)) : Extent(Int(side ?? standard))
  }
}

extension Caffe_ConcatParameter {
  fileprivate func specification(for input: Shape) throws(LayerProblem) -> ConcatSpecification {
    guard !(hasAxis && hasConcatDim) else {
      throw LayerProblem(
        "\"axis\" and its old name \"concat_dim\" exclude each other", field: "concat_dim")
    }
    if hasConcatDim { return ConcatSpecification(axis: Int(concatDim)) }
    return ConcatSpecification(axis: axis < 0 ? Int(axis) + input.rank : Int(axis))
  }
}

extension Caffe_EltwiseParameter {
  fileprivate var specification: EltwiseSpecification {
    let sum = operation == .sum
    return EltwiseSpecification(
      sum ? .sum : operation == .prod ? .product : .maximum,
      // Caffe refuses them for a product, and takes no notice of them for a maximum.
      coefficients: operation == .max ? [] : coeff.map(Double.init),
      hasStableProductGradient: stableProdGrad)
  }
}

extension Caffe_LRNParameter {
  fileprivate var specification: LRNSpecification {
    LRNSpecification(
      localSize: Int(localSize), alpha: Double(alpha), beta: Double(beta), k: Double(k),
      region: normRegion == .withinChannel ? .withinChannel : .acrossChannels)
  }
}

extension Caffe_FillerParameter {
  /// The distribution that Caffe's `filler.hpp` gives the type; the constant 0 without one.
  func filler(_ field: String) throws(LayerProblem) -> Filler {
    let fan: Filler.Fan =
      switch varianceNorm {
      case .fanIn: .input
      case .fanOut: .output
      case .average: .average
      }
    switch type {
    case "constant": return .constant(Double(value))
    case "uniform":
      guard min <= max else {
        throw LayerProblem("a uniform filler's min \(min) exceeds its max \(max)", field: field)
      }
      return .uniform(low: Double(min), high: Double(max))
    case "gaussian" where sparse >= 0:
      return .sparseGaussian(
        mean: Double(mean), deviation: Double(std), nonzero: Int(sparse))
    case "gaussian": return .gaussian(mean: Double(mean), deviation: Double(std))
    case "xavier": return .xavier(fan)
    case "msra": return .msra(fan)
    default:
      let known = ["constant", "gaussian", "msra", "uniform", "xavier"]
      throw LayerProblem(
        "filler \"\(type)\" is none of this project's: \(known.joined(separator: ", "))"
          + suggestion(for: type, among: known), field: field)
    }
  }
}
