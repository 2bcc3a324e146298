import CaffeMessages

extension Caffe_LayerParameter {
  /// Whether the layer belongs to the network in these circumstances: when one of its `include`
  /// rules is met, or, if it has none, no `exclude` rule is (Caffe's `Net::FilterNet`).
  func belongs(to state: Caffe_NetState) -> Bool {
    guard include.isEmpty else { return include.contains { $0.isMet(by: state) } }
    return !exclude.contains { $0.isMet(by: state) }
  }
}

extension Caffe_NetStateRule {
  /// Caffe's `Net::StateMeetsRule`.
  fileprivate func isMet(by state: Caffe_NetState) -> Bool {
    if hasPhase, phase != state.phase { return false }
    if hasMinLevel, state.level < minLevel { return false }
    if hasMaxLevel, state.level > maxLevel { return false }
    return stage.allSatisfy(state.stage.contains) && !notStage.contains(where: state.stage.contains)
  }
}
