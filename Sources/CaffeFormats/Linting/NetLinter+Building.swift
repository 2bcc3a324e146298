import CaffeMessages
import Layers
import Networks
import Tensors

/// What building a network, or what can be built of it, shows.
struct LintBuild {
  var findings: [LintFinding] = []
  /// The layers, by their place in the file, that nobody could look into, because they read what a
  /// layer with a finding would have written.
  var unseen: [Int] = []
  /// What was built in the end.
  var network: CaffeNetwork?
  /// Its layers, by their place in the file.
  private(set) var kept: [Int] = []

  /// Behind so many findings no more are looked for: a file of another program's could have thousands.
  static var findingLimit: Int { 20 }

  /// Builds a network, and wherever a layer is in the way builds it again without it and what depends on it.
  ///
  /// - Parameters:
  ///   - net: the network.
  ///   - phase: its phase.
  ///   - indices: the layers of the phase.
  ///   - extents: the extents of images that only a database knows.
  init(_ net: NetPrototxt, phase: Phase, indices: [Int], fedExtents extents: [String: [Int]]) {
    var left = indices
    while !left.isEmpty {
      guard findings.count < Self.findingLimit else {
        unseen += left
        return
      }
      do throws(CaffeFileError) {
        network = try NetPrototxt(net, keeping: left).network(phase: phase, fedExtents: extents)
        kept = left
        return
      } catch {
        var position: TextPosition?
        if case .text(let place)? = error.place { position = place }
        // The last layer that begins before the place.
        let culprit = position.flatMap { place in
          left.last { net.position(ofLayer: $0).map { $0 <= place } ?? false }
        }
        // Without the layers that were in the way there may be no input left: nothing new.
        guard culprit != nil || findings.isEmpty else {
          unseen += left
          return
        }
        let isKnown = culprit.map { net.message.layer[$0].hasTypeOfThisProject } ?? true
        findings.append(
          LintFinding(
            rule: isKnown ? .shape : .type, file: net.file, position: position,
            message: error.problem,
            reason: isKnown
              ? "The network can't be built."
              : "This project has no such layer, so it can't build the network. Caffe may, if it is no "
                + "misspelling."))
        guard let culprit else {
          unseen += left
          return
        }
        let kept = Self.independent(of: culprit, in: net, left)
        unseen += left.filter { $0 != culprit && !kept.contains($0) }
        left = kept
      }
    }
  }

  /// The layers that don't need what one of them writes, neither directly nor through others.
  private static func independent(of culprit: Int, in net: NetPrototxt, _ layers: [Int]) -> [Int] {
    var (written, missing): (Set<String>, Set<String>) = ([], [])
    return layers.filter { index in
      let layer = net.message.layer[index]
      guard index == culprit || layer.bottom.contains(where: missing.contains) else {
        written.formUnion(layer.top)
        return true
      }
      missing.formUnion(layer.top.filter { !written.contains($0) })
      return false
    }
  }
}

extension Caffe_LayerParameter {
  /// Whether this project has layers of the type.
  var hasTypeOfThisProject: Bool {
    (Self.operationTypes + Self.inputTypes + Self.idleTypes).contains(type)
  }
}

extension NetPrototxt {
  /// The network with some of its layers only.
  init(_ net: NetPrototxt, keeping indices: [Int]) {
    file = net.file
    var message = net.message
    message.layer = indices.map { net.message.layer[$0] }
    self.message = message
    texts = indices.map { net.texts.indices.contains($0) ? net.texts[$0] : nil }
  }
}
