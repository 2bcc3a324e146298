import CaffeMessages
import Layers
import Networks
import Tensors

extension NetPrototxt {
  /// What would go wrong in training this network, in measuring it, or in comparing it with others.
  ///
  /// What only matters in training is looked for in networks with a loss. A part that can't be looked into
  /// is named by findings of the rule `notSeen`; without any finding all has been looked into.
  ///
  /// - Returns: the findings in the order of the file.
  /// - Complexity: O(layers²): each blob's readers are looked for among all layers, and the network is
  ///   built once more for each layer that can't be. No tensor is made.
  public func lint() -> [LintFinding] {
    guard !message.layer.isEmpty else {
      return [
        LintFinding(
          rule: .shape, file: file, position: nil, message: "the network has no layer",
          reason: "There is nothing to look into: the file is empty, or not whole.")
      ]
    }
    let linters = Phase.allCases.map { phase in
      var state = Caffe_NetState()
      state.phase = Caffe_Phase(phase)
      return NetLinter(net: self, phase: phase, indices: layers(in: state))
    }
    // A file may be meant for one phase alone.
    let meant = linters.filter(\.hasInput)
    var findings: Set<LintFinding> = []
    for linter in linters {
      findings.formUnion(
        linter.findings(building: meant.isEmpty || linter.hasInput || linter.isWholeFile))
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

  private var hasLoss: Bool { layers.contains(where: \.layer.isLoss) }

  /// Whether anything brings data into the network, be it in a way that this project doesn't have.
  var hasInput: Bool {
    layers.contains { $0.layer.type == "Input" || $0.layer.type.hasSuffix("Data") }
  }

  var isWholeFile: Bool { layers.count == net.message.layer.count }

  func findings(building: Bool) -> [LintFinding] {
    let names = layers.compactMap { automaticName($0.index, $0.layer) }
    var findings = names + sameNames() + unreadBlobs() + (building ? shapes() : [])
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

  /// Whether it is a loss, by Caffe's names of them.
  fileprivate var isLoss: Bool { type == "SoftmaxWithLoss" || type.hasSuffix("Loss") }
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
    let weights = layer.param.first ?? Caffe_ParamSpec()
    let bias = layer.param.count > 1 ? layer.param[1] : Caffe_ParamSpec()
    // A layer that is frozen as a whole is meant to be.
    guard bias.lrMult != 0, bias.lrMult != 2 * weights.lrMult || bias.decayMult != 0 else {
      return []
    }
    return [
      finding(
        .biasLearning, index, field: layer.param.isEmpty ? nil : "param",
        "has a bias with lr_mult \(TextPrinter.text(of: bias.lrMult)) and decay_mult "
          + "\(TextPrinter.text(of: bias.decayMult)) beside weights with lr_mult "
          + TextPrinter.text(of: weights.lrMult),
        "AlexNet's biases learn at twice the rate of the weights and without decay, as in Caffe's models "
          + "of it. Here a second param { lr_mult: \(TextPrinter.text(of: 2 * weights.lrMult)) "
          + "decay_mult: 0 } does that.")
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

  private func sameNames() -> [LintFinding] {
    var seen: Set<String> = []
    return layers.compactMap { index, layer in
      guard layer.hasWeights, !seen.insert(layer.name).inserted else { return nil }
      return finding(
        .sameName, index, field: "name", "has the name of an earlier layer with weights",
        "Weights are copied by the names of layers: what a file has for this one goes to the earlier one, "
          + "and this one keeps its first values.")
    }
  }

  private func unreadBlobs() -> [LintFinding] {
    // What ends a network on purpose: losses, metrics, probabilities, or without any of these the
    // last layer.
    func isEnd(_ layer: Caffe_LayerParameter) -> Bool {
      ["Accuracy", "Softmax"].contains(layer.type) || layer.isLoss
    }
    let outputs = layers.contains { isEnd($0.layer) } ? [] : layers.last?.layer.top ?? []
    var findings: [LintFinding] = []
    // What a type means that this project doesn't have, it can't judge.
    for (index, layer) in layers where !isEnd(layer) && layer.hasTypeOfThisProject {
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
    // Images of a database or a list that are neither cropped nor resized could be of any size.
    let uncropped = layers.filter { $0.layer.hasImagesOfUnknownSize }
    guard let first = uncropped.first else {
      let build = LintBuild(net, phase: phase, indices: indices, fedExtents: [:])
      return build.findings + notSeen(build.unseen) + poolRounding(build)
    }
    // What is wrong with images of two sizes isn't wrong because of the size.
    let builds = [227, 241].map { side in
      LintBuild(
        net, phase: phase, indices: indices,
        fedExtents: Dictionary(
          uncropped.compactMap { entry in
            entry.layer.top.first.map { ($0, [entry.layer.hasGrayImages ? 1 : 3, side, side]) }
          }, uniquingKeysWith: { first, _ in first }))
    }
    let common = Set(builds[0].findings).intersection(builds[1].findings)
    return common + notSeen(builds[0].unseen.filter(builds[1].unseen.contains)) + [
      finding(
        .notSeen, first.index, field: "transform_param",
        "has images of a size that is known only where they lie",
        "So shapes, and poolings that round, have not been looked into. A crop_size would tell.")
    ]
  }

  /// One finding for all layers that could not be looked into.
  private func notSeen(_ indices: [Int]) -> [LintFinding] {
    // A Silence layer has nothing to look into.
    let indices = indices.filter {
      !Caffe_LayerParameter.idleTypes.contains(net.message.layer[$0].type)
    }
    guard let first = indices.min() else { return [] }
    let names = indices.sorted().map { "\"\(net.message.layer[$0].name)\"" }
    let shown = names.prefix(5).joined(separator: ", ")
    let more = names.count > 5 ? " and \(names.count - 5) more" : ""
    return [
      LintFinding(
        rule: .notSeen, file: net.file, position: net.position(ofLayer: first),
        message:
          "\(names.count == 1 ? "layer" : "layers") \(shown)\(more) could not be looked into",
        reason:
          "They read what a layer would have written that can't be built (see its own finding), or stand "
          + "behind the \(LintBuild.findingLimit)th such layer.")
    ]
  }

  private func poolRounding(_ build: LintBuild) -> [LintFinding] {
    guard let network = build.network else { return [] }
    // All shapes are possible, or there would be no network. Without a loss nothing goes backwards.
    let rows =
      (try? NetworkPlan(network.definition, batch: network.batch, gradients: .none))?.layers ?? []
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
          .poolRounding, build.kept[number], field: "pooling_param",
          "pools \(row.input.height)×\(row.input.width) to \(row.output.height)×"
            + "\(row.output.width), rounding up",
          "Its windows don't divide the input. Other frameworks round down, to \(rounded.height)×"
            + "\(rounded.width), and get other shapes from here on; round_mode: FLOOR does the same "
            + "here."))
    }
    return findings
  }
}

extension Caffe_LayerParameter {
  fileprivate var hasImagesOfUnknownSize: Bool {
    transformParam.cropSize == 0
      && (type == "Data" || type == "ImageData" && imageDataParam.newHeight == 0)
  }

  fileprivate var hasGrayImages: Bool {
    type == "Data" ? transformParam.forceGray : !imageDataParam.isColor
  }
}
