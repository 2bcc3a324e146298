import CaffeFormats
import Datasets
import Fast
import Foundation
import Networks
import Testing

@testable import walkthrough

/// What `Tests/Browser/check_names.py` looks for in a page whose names are hostile.
private struct NameExpectations: Encodable {
  struct Texts: Encodable {
    var selector: String
    /// Of the elements in their order.
    var texts: [String]
  }

  /// The text of the `title` element.
  var title: String
  /// The texts of all elements of a selector, as they stand there.
  var shown: [Texts]
  /// Texts that some element of a selector, or one of its attributes, holds.
  var contained: [Texts]
  /// Whether the page has the very elements and attributes of the tame one. Times, and what is drawn of
  /// them, differ between runs.
  var isExact: Bool
}

/// Names that try to become elements, attributes or code, of one run; the tame run has others of their
/// length.
private struct Names {
  let isHostile: Bool

  private static let payloads = [
    "\"\u{338} onload=document.title='PWNED' onfocus=document.title='PWNED' autofocus tabindex=1 x=",
    "'\u{338} onload=document.title='PWNED' onmouseover=document.title='PWNED' x=",
    "\" onload=\"document.title='PWNED'\" style=\"display:none\" x=\"",
    "<img src=x onerror=document.title='PWNED'>",
    "<\u{338}img src=x onerror=document.title='PWNED'>",
    "</title><script>document.title='PWNED'</script>",
    "\u{338}</h3><svg onload=document.title='PWNED'>",
    "</script\u{338}><script>document.title='PWNED'</script>",
    "<!--<script>document.title='PWNED'//",
    "--><style>*{display:none}</style><!--",
    "\"};document.title='PWNED';//\\",
    "\\u003cimg src=x onerror=document.title='PWNED'\\u003e",
    "${document.title='PWNED'}`;document.title='PWNED'//",
    "\r\n\"\r onload=document.title='PWNED'\r x=\u{1}\u{B}\u{1B}]0;PWNED\u{7}\u{7F}\u{85}",
    "\0\" \0onload=document.title='PWNED' \0<\0img src=x onerror=document.title='PWNED'>",
    "\u{2028}document.title='PWNED'\u{2029}\u{FEFF}\u{FFFE}\u{FFFF}",
    "\u{202E}\u{2066}derevo gnihton",
    "&quot; onload=document.title=&#39;PWNED&#39; &lt;img src=x onerror=document.title=1&gt;",
    "&#34; x &#x22;\u{301} y &lt",
    "javascript:document.title='PWNED'",
    "constructor __proto__ data main [data-layer] #top %3Cimg%3E 100%",
    "<base href=//127.0.0.1:9/><meta http-equiv=refresh content=0;url=//127.0.0.1:9/>",
    "<form action=//127.0.0.1:9/><input name=querySelector autofocus></form>",
  ]

  /// A name that no other number has; `without` are characters that can't be in such a name.
  func name(_ number: Int, without: Set<Unicode.Scalar> = []) -> String {
    let payload = Self.payloads[number % Self.payloads.count].unicodeScalars
    let end = " nº \(number)"
    guard isHostile else { return String(repeating: "n", count: String(payload).count) + end }
    return String(String.UnicodeScalarView(payload.filter { !without.contains($0) })) + end
  }

  /// A file's name has no `/`, and ends no string of C.
  func file(_ number: Int, _ ending: String) -> String {
    name(number, without: ["/", "\0"]) + ending
  }

  /// A line of a file has no line ends in it, nor spaces around it, which are no part of the name.
  func line(_ number: Int) -> String {
    name(number, without: ["\r", "\n", "\u{B}", "\u{C}", "\u{85}", "\u{2028}", "\u{2029}"])
  }
}

@Suite(
  "pages with hostile names, in a browser",
  .enabled(
    if: HeadlessBrowser.isInstalled,
    "no chromium or no python3 in PATH: script/test --browser installs them"))
struct HostilePageTests {
  /// A folder that goes away with the test.
  private func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }

  private func check(tame: String, hostile: String, _ expected: NameExpectations) throws {
    let problems = try withFolder { folder in
      let files = ["tame.html", "hostile.html", "expected.json"].map { folder.appending(path: $0) }
      try tame.write(to: files[0], atomically: true, encoding: .utf8)
      try hostile.write(to: files[1], atomically: true, encoding: .utf8)
      try JSONEncoder().encode(expected).write(to: files[2])
      return try Tools.problems(
        "Browser/check_names.py", [HeadlessBrowser.executable ?? ""] + files.map(\.path))
    }
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }

  // MARK: - The tour

  /// The tour as somebody takes it through files that they were given: a net, its weights, the names
  /// of its classes and a picture. Its page runs the network, too.
  private func tour(_ names: Names, _ options: String...) throws -> (
    report: TourReport, page: String
  ) {
    try withFolder { folder in
      var definition = mini()
      definition.name = names.name(0)
      var blobs: [String: String] = [:]
      for (index, layer) in definition.layers.enumerated() {
        blobs[layer.top] = blobs[layer.top] ?? names.name(100 + index)
        definition.layers[index].name = names.name(1 + index)
        definition.layers[index].bottoms = layer.bottoms.map { blobs[$0] ?? $0 }
        definition.layers[index].top = blobs[layer.top] ?? layer.top
      }
      let net = folder.appending(path: names.file(2, ".prototxt"))
      let source = names.name(3)
      try definition.trainValForm(
        training: .init(source: source, batchSize: 2), testing: .init(source: source, batchSize: 2)
      ).prototxt().write(to: net, atomically: true, encoding: .utf8)
      let weights = folder.appending(path: names.file(0, ".caffemodel"))
      try CaffeModel(of: Network(definition, backend: FastBackend<Float>(), seed: 7))
        .write(to: weights)
      let labels = folder.appending(path: names.file(4, ".txt"))
      try (0..<10).map { names.line(10 + $0) }.joined(separator: "\n")
        .write(to: labels, atomically: true, encoding: .utf8)
      let image = folder.appending(path: names.file(23, ".png"))
      try SyntheticImages(seed: 3).picture(0).writePNG(to: image)
      let tour = try Tour.parse(
        [
          "--net", net.path, "--weights", weights.path, "--labels", labels.path, "--image",
          image.path,
        ] + options
      )
      let report = try tour.report()
      let live = try #require(try tour.live())
      return (report, try TourPage(report: report, live: live).document())
    }
  }

  private func expectations(_ report: TourReport, isExact: Bool) -> NameExpectations {
    let names = report.layers.map { Escaping.visible($0.name) }
    let network = Escaping.visible(report.network)
    return NameExpectations(
      title: "\(network), layer by layer",
      shown: [
        .init(selector: "h1", texts: ["\(network), layer by layer"]),
        .init(selector: ".brand", texts: [network]),
        .init(selector: ".layer h3", texts: names),
        .init(
          selector: ".contents li a",
          texts: ["The picture", "Run it yourself"] + names + ["The loss", "Totals", "Try it"]),
        .init(
          selector: ".network .name, .network .in-place",
          texts: ["data"] + names),
        // Without accuracy, which changes nothing that the page computes.
        .init(
          selector: ".live-strip label",
          texts: zip(report.layers, names).filter { $0.0.type != "Accuracy" }.map(\.1)),
        .init(
          selector: ".live-class",
          texts: (0..<10).map { Escaping.visible(Names(isHostile: true).line(10 + $0)) }),
      ],
      contained: [
        .init(selector: "meta[name=description]", texts: [network]),
        .init(
          selector: ".image img, .image figcaption", texts: [Escaping.visible(report.image.name)]),
        .init(selector: ".image p", texts: [Escaping.visible(report.weights.source)]),
        .init(
          selector: ".image th",
          texts: report.predictions.compactMap { $0.name.map(Escaping.visible) }),
        // What the script writes.
        .init(
          selector: ".live-head figcaption, .live-samples button",
          texts: [Escaping.visible(report.image.name)]),
        .init(selector: ".live-sum h4", texts: [names[0]]),
        .init(
          selector: "[data-groups] output",
          texts: report.layers.filter { $0.groups.count > 1 }.map { Escaping.visible($0.name) }),
        .init(
          selector: "table, [aria-label]",
          texts: report.layers.filter { $0.groups.count > 1 }.map { Escaping.visible($0.name) }),
      ], isExact: isExact)
  }

  @Test(
    "a tour is shown as its files call things, and runs nothing of them",
    arguments: [["--deterministic"], []])
  func tour(options: [String]) throws {
    let isExact = !options.isEmpty
    let tame =
      try isExact ? tour(Names(isHostile: false), "--deterministic") : tour(Names(isHostile: false))
    let hostile =
      try isExact ? tour(Names(isHostile: true), "--deterministic") : tour(Names(isHostile: true))
    // That they get so far.
    #expect(hostile.report.network == Names(isHostile: true).name(0))
    #expect(hostile.report.layers.count == tame.report.layers.count)
    #expect(hostile.report.predictions.count == 5)
    #expect(
      hostile.report.predictions.allSatisfy {
        $0.name == Names(isHostile: true).line(10 + $0.label)
      })
    try check(
      tame: tame.page, hostile: hostile.page, expectations(hostile.report, isExact: isExact))
  }

  // MARK: - A training run

  /// A run on a database whose folder and keys have such names. No file gives the page of a run the
  /// names of its network, layers and classes; here they are put into the report, so that one that
  /// does some day finds the door closed.
  private func training(_ names: Names) throws -> TrainingReport {
    try withFolder { folder in
      let path = folder.appending(path: names.file(0, ".lmdb")).path
      let writer = try DatumDatabaseWriter(path)
      let images = try SyntheticImages(seed: 5, side: NetworkChoice.mini.recordSide)
      for number in 0..<20 {
        let datum = Datum(images.picture(number), label: images.label(number))
        try writer.append(datum.message(), name: names.name(number))
      }
      try writer.finish()
      var settings = TrainSettings(network: .mini)
      (settings.batch, settings.iterations, settings.testImages) = (4, 4, 20)
      (settings.testInterval, settings.snapshotInterval) = (2, 0)
      settings.dataset = path
      let session = try TrainSession(settings, threads: nil)
      guard case .finished(var report) = try session.train(snapshots: nil, report: { _ in }) else {
        throw SettingsError(description: "interrupted by nobody")
      }
      report.network = names.name(2)
      report.classNames = (0..<10).map { names.name(5 + $0) }
      for index in report.updateRatios.indices {
        for layer in report.updateRatios[index].layers.indices {
          report.updateRatios[index].layers[layer].name = names.name(3 + layer)
        }
      }
      return report
    }
  }

  @Test("a training run is shown as its database calls things, and runs nothing of it")
  func training() throws {
    let tame = try training(Names(isHostile: false))
    let hostile = try training(Names(isHostile: true))
    let network = Escaping.visible(hostile.network)
    let classes = hostile.classNames.map(Escaping.visible)
    try check(
      tame: TrainingPage(report: tame).document(),
      hostile: TrainingPage(report: hostile).document(),
      NameExpectations(
        title: "Training \(network)",
        shown: [
          .init(selector: "h1", texts: ["Training \(network)"]),
          .init(selector: ".brand", texts: [network]),
          .init(selector: ".confusion thead th", texts: ["class"] + classes),
          .init(selector: ".confusion tbody th", texts: classes),
          .init(
            selector: "#updates tbody th",
            texts: hostile.updateRatios[0].layers.map { Escaping.visible($0.name) }),
        ],
        contained: [
          .init(selector: "meta[name=description]", texts: [network]),
          .init(
            selector: ".hero .lead",
            texts: [Escaping.visible(try #require(hostile.settings.dataset))]),
          .init(selector: ".chart text", texts: [network]),
          .init(
            selector: ".gallery b",
            texts: (hostile.wrong + hostile.right).map { classes[$0.label] }),
          .init(
            selector: ".gallery img",
            texts: (hostile.wrong + hostile.right).map { classes[$0.label] }),
        ], isExact: true))
  }
}
