import ArgumentParser
import BrokenLayers
import GradientChecking
import NetworkFiles
import Networks

/// Gradient checks.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks every gradient of a network against difference quotients and dual numbers.",
    discussion: """
      Each layer is checked by itself, on two images that are patches of its input: of reference and \
      fast in Double, of tuned in Float, with error bars as wide as Float's rounding demands. A \
      difference quotient is extrapolated from several steps and brings an error bar with it; a \
      gradient is right when it lies within. Dual numbers give exact derivatives to compare with. \
      With --end-to-end the whole network is checked instead: its loss with respect to every parameter.

      --second checks the gradients' own gradients: the matrix H of second derivatives, which a backward \
      pass on dual numbers multiplies with a vector, has to be symmetric (vᵀHu = uᵀHv), and difference \
      quotients of the gradient have to agree with it.

      The exit code is 0 only when everything is right.
      """)

  /// How many elements are looked at.
  enum Mode: String, CaseIterable, ExpressibleByArgument {
    case exhaustive
    case sampled
    case directional
  }

  @Option(help: "The network: \(NetworkChoice.list); caffenet if left out.")
  var network: NetworkChoice?

  @Option(help: "The network as a .prototxt or .onnx, instead of --network.")
  var net: String?

  @Option(
    help: "Which versions to check, with commas between them; reference,fast if left out.",
    transform: VersionList.init(parsing:))
  var version: VersionList?

  @Option(help: "Check one layer, by name.")
  var layer: String?

  @Option(help: "Which elements: exhaustive, sampled or directional. (default: sampled)")
  var mode: Mode?

  @Option(
    parsing: .unconditional,
    help: "How many elements of each tensor are sampled; fewer where reference is slow.")
  var samples: Int?

  @Option(parsing: .unconditional, help: "The start of all randomness.")
  var seed: UInt64 = 1

  @Flag(
    help: "Check the loss of the whole network, for every parameter; without --version, on fast.")
  var endToEnd = false

  @Flag(help: "Check second derivatives, of each layer or with --end-to-end of the whole network.")
  var second = false

  @Option(help: "Check a broken layer of the gallery, by name, and see it explained.")
  var broken: String?

  @Flag(help: "List the gallery of broken layers, and which of them Caffe's tolerances miss.")
  var gallery = false

  @Flag(help: "Show error against step for the worst element.")
  var steps = false

  @Flag(help: "Print JSON for programs.")
  var json = false

  func validate() throws {
    guard net == nil || network == nil else {
      throw ValidationError("--net and --network both name a network: leave one out.")
    }
    guard (1...1_000_000).contains(samples ?? 1) else {
      throw ValidationError("--samples \(samples ?? 1): must be from 1 to 1000000.")
    }
    try refuseIgnored()
    // Where all numbers move at once, some kink lies within the wide steps that Float needs.
    for version in version?.versions ?? [] where version.doubleBackend() == nil {
      guard mode != .directional else {
        throw ValidationError(
          "--mode directional can't tell right from wrong in Float, in which \(version.rawValue) is "
            + "checked: take --mode sampled or exhaustive.")
      }
      guard !endToEnd else {
        throw ValidationError(
          "--end-to-end needs Double, and \(version.rawValue) has Float only: take --version "
            + "reference or fast.")
      }
      guard !second else {
        throw ValidationError(
          "--second needs Double, and \(version.rawValue) has Float only: take --version reference or "
            + "fast.")
      }
    }
  }

  /// Refuses options that would change nothing.
  private func refuseIgnored() throws {
    let ofNetworks: [(name: String, isGiven: Bool)] = [
      ("--network", network != nil), ("--net", net != nil), ("--version", version != nil),
      ("--layer", layer != nil), ("--mode", mode != nil), ("--samples", samples != nil),
      ("--end-to-end", endToEnd), ("--second", second),
      ("--steps", steps), ("--broken", broken != nil),
    ]
    // A broken layer is checked whole, and its steps are always shown.
    for (option, isGiven, others) in [
      ("--gallery", gallery, ofNetworks), ("--broken", broken != nil, ofNetworks.dropLast()),
    ] where isGiven {
      let ignored = others.filter(\.isGiven).map(\.name)
      guard ignored.isEmpty else {
        throw ValidationError(
          "\(option) leaves nothing to choose: leave out \(ignored.joined(separator: ", ")).")
      }
    }
    guard !second || !steps else {
      throw ValidationError("--steps shows a check of first derivatives: leave out --second.")
    }
    guard !second || !endToEnd || layer == nil else {
      throw ValidationError(
        "--second --end-to-end is about all parameters together: leave out --layer.")
    }
    guard samples == nil || (mode ?? .sampled) == .sampled else {
      throw ValidationError("--samples goes with --mode sampled only.")
    }
  }

  func run() throws {
    let terminal = Terminal.current
    if gallery {
      let report = try GalleryReport(seed: seed)
      let lines = GalleryText(terminal: terminal).lines(report)
      print(json ? try JSON.text(report) : lines.joined(separator: "\n"))
      if !report.passed { throw ExitCode.failure }
      return
    }
    if second {
      let report = try checkSecond()
      let lines = CheckText.lines(report, terminal: terminal)
      print(json ? try JSON.text(report) : lines.joined(separator: "\n"))
      if !report.passed { throw ExitCode.failure }
      return
    }
    let report: GradientReport
    if let broken {
      guard let member = BrokenLayer.named(broken) else {
        let names = BrokenLayer.gallery.map(\.name).joined(separator: ", ")
        throw ValidationError("--broken \(broken): must be one of: \(names).")
      }
      report = try member.check(options: CheckOptions(seed: seed))
      let lines = try GalleryText(terminal: terminal).lines(member, report, seed: seed)
      print(json ? try JSON.text(report) : lines.joined(separator: "\n"))
    } else {
      report = endToEnd ? try checkEndToEnd() : try checkLayers()
      let text = CheckText(report: report, terminal: terminal)
      print(
        json
          ? try JSON.text(report)
          : (text.lines() + (steps ? text.stepTable() : [])).joined(separator: "\n"))
    }
    if !report.passed { throw ExitCode.failure }
  }

  private func mode(sampling count: Int) -> CheckOptions.Mode {
    switch mode ?? .sampled {
    case .exhaustive: .exhaustive
    case .sampled: .sampled(samples ?? count)
    case .directional: .directional
    }
  }

  private func definition() throws -> NetworkDefinition {
    try net.map { try NetworkFile.definition(contentsOf: $0) }
      ?? (network ?? .caffenet).definition()
  }

  private func checkLayers() throws -> GradientReport {
    try layersCheck(sampling: 100).run()
  }

  /// A quotient of gradients takes a forward and a backward pass, so fewer elements do.
  private func checkSecond() throws -> SecondReport {
    endToEnd
      ? try endToEndCheck(sampling: 4).runSecond() : try layersCheck(sampling: 20).runSecond()
  }

  private func layersCheck(sampling count: Int) throws -> NetworkLayersCheck {
    let definition = try definition()
    var check = NetworkLayersCheck(
      definition: definition, versions: (version ?? VersionList(.reference, .fast)).versions,
      only: try layer.map { try definition.index(of: $0) }, mode: mode(sampling: count),
      seed: seed, progress: Progress(steps: 0))
    check.progress = Progress(steps: check.steps)
    return check
  }

  private func checkEndToEnd() throws -> GradientReport {
    try endToEndCheck(sampling: 200).run()
  }

  private func endToEndCheck(sampling count: Int) throws -> EndToEndCheck {
    let definition = try definition()
    guard definition.hasLoss else {
      throw ValidationError("--end-to-end needs a loss, and \(definition.name) has none.")
    }
    if let layer {
      let index = try definition.index(of: layer)
      guard try !NetworkPlan(definition).layers[index].parameters.isEmpty else {
        throw ValidationError(
          "--layer \(layer): it has no parameters, by which --end-to-end checks the loss.")
      }
    }
    var check = EndToEndCheck(
      definition: definition, versions: (version ?? VersionList(.fast)).versions, layer: layer,
      mode: mode(sampling: count), seed: seed, progress: Progress(steps: 0))
    check.progress = Progress(steps: try check.steps())
    return check
  }
}
