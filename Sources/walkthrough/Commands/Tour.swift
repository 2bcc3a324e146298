import ArgumentParser
import CaffeTools
import Datasets
import Fast
import Foundation
import Layers
import NetworkFiles
import Networks
import Tensors
import WholeFiles

/// The tour through a network.
struct Tour: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Steps through a network layer by layer, forwards and backwards.",
    discussion: """
      In a terminal the tour waits after each layer: Enter goes on, b goes back, a number or a name \
      jumps to that layer, -name to its backward pass, /word to where that is mentioned, ? helps, q \
      quits. Elsewhere, or with --all, it runs through.

      Pictures are drawn in 24-bit colour where COLORTERM says so, in 256 colours where TERM does, \
      else, and with NO_COLOR or TERM=dumb, in ASCII.
      """)

  @Option(
    help: """
      The network: \(NetworkChoice.list); if left out, that of the weights, and caffenet without any.
      """)
  var network: NetworkChoice?

  @Option(help: "The picture to look at, PNG or JPEG; a synthetic one if left out.")
  var image: String?

  @Option(
    help: """
      What the network has learnt, a .caffemodel, .safetensors, .pth, .onnx or .npz; if left out, what \
      comes with the package for mini, random parameters for the others.
      """)
  var weights: String?

  @Flag(help: "Take random parameters for mini too.")
  var untrained = false

  @Option(
    help: "The network as a .prototxt, with --weights, or as an .onnx; --network if left out.")
  var net: String?

  @Option(help: ClassNames.help)
  var labels: String?

  @OptionGroup var exactness: ExactOption

  @Option(
    parsing: .unconditional,
    help: "The start of all randomness: parameters, synthetic picture, dropout.")
  var seed: UInt32 = 1

  @Option(help: "Show one layer, by name.")
  var layer: String?

  @Flag(help: "Leave out times and round values, so that the text is the same on every machine.")
  var deterministic = false

  @Option(help: "Write the tour as one self-contained page to this file.")
  var html: String?

  @Flag(help: "Run through without waiting.")
  var all = false

  @Flag(help: "Print JSON for programs.")
  var json = false

  @OptionGroup var writing: Writing

  func validate() throws {
    guard weights != nil || net.map(NetworkFile.isONNX) != false else {
      throw ValidationError("--net needs --weights: what that network has learnt.")
    }
    guard net == nil || network == nil else {
      throw ValidationError("--net and --network both name a network: leave one out.")
    }
    guard html == nil || !json else {
      throw ValidationError("--html and --json: give one of the two.")
    }
    guard !untrained || weights == nil && net == nil else {
      throw ValidationError("--untrained takes random parameters: leave out --weights and --net.")
    }
    guard html == nil || layer == nil else {
      throw ValidationError("--html shows all layers: leave out --layer.")
    }
  }

  func run() throws { try exactness { try runVersions() } }

  private func runVersions() throws {
    try writing.check(html, mark: .page, inputs: [image, weights, net, labels])
    var report = try report()
    if let html {
      let file = URL(fileNamed: html)
      try WholeFile.write(
        Array(try TourPage(report: report, live: live()).document().utf8), to: file)
      print("Wrote \(html). It needs nothing else: open it in a browser.")
      return
    }
    if json {
      print(try report.json())
      return
    }
    // A terminal would obey what controls it. Pages and JSON have their own way with that.
    report.makeNamesVisible()
    let terminal = Terminal.current
    let text = TourText(report: report, terminal: terminal)
    if let layer, let layer = report.layers.first(where: { $0.name == layer }) {
      print((text.forward(layer) + text.backward(layer)).joined(separator: "\n"))
      return
    }
    if all || !terminal.isInteractive {
      for stop in TourStops(report).stops { print(stop.lines(text).joined(separator: "\n")) }
    } else {
      TourWalk(report).run()
    }
  }

  /// Runs the network and reports on it.
  ///
  /// - Throws: `FileError` for a file that is no picture, `CaffeFileError` and `TensorFileError` for files
  ///   of a network that are damaged or don't fit, `FileError` for names that can't be read or are too few or too
  ///   many, `LayerError` for a layer that there isn't.
  func report() throws -> TourReport {
    let trained = try trained()
    if let trained, weights != nil || net != nil {
      for note in trained.notes + [trained.pictureNote] {
        Output.say("walkthrough tour: \(Escaping.visible(note))\n")
      }
    }
    let definition = trained?.definition ?? (network ?? .caffenet).definition()
    return try TourGuide(
      definition: definition,
      image: TourImage(
        path: image, seed: seed, definition: definition, transformer: trained?.transformer),
      gallery: TourImage.synthetic(
        seed: seed, definition: definition, numbers: image == nil ? 1..<10 : 0..<10,
        transformer: trained?.transformer),
      trained: trained, classNames: try classNames(of: definition), seed: seed,
      isDeterministic: deterministic,
      only: layer.map { try definition.index(of: $0) },
      progress: Progress(steps: TourGuide.steps(of: definition))
    ).run()
  }

  /// The network's parameters, where it has learnt.
  private func trained() throws -> TrainedNetwork? {
    if weights != nil || net != nil {
      return try TrainedNetwork(net: net, network: network, weights: weights, seed: seed)
    }
    return network == .mini && !untrained ? try TrainedNetwork(shipped: mini()) : nil
  }

  /// The network for the page to run: the same, on the same picture and nine others. `nil` for one that a
  /// page can't run.
  ///
  /// - Throws: as `report`.
  func live() throws -> LivePage? {
    let trained = try trained()
    let definition = trained?.definition ?? (network ?? .caffenet).definition()
    let plan = try NetworkPlan(definition)
    guard plan.parameterCount <= LivePage.mostParameters else { return nil }
    let samples =
      try [
        TourImage(
          path: image, seed: seed, definition: definition, transformer: trained?.transformer)
      ]
      + TourImage.synthetic(
        seed: seed, definition: definition, numbers: image == nil ? 1..<10 : 0..<10,
        transformer: trained?.transformer)
    let isShipped = trained != nil && weights == nil && net == nil
    return try LivePage(
      definition,
      parameters: trained?.parameters ?? definition.filledParameters(plan, seed: UInt64(seed)),
      isTrained: trained != nil, classNames: classNames(of: definition), samples: samples,
      history: isShipped ? .init(TrainedMini.history()) : nil)
  }

  /// What the classes are called, where a file says so, or where they are those of the synthetic
  /// pictures.
  private func classNames(of definition: NetworkDefinition) throws -> [String]? {
    guard let labels else {
      return net == nil ? definition.syntheticClassNames : nil
    }
    let names = try ClassNames.read(labels)
    let classes = try definition.scoresShape().channels
    guard names.count == classes else {
      throw FileError(
        path: labels,
        problem: "has \(names.count) names; \(definition.name) tells \(classes) classes apart")
    }
    return names
  }
}
