import CaffeMessages

// The form of 2013, which Caffe calls V0: each of the "layers" holds a "layer" with all hyper-parameters
// in one message, types are in lower case, and padding is a layer of its own. As in Caffe's
// `upgrade_proto.cpp`, it is brought into the form of 2014 first. A field that a layer's type doesn't have is
// left out: Caffe complains of it and goes on.

extension Caffe_NetParameter {
  /// The network with its layers in the form of 2014, those of padding joined with the ones that read
  /// them; the network itself if it is in that form.
  ///
  /// - Throws: `CaffeFileError` naming the layer, for types that Caffe doesn't know either, and for
  ///   padding before anything but a convolution or pooling.
  /// - Complexity: O(layers).
  func inFormOf2014(file: String) throws(CaffeFileError) -> Caffe_NetParameter {
    guard layers.contains(where: \.hasLayer) else { return self }
    var net = self
    net.layers = []
    var writers: [String: Caffe_V1LayerParameter] = [:]
    for written in layers {
      var layer = written
      func fail(_ problem: String) -> CaffeFileError {
        CaffeFileError(
          file: file, problem: "layer \"\(written.layer.name)\", in the form of 2013: \(problem)")
      }
      for (number, bottom) in written.bottom.enumerated() {
        guard let padding = writers[bottom], padding.isPaddingOf2013 else { continue }
        guard ["conv", "pool"].contains(written.layer.type), written.bottom.count == 1,
          padding.bottom.count == 1, padding.top.count == 1
        else {
          throw fail(
            "layer \"\(padding.layer.name)\" pads for it, but padding goes from one blob to one "
              + "convolution or pooling")
        }
        layer.layer.pad = padding.layer.pad
        layer.bottom[number] = padding.bottom[0]
      }
      for top in written.top { writers[top] = written }
      if written.isPaddingOf2013 { continue }
      guard let upgraded = layer.inFormOf2014() else {
        throw fail("type \"\(written.layer.type)\" is none that Caffe had")
      }
      net.layers.append(upgraded)
    }
    return net
  }
}

extension Caffe_V1LayerParameter {
  /// Whether it is a layer that only pads, which becomes a part of the one behind it.
  var isPaddingOf2013: Bool { hasLayer && layer.type == "padding" }

  /// `nil` for an unknown type.
  fileprivate func inFormOf2014() -> Caffe_V1LayerParameter? {
    var new = Caffe_V1LayerParameter()
    new.bottom = bottom
    new.top = top
    guard hasLayer else { return new }
    let old = layer
    if old.hasName { new.name = old.name }
    if old.hasType {
      guard let type = LayerType(of2013: old.type) else { return nil }
      new.type = type
    }
    new.blobs = old.blobs
    new.blobsLr = old.blobsLr
    new.weightDecay = old.weightDecay
    new.takeWeights(from: old)
    new.takeWindows(from: old)
    new.takeData(from: old)
    return new
  }

  private mutating func takeWeights(from old: Caffe_V0LayerParameter) {
    if type == .convolution {
      if old.hasNumOutput { convolutionParam.numOutput = old.numOutput }
      if old.hasBiasterm { convolutionParam.biasTerm = old.biasterm }
      if old.hasWeightFiller { convolutionParam.weightFiller = old.weightFiller }
      if old.hasBiasFiller { convolutionParam.biasFiller = old.biasFiller }
    } else if type == .innerProduct {
      if old.hasNumOutput { innerProductParam.numOutput = old.numOutput }
      if old.hasBiasterm { innerProductParam.biasTerm = old.biasterm }
      if old.hasWeightFiller { innerProductParam.weightFiller = old.weightFiller }
      if old.hasBiasFiller { innerProductParam.biasFiller = old.biasFiller }
    }
  }

  private mutating func takeWindows(from old: Caffe_V0LayerParameter) {
    switch type {
    case .convolution:
      if old.hasPad { convolutionParam.pad = [old.pad] }
      if old.hasKernelsize { convolutionParam.kernelSize = [old.kernelsize] }
      if old.hasGroup { convolutionParam.group = old.group }
      if old.hasStride { convolutionParam.stride = [old.stride] }
    case .pooling:
      if old.hasPad { poolingParam.pad = old.pad }
      if old.hasKernelsize { poolingParam.kernelSize = old.kernelsize }
      if old.hasStride { poolingParam.stride = old.stride }
      if old.hasPool {
        poolingParam.pool =
          switch old.pool {
          case .max: .max
          case .ave: .ave
          case .stochastic: .stochastic
          }
      }
    case .dropout:
      if old.hasDropoutRatio { dropoutParam.dropoutRatio = old.dropoutRatio }
    case .lrn:
      if old.hasLocalSize { lrnParam.localSize = old.localSize }
      if old.hasAlpha { lrnParam.alpha = old.alpha }
      if old.hasBeta { lrnParam.beta = old.beta }
      if old.hasK { lrnParam.k = old.k }
    case .concat:
      if old.hasConcatDim { concatParam.concatDim = old.concatDim }
    default: break
    }
  }

  private mutating func takeData(from old: Caffe_V0LayerParameter) {
    if old.hasScale { transformParam.scale = old.scale }
    if old.hasMeanfile { transformParam.meanFile = old.meanfile }
    if old.hasCropsize { transformParam.cropSize = old.cropsize }
    if old.hasMirror { transformParam.mirror = old.mirror }
    switch type {
    case .data:
      if old.hasSource { dataParam.source = old.source }
      if old.hasBatchsize { dataParam.batchSize = old.batchsize }
      if old.hasRandSkip { dataParam.randSkip = old.randSkip }
    case .imageData:
      if old.hasSource { imageDataParam.source = old.source }
      if old.hasBatchsize { imageDataParam.batchSize = old.batchsize }
      if old.hasRandSkip { imageDataParam.randSkip = old.randSkip }
      if old.hasShuffleImages { imageDataParam.shuffle = old.shuffleImages }
      if old.hasNewHeight { imageDataParam.newHeight = UInt32(clamping: old.newHeight) }
      if old.hasNewWidth { imageDataParam.newWidth = UInt32(clamping: old.newWidth) }
    case .hdf5Data:
      if old.hasSource { hdf5DataParam.source = old.source }
      if old.hasBatchsize { hdf5DataParam.batchSize = old.batchsize }
    case .windowData:
      if old.hasSource { windowDataParam.source = old.source }
      if old.hasBatchsize { windowDataParam.batchSize = old.batchsize }
      if old.hasDetFgThreshold { windowDataParam.fgThreshold = old.detFgThreshold }
      if old.hasDetBgThreshold { windowDataParam.bgThreshold = old.detBgThreshold }
      if old.hasDetFgFraction { windowDataParam.fgFraction = old.detFgFraction }
      if old.hasDetContextPad { windowDataParam.contextPad = old.detContextPad }
      if old.hasDetCropMode { windowDataParam.cropMode = old.detCropMode }
    case .infogainLoss:
      if old.hasSource { infogainLossParam.source = old.source }
    case .hdf5Output:
      if old.hasHdf5OutputParam { hdf5OutputParam = old.hdf5OutputParam }
    default: break
    }
  }
}

extension Caffe_V1LayerParameter.LayerType {
  /// The number that replaced a name of 2013; `nil` for a name that Caffe didn't know.
  fileprivate init?(of2013 name: String) {
    switch name {
    case "accuracy": self = .accuracy
    case "bnll": self = .bnll
    case "concat": self = .concat
    case "conv": self = .convolution
    case "data": self = .data
    case "dropout": self = .dropout
    case "euclidean_loss": self = .euclideanLoss
    case "flatten": self = .flatten
    case "hdf5_data": self = .hdf5Data
    case "hdf5_output": self = .hdf5Output
    case "im2col": self = .im2Col
    case "images": self = .imageData
    case "infogain_loss": self = .infogainLoss
    case "innerproduct": self = .innerProduct
    case "lrn": self = .lrn
    case "multinomial_logistic_loss": self = .multinomialLogisticLoss
    case "pool": self = .pooling
    case "relu": self = .relu
    case "sigmoid": self = .sigmoid
    case "softmax": self = .softmax
    case "softmax_loss": self = .softmaxLoss
    case "split": self = .split
    case "tanh": self = .tanh
    case "window_data": self = .windowData
    default: return nil
    }
  }
}
