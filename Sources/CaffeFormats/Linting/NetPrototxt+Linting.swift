import CaffeMessages
import Layers
import Networks
import Tensors

extension NetPrototxt {
  /// What would go wrong in training this network, in measuring it, or in comparing it with others.
  ///
  /// What only matters in training is looked for in networks with a loss.
  ///
  /// - Returns: the findings in the order of the file.
  /// - Complexity: O(layers²): each blob's readers are looked for among all layers. No tensor is
  ///   made.
  public func lint() -> [LintFinding] {
    var findings: Set<LintFinding> = []
    for phase in Phase.allCases {
      var state = Caffe_NetState()
      state.phase = Caffe_Phase(phase)
      let linter = NetLinter(net: self, phase: phase, indices: layers(in: state))
      findings.formUnion(linter.findings())
    }
    return findings.sorted {
      (position(of: $0), $0.rule, $0.message) < (position(of: $1), $1.rule, $1.message)
    }
  }

  private func position(of finding: LintFinding) -> TextPosition {
    finding.position ?? TextPosition(line: 0, column: 0)
  }
}

/// Looks through the layers of one phase.
private struct NetLinter {
  let net: NetPrototxt
  let phase: Phase
  let indices: [Int]

  private var layers: [(index: Int, layer: Caffe_LayerParameter)] {
    indices.map { ($0, net.message.layer[$0]) }
  }

  private var hasLoss: Bool { layers.contains { $0.layer.type == "SoftmaxWithLoss" } }

  func findings() -> [LintFinding] {
    let names = layers.compactMap { automaticName($0.index, $0.layer) }
    var findings = names + unreadBlobs() + shapes()
    if hasLoss {
      findings += layers.flatMap { fillers($0.index, $0.layer) + biases($0.index, $0.layer) }
    }
    if phase == .testing { findings += mirroring() }
    return findings
  }

  private func finding(
    _ rule: LintFinding.Rule, _ index: Int, field: String? = nil, _ message: String,
    _ reason: String
  ) -> LintFinding {
    LintFinding(
      rule: rule, file: net.file, position: net.position(ofLayer: index, field: field),
      message: "layer \"\(net.message.layer[index].name)\" \(message)", reason: reason)
  }
}

extension Caffe_LayerParameter {
  fileprivate var hasWeights: Bool { type == "Convolution" || type == "InnerProduct" }
}

// MARK: - Learning

extension NetLinter {
  private func fillers(_ index: Int, _ layer: Caffe_LayerParameter) -> [LintFinding] {
    let filler: Caffe_FillerParameter
    let isGiven: Bool
    switch layer.type {
    case "Convolution":
      (filler, isGiven) = (
        layer.convolutionParam.weightFiller, layer.convolutionParam.hasWeightFiller
      )
    case "InnerProduct":
      (filler, isGiven) = (
        layer.innerProductParam.weightFiller, layer.innerProductParam.hasWeightFiller
      )
    default: return []
    }
    guard filler.type == "constant" else { return [] }
    let value = TextPrinter.text(of: filler.value)
    return [
      finding(
        .noFiller, index, field: isGiven ? "weight_filler" : nil,
        isGiven ? "fills its weights with the constant \(value)" : "has no weight_filler",
        "All its weights start at the constant \(value), compute the same and get the same "
          + "gradient: training cannot break the symmetry. A filler like gaussian or msra does.")
    ]
  }

  private func biases(_ index: Int, _ layer: Caffe_LayerParameter) -> [LintFinding] {
    let hasBias =
      switch layer.type {
      case "Convolution": layer.convolutionParam.biasTerm
      case "InnerProduct": layer.innerProductParam.biasTerm
      default: false
      }
    guard hasBias else { return [] }
    let bias = layer.param.count > 1 ? layer.param[1] : Caffe_ParamSpec()
    // A layer that is frozen as a whole is meant to be.
    guard bias.lrMult != 0, bias.lrMult != 2 || bias.decayMult != 0 else { return [] }
    return [
      finding(
        .biasLearning, index, field: layer.param.isEmpty ? nil : "param",
        "has a bias with lr_mult \(TextPrinter.text(of: bias.lrMult)) and decay_mult "
          + TextPrinter.text(of: bias.decayMult),
        "The published networks let biases learn at twice the rate and without decay. A second "
          + "param { lr_mult: 2 decay_mult: 0 } does that.")
    ]
  }

  /// A file without phases is a test net when it measures accuracy, as caffenet.py's is.
  private func mirroring() -> [LintFinding] {
    let isMeasured = layers.contains { $0.layer.type == "Accuracy" }
    return layers.compactMap { index, layer in
      let isForTesting = layer.include.contains { $0.hasPhase && $0.phase == .test }
      guard layer.transformParam.mirror, isMeasured || isForTesting else { return nil }
      return finding(
        .mirrorInTest, index, field: "mirror", "mirrors pictures at random in the test net too",
        "What is measured then changes from run to run. Give each phase a data layer of its own, "
          + "with mirror only in that of TRAIN.")
    }
  }
}

// MARK: - Names and blobs

extension NetLinter {
  private func automaticName(_ index: Int, _ layer: Caffe_LayerParameter) -> LintFinding? {
    let number = layer.name.dropFirst(layer.type.count)
    guard layer.hasWeights, layer.name.hasPrefix(layer.type), !number.isEmpty,
      number.allSatisfy({ ("0"..."9").contains($0) })
    else { return nil }
    return finding(
      .automaticName, index, field: "name", "has an automatic name",
      "Weights are copied by the names of layers: published weights (conv1, fc6, …) find no "
        + "layer to go to and would not load, without an error. In pycaffe, assign layers to a "
        + "NetSpec: n.conv1 = L.Convolution(…).")
  }

  private func unreadBlobs() -> [LintFinding] {
    // What ends a network on purpose: losses, metrics, probabilities, or without any of these the
    // last layer.
    let ends: Set = ["SoftmaxWithLoss", "Accuracy", "Softmax"]
    let outputs =
      layers.contains { ends.contains($0.layer.type) } ? [] : layers.last?.layer.top ?? []
    var findings: [LintFinding] = []
    for (index, layer) in layers where !ends.contains(layer.type) {
      for top in layer.top where !layer.bottom.contains(top) && !outputs.contains(top) {
        // A reader in another phase is a reader; a layer in place only passes the blob on.
        let isRead = net.message.layer.dropFirst(index + 1).contains {
          $0.bottom.contains(top) && !$0.top.contains(top)
        }
        guard !isRead else { continue }
        findings.append(
          finding(
            .unreadBlob, index, field: "top", "writes blob \"\(top)\", which nobody reads",
            "Either a bottom is misspelt, or the work is for nothing. A Silence layer takes a "
              + "blob that is meant to go unread."))
      }
    }
    return findings
  }
}

// MARK: - Shapes

extension NetLinter {
  private func shapes() -> [LintFinding] {
    // A file may be meant for the other phase alone.
    guard
      layers.count == net.message.layer.count
        || layers.contains(where: { Caffe_LayerParameter.inputTypes.contains($0.layer.type) })
    else { return [] }
    // Images of a database that are not cropped could be of any size.
    guard
      !layers.contains(where: { $0.layer.type == "Data" && $0.layer.transformParam.cropSize == 0 })
    else { return [] }
    let network: CaffeNetwork
    do {
      network = try net.network(phase: phase)
    } catch {
      var position: TextPosition?
      if case .text(let place)? = error.place { position = place }
      return [
        LintFinding(
          rule: .shape, file: net.file, position: position, message: error.problem,
          reason: "The network can't be built.")
      ]
    }
    return poolRounding(network)
  }

  private func poolRounding(_ network: CaffeNetwork) -> [LintFinding] {
    // All shapes are possible, or there would be no network.
    let rows = (try? NetworkPlan(network.definition, batch: network.batch))?.layers ?? []
    var findings: [LintFinding] = []
    for ((layer, row), number) in zip(zip(network.definition.layers, rows), network.numbers) {
      guard var pooling = layer.specification as? PoolingSpecification, pooling.rounding == .ceiling
      else {
        continue
      }
      pooling.rounding = .floor
      guard let rounded = try? pooling.outputShape(for: row.input), rounded != row.output else {
        continue
      }
      findings.append(
        finding(
          .poolRounding, indices[number], field: "pooling_param",
          "pools \(row.input.height)×\(row.input.width) to \(row.output.height)×"
            + "\(row.output.width), rounding up",
          "Its windows don't divide the input. Other frameworks round down, to \(rounded.height)×"
            + "\(rounded.width), and get other shapes from here on; round_mode: FLOOR does the same "
            + "here."))
    }
    return findings
  }
}
