import CaffeTools
import Foundation
import Layers
import NetworkFiles
import Networks
import Reference
import Tensors
import Testing

@testable import walkthrough

@Suite("the page that computes")
struct LivePageTests {
  /// What the page's script has to compute of a picture; `Tests/Browser/check_live.py` reads it.
  struct Pass: Encodable {
    /// The number of the page's sample.
    var sample: Int
    var label: Int
    var loss: Float
    /// After each layer, in base64.
    var outputs: [String] = []
    /// By each layer's input, in base64.
    var inputGradients: [String] = []
    /// Of each layer's weights and biases one after the other, in base64.
    var parameterGradients: [String] = []
  }

  struct Expectations: Encodable {
    var ids = ["live", "live-app"]
    var passes: [Pass] = []
  }

  private static func tour(_ arguments: String...) throws -> Tour {
    try Tour.parse(["--network", "mini", "--deterministic"] + arguments)
  }

  private static let page = Result {
    let tour = try LivePageTests.tour()
    return try TourPage(report: tour.report(), live: tour.live()).document()
  }

  @Test("carries mini's parameters and ten pictures, and stays below 4 MB")
  func size() throws {
    let page: String = try Self.page.get()
    #expect(page.utf8.count < 4_000_000)
    let live = try #require(try Self.tour().live())
    #expect(live.layers.flatMap(\.parameters).reduce(0, +) == 203_370)
    #expect(Data(base64Encoded: live.parameters)?.count == 4 * 203_370)
    #expect(Set(live.samples.map(\.label)).count == 10)
    #expect(live.classes == TrainedMini.classNames && live.isTrained && live.history != nil)
    #expect(page.contains("id=\"live-data\""))
  }

  @Test("is not made of a network that is too large, no chain, or made of other layers")
  func others() throws {
    #expect(try Tour.parse([]).live() == nil)
    let image = try TourImage.synthetic(seed: 1, definition: mini(), numbers: 0..<1)
    func live(_ definition: NetworkDefinition) throws -> LivePage? {
      let plan = try NetworkPlan(definition)
      return try LivePage(
        definition, parameters: definition.filledParameters(plan, seed: 1), isTrained: false,
        classNames: nil, samples: image, history: nil)
    }
    #expect(try live(mini())?.classes[5] == "class 5")
    // Accuracy reads fc8, too. It only measures, and is left out.
    let layers = try #require(try live(mini())?.layers)
    #expect(try live(mini(includeAccuracy: true))?.layers.map(\.name) == layers.map(\.name))
    // Two layers read the data, and one of them leads nowhere.
    var branching = mini()
    var branch = branching.layers[0]
    (branch.name, branch.top) = ("branch", "branch")
    branching.layers.insert(branch, at: 0)
    #expect(try live(branching) == nil)
    var dilated = mini()
    var convolution = try #require(dilated.layers[0].specification as? ConvolutionSpecification)
    convolution.dilation = 2
    dilated.layers[0].specification = convolution
    #expect(try live(dilated) == nil)
  }

  @Test("names from files become no markup")
  func names() throws {
    let tour = try Self.tour()
    var live = try #require(try tour.live())
    live.classes[0] = "</script><img src=x onerror=alert(1)>"
    live.layers[0].name = "<b>conv</b>"
    live.samples[0].name = "\" onclick=\"alert(1)"
    let page = try TourPage(report: try tour.report(), live: live).document()
    #expect(!page.contains("<img src=x") && !page.contains("<b>conv"))
    #expect(page.contains(#"\u003c/script\u003e\u003cimg src=x onerror=alert(1)\u003e"#))
  }

  @Test(
    "computes what Reference computes, follows every control, and refuses what is no picture",
    .enabled(
      if: HeadlessBrowser.isInstalled,
      "no chromium or no python3 in PATH: script/test --browser installs them"))
  func browser() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "live-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (page, expected) = (
      folder.appending(path: "page.html"), folder.appending(path: "expected.json")
    )
    try Self.page.get().write(to: page, atomically: true, encoding: .utf8)
    var expectations = Expectations()
    // Labels that the network doesn't believe. Of a class that it is sure of, p − 1 is the difference of
    // two numbers that are almost the same: in single precision few of its digits are right, and
    // every gradient is made of it.
    for (sample, label) in [(0, 8), (1, 3), (4, 0)] {
      expectations.passes.append(try Self.pass(sample, label: label))
    }
    try JSONEncoder().encode(expectations).write(to: expected)
    let problems = try Tools.problems(
      "Browser/check_live.py",
      [HeadlessBrowser.executable ?? "", page.path, expected.path]
        + (HeadlessBrowser.axe.map { [$0] } ?? []))
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }

  /// A picture of the page, on Reference.
  private static func pass(_ sample: Int, label: Int) throws -> Pass {
    let definition = mini()
    let image = try TourImage.synthetic(
      seed: 1, definition: definition, numbers: sample..<(sample + 1))[0]
    let network = try Network(
      definition, backend: ReferenceBackend<Float>(), gradients: .parametersAndInput,
      phase: .testing, parameters: TrainedNetwork(shipped: definition).parameters)
    try network.load(images: image.tensor, labels: [label])
    var pass = Pass(sample: sample, label: label, loss: 0)
    // Layers in place overwrite their inputs, so each blob is read right after its layer.
    for (index, layer) in definition.layers.enumerated() {
      try network.forward(layer: index)
      let output = try #require(network.blob(layer.top))
      pass.outputs.append(LivePage.base64(output.elements))
    }
    pass.loss = network.loss
    for (index, layer) in definition.layers.enumerated().reversed() {
      network.backward(layer: index)
      let gradient = try #require(network.gradient(of: layer.bottoms[0]))
      pass.inputGradients.insert(LivePage.base64(gradient.elements), at: 0)
    }
    pass.parameterGradients = network.parameterGradients.joined().map {
      LivePage.base64($0.elements)
    }
    return pass
  }
}
