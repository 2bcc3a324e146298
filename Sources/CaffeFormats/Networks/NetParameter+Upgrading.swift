import CaffeMessages

extension Caffe_NetParameter {
  /// The network in today's form, as Caffe upgrades it on reading (`upgrade_proto.cpp`): old
  /// `layers` become `layer`, in the form of 2014 and in that of 2013, and `input` becomes a layer of its
  /// own.
  ///
  /// - Parameter file: what error messages call it.
  /// - Throws: `CaffeFileError` for what can't be upgraded: layers of 2013 that Caffe's own upgrade
  ///   refuses, old and new layers mixed, inputs without a shape.
  /// - Complexity: O(layers); parameters are shared, not copied.
  public func upgraded(file: String) throws(CaffeFileError) -> Caffe_NetParameter {
    var net = self
    if !layers.isEmpty {
      guard layer.isEmpty else {
        throw CaffeFileError(
          file: file,
          problem: "has both \"layers\" (the form of 2014) and \"layer\"; only one can be meant")
      }
      let upgraded = try inFormOf2014(file: file).layers
      net.layers = []
      net.layer = upgraded.map { $0.movingTransformation().inTodaysForm() }
    }
    try net.upgradeInputs(file: file)
    return net
  }

  private mutating func upgradeInputs(file: String) throws(CaffeFileError) {
    guard !input.isEmpty else { return }
    let shapes: [[Int64]]
    if inputShape.isEmpty {
      shapes = stride(from: 0, to: inputDim.count, by: 4).map { start in
        inputDim[start..<Swift.min(start + 4, inputDim.count)].map(Int64.init)
      }
    } else {
      shapes = inputShape.map(\.dim)
    }
    guard shapes.count == input.count, inputShape.isEmpty == !inputDim.isEmpty,
      inputDim.count.isMultiple(of: 4)
    else {
      throw CaffeFileError(
        file: file,
        problem: "has \(input.count) \"input\", \(inputShape.count) \"input_shape\" and "
          + "\(inputDim.count) \"input_dim\"; each input needs one shape or 4 dims, and not both")
    }
    var layer = Caffe_LayerParameter()
    layer.name = "input"
    layer.type = "Input"
    layer.top = input
    layer.inputParam.shape = shapes.map { shape in .with { $0.dim = shape } }
    self.layer.insert(layer, at: 0)
    input = []
    inputShape = []
    inputDim = []
  }
}

extension Caffe_V1LayerParameter {
  /// Scale, mean, crop and mirror used to belong to the database; they moved into
  /// `transform_param`.
  fileprivate func movingTransformation() -> Caffe_V1LayerParameter {
    var layer = self
    switch type {
    case .data:
      let old = dataParam
      if old.hasScale { layer.transformParam.scale = old.scale }
      if old.hasMeanFile { layer.transformParam.meanFile = old.meanFile }
      if old.hasCropSize { layer.transformParam.cropSize = old.cropSize }
      if old.hasMirror { layer.transformParam.mirror = old.mirror }
      if hasDataParam {
        layer.dataParam.clearScale()
        layer.dataParam.clearMeanFile()
        layer.dataParam.clearCropSize()
        layer.dataParam.clearMirror()
      }
    case .imageData:
      let old = imageDataParam
      if old.hasScale { layer.transformParam.scale = old.scale }
      if old.hasMeanFile { layer.transformParam.meanFile = old.meanFile }
      if old.hasCropSize { layer.transformParam.cropSize = old.cropSize }
      if old.hasMirror { layer.transformParam.mirror = old.mirror }
      if hasImageDataParam {
        layer.imageDataParam.clearScale()
        layer.imageDataParam.clearMeanFile()
        layer.imageDataParam.clearCropSize()
        layer.imageDataParam.clearMirror()
      }
    default: break
    }
    return layer
  }

  fileprivate func inTodaysForm() -> Caffe_LayerParameter {
    var new = Caffe_LayerParameter()
    new.bottom = bottom
    new.top = top
    if hasName { new.name = name }
    new.include = include
    new.exclude = exclude
    if hasType, let name = type.todaysName { new.type = name }
    new.blobs = blobs
    new.lossWeight = lossWeight

    let count = [param.count, blobShareMode.count, blobsLr.count, weightDecay.count].max() ?? 0
    new.param = (0..<count).map { index in
      var spec = Caffe_ParamSpec()
      if index < param.count { spec.name = param[index] }
      if index < blobShareMode.count {
        spec.shareMode = blobShareMode[index] == .permissive ? .permissive : .strict
      }
      if index < blobsLr.count { spec.lrMult = blobsLr[index] }
      if index < weightDecay.count { spec.decayMult = weightDecay[index] }
      return spec
    }
    copyParameters(to: &new)
    return new
  }

  private func copyParameters(to new: inout Caffe_LayerParameter) {
    if hasAccuracyParam { new.accuracyParam = accuracyParam }
    if hasArgmaxParam { new.argmaxParam = argmaxParam }
    if hasConcatParam { new.concatParam = concatParam }
    if hasContrastiveLossParam { new.contrastiveLossParam = contrastiveLossParam }
    if hasConvolutionParam { new.convolutionParam = convolutionParam }
    if hasDataParam { new.dataParam = dataParam }
    if hasDropoutParam { new.dropoutParam = dropoutParam }
    if hasDummyDataParam { new.dummyDataParam = dummyDataParam }
    if hasEltwiseParam { new.eltwiseParam = eltwiseParam }
    if hasExpParam { new.expParam = expParam }
    if hasHdf5DataParam { new.hdf5DataParam = hdf5DataParam }
    if hasHdf5OutputParam { new.hdf5OutputParam = hdf5OutputParam }
    if hasHingeLossParam { new.hingeLossParam = hingeLossParam }
    if hasImageDataParam { new.imageDataParam = imageDataParam }
    if hasInfogainLossParam { new.infogainLossParam = infogainLossParam }
    if hasInnerProductParam { new.innerProductParam = innerProductParam }
    if hasLrnParam { new.lrnParam = lrnParam }
    if hasMemoryDataParam { new.memoryDataParam = memoryDataParam }
    if hasMvnParam { new.mvnParam = mvnParam }
    if hasPoolingParam { new.poolingParam = poolingParam }
    if hasPowerParam { new.powerParam = powerParam }
    if hasReluParam { new.reluParam = reluParam }
    if hasSigmoidParam { new.sigmoidParam = sigmoidParam }
    if hasSoftmaxParam { new.softmaxParam = softmaxParam }
    if hasSliceParam { new.sliceParam = sliceParam }
    if hasTanhParam { new.tanhParam = tanhParam }
    if hasThresholdParam { new.thresholdParam = thresholdParam }
    if hasWindowDataParam { new.windowDataParam = windowDataParam }
    if hasTransformParam { new.transformParam = transformParam }
    if hasLossParam { new.lossParam = lossParam }
  }
}

extension Caffe_V1LayerParameter.LayerType {
  /// The name that replaced the number.
  fileprivate var todaysName: String? {
    switch self {
    case .none: nil
    case .absval: "AbsVal"
    case .accuracy: "Accuracy"
    case .argmax: "ArgMax"
    case .bnll: "BNLL"
    case .concat: "Concat"
    case .contrastiveLoss: "ContrastiveLoss"
    case .convolution: "Convolution"
    case .data: "Data"
    case .deconvolution: "Deconvolution"
    case .dropout: "Dropout"
    case .dummyData: "DummyData"
    case .euclideanLoss: "EuclideanLoss"
    case .eltwise: "Eltwise"
    case .exp: "Exp"
    case .flatten: "Flatten"
    case .hdf5Data: "HDF5Data"
    case .hdf5Output: "HDF5Output"
    case .hingeLoss: "HingeLoss"
    case .im2Col: "Im2col"
    case .imageData: "ImageData"
    case .infogainLoss: "InfogainLoss"
    case .innerProduct: "InnerProduct"
    case .lrn: "LRN"
    case .memoryData: "MemoryData"
    case .multinomialLogisticLoss: "MultinomialLogisticLoss"
    case .mvn: "MVN"
    case .pooling: "Pooling"
    case .power: "Power"
    case .relu: "ReLU"
    case .sigmoid: "Sigmoid"
    case .sigmoidCrossEntropyLoss: "SigmoidCrossEntropyLoss"
    case .silence: "Silence"
    case .softmax: "Softmax"
    case .softmaxLoss: "SoftmaxWithLoss"
    case .split: "Split"
    case .slice: "Slice"
    case .tanh: "TanH"
    case .windowData: "WindowData"
    case .threshold: "Threshold"
    }
  }
}
