import GradientChecking

/// The worst of many reports, as one line of the test log.
struct Summary {
  let version: String
  var layer = ""
  private var elements = 0
  private var kinks = 0
  private var nearKinks = 0
  private var relative = 0.0
  private var overBar = 0.0
  private var dual = 0.0

  init(version: String) {
    self.version = version
  }

  mutating func add(_ tensor: TensorReport) {
    layer = tensor.layer
    elements += tensor.checked
    kinks += tensor.kinks
    nearKinks += tensor.nearKinks
    relative = max(relative, tensor.worstRelativeError)
    overBar = max(overBar, tensor.worstErrorOverBar)
    dual = max(dual, tensor.dualRelativeError ?? 0)
  }

  var line: String {
    "gradients of \(layer) (\(version)): \(elements) elements, worst relative error \(relative), "
      + "worst error/bar \(overBar), against dual numbers \(dual), \(kinks) at kinks, "
      + "\(nearKinks) near kinks"
  }
}
