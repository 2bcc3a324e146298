/// The tour as lines of text.
struct TourText {
  var report: TourReport
  var terminal: Terminal

  /// What the tour is about.
  func introduction() -> [String] {
    let input = report.input.map(String.init).joined(separator: "×")
    return [
      terminal.styled("\(report.network), layer by layer", .heading),
      "",
    ]
      + terminal.wrapped(
        "The image: \(report.image.name), \(input). The network: \(Format.grouped(report.parameters)) "
          + "parameters, \(Format.grouped(report.macs)) multiply-accumulates (MACs) an image, "
          + "2 FLOPs each. Seed \(report.seed), single precision. Every number below was computed "
          + "by the naive loops, again by the optimized version, and one value of each layer by "
          + "hand.")
  }

  /// A layer on the way forwards.
  func forward(_ layer: LayerReport) -> [String] {
    let title = "\(layer.number)/\(report.layers.count)  \(layer.name)  \(layer.type)"
    let shape = "\(extents(layer.input)) → \(extents(layer.output))"
    var lines = ["", terminal.styled(title, .heading) + "  " + shape]
    lines += terminal.wrapped(layer.explanation, indent: 2)
    lines += row("formula", layer.formula)
    for (index, line) in layer.arithmetic.enumerated() {
      lines += row(index == 0 ? "shape" : "", line)
    }
    if layer.parameters.total > 0 {
      let weights =
        "\(Format.grouped(layer.parameters.weights)) weights "
        + "(\(layer.parameters.weightShape.map(String.init).joined(separator: "×")))"
      lines += row(
        "parameters",
        "\(Format.grouped(layer.parameters.total)) = \(weights) + "
          + "\(Format.grouped(layer.parameters.biases)) biases, "
          + Format.bytes(layer.memoryBytes.parameters))
      lines += row(
        "work", "\(Format.grouped(layer.macs)) MACs = \(Format.grouped(layer.flops)) FLOPs")
    }
    lines += row(
      "memory",
      layer.isInPlace ? "in place: none of its own" : Format.bytes(layer.memoryBytes.output))
    lines += row(
      "sees",
      "\(layer.receptiveField)×\(layer.receptiveField) pixels of the image, "
        + "\(layer.stride) apart")
    lines += row("output", text(layer.statistics))
    lines += row("by hand", layer.example.position)
    for step in layer.example.steps { lines += row("", step, isWrapped: false) }
    lines += row(
      "",
      "= \(Format.value(layer.example.byHand))   (naive \(Format.value(layer.example.naive)), "
        + "optimized \(Format.value(layer.example.fast ?? 0)))")
    lines += row(
      "time",
      comparison(layer.naiveForwardSeconds ?? 0, layer.fastForwardSeconds ?? 0)
        + ", greatest difference \(Format.value(layer.maxDifference ?? 0))")
    lines += row("code", "\(layer.source.reference)  \(layer.source.fast)")
    return lines
  }

  /// The loss, between the two directions.
  func loss() -> [String] {
    ["", terminal.styled("The loss: \(Format.value(report.loss))", .heading)]
      + terminal.wrapped(report.lossExplanation, indent: 2)
      + ["", terminal.styled("Backwards", .heading)]
      + terminal.wrapped(
        "Each layer takes the gradient of the loss by its output and makes of it the gradients by "
          + "its parameters and by its input, which is the output of the layer before.", indent: 2)
  }

  /// A layer on the way back.
  func backward(_ layer: LayerReport) -> [String] {
    guard let backward = layer.backward else { return [] }
    var lines = ["", terminal.styled("\(layer.name), backwards", .strong)]
    lines += terminal.wrapped(backward.explanation, indent: 2)
    if let gradient = backward.inputGradient {
      lines += row("∂L/∂in", text(gradient))
    } else {
      lines += row("∂L/∂in", "not computed: nobody needs the gradient of the image")
    }
    for (name, statistics) in backward.parameterGradients.sorted(by: { $0.key > $1.key }) {
      lines += row("∂L/∂\(name == "weights" ? "w" : "b")", text(statistics))
    }
    lines += row(
      "time",
      comparison(backward.naiveBackwardSeconds ?? 0, backward.fastBackwardSeconds ?? 0)
        + ", greatest difference \(Format.value(backward.maxDifference ?? 0)) "
        + "of \(Format.value(backward.largestMagnitude))")
    return lines
  }

  /// The two versions over the whole network.
  func summary() -> [String] {
    let layers = report.layers
    let (naiveForward, fastForward) = (
      layers.reduce(0) { $0 + ($1.naiveForwardSeconds ?? 0) },
      layers.reduce(0) { $0 + ($1.fastForwardSeconds ?? 0) }
    )
    let backwards = layers.compactMap(\.backward)
    let (naiveBackward, fastBackward) = (
      backwards.reduce(0) { $0 + ($1.naiveBackwardSeconds ?? 0) },
      backwards.reduce(0) { $0 + ($1.fastBackwardSeconds ?? 0) }
    )
    return ["", terminal.styled("All layers together", .heading)]
      + row("forwards", comparison(naiveForward, fastForward))
      + row("backwards", comparison(naiveBackward, fastBackward))
      + row(
        "loss", "naive \(report.loss), optimized \(report.fastLoss ?? 0)")
  }

  private func extents(_ extents: [Int]) -> String {
    extents.map(String.init).joined(separator: "×")
  }

  private func comparison(_ naive: Double, _ fast: Double) -> String {
    "naive \(Format.seconds(naive)), optimized \(Format.seconds(fast)): "
      + "\(Format.value(naive / max(fast, 1e-9)))× as fast"
  }

  private func text(_ statistics: Statistics) -> String {
    "mean \(Format.value(statistics.mean)), deviation \(Format.value(statistics.deviation)), "
      + "from \(Format.value(statistics.minimum)) to \(Format.value(statistics.maximum)), "
      + "\(Format.percent(statistics.zeroShare)) zeros"
  }

  /// A label in a column of its own and a text beside it.
  private func row(_ label: String, _ text: String, isWrapped: Bool = true) -> [String] {
    let indent = 14
    var lines =
      isWrapped
      ? terminal.wrapped(text, indent: indent)
      : [
        String(repeating: " ", count: indent) + text
      ]
    guard !lines.isEmpty else { return [] }
    let head = terminal.styled(Format.padded("  " + label, indent), .faint)
    lines[0] = head + lines[0].dropFirst(indent)
    return lines
  }
}
