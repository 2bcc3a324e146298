import Layers
import Networks
import Tensors
import Testing

@testable import walkthrough

/// Two versions that fall on different sides of a kink, each right for the values it has.
@Suite("two versions beside a kink")
struct AgreementTests {
  /// 1e-7 is within Float's rounding of sums of numbers around 1.
  private static let nudge: Float = 1e-7

  @Test("are on different sides of ReLU where one is above 0 and one isn't")
  func relu() throws {
    let a = Tensor<Float>(Shape(1, 6), [1, Self.nudge, -Self.nudge, 0, -2, Self.nudge])
    let b = Tensor<Float>(Shape(1, 6), [1, -Self.nudge, Self.nudge, 0, -2, 2 * Self.nudge])
    #expect(try ReLUSpecification().kinksBetween(a, b) == [1, 2])
    #expect(try DropoutSpecification().kinksBetween(a, b) == [])
  }

  @Test("take different maxima of a window whose values are all but equal, in any channel")
  func pooling() throws {
    let shape = Shape(1, 2, 1, 4)
    let a = Tensor<Float>(shape, [1, 1 + Self.nudge * 2, 0, 5, 3, 2, 7, 7])
    let b = Tensor<Float>(shape, [1, 1 - Self.nudge, 0, 5, 3, 2, 7, 7 + 5 * Self.nudge])
    let specification = PoolingSpecification(
      .maximum, kernel: Extent(height: 1, width: 2), stride: Extent(height: 1, width: 2))
    #expect(try specification.kinksBetween(a, b) == [0, 1, 6, 7])
  }

  @Test("are compared everywhere else, and NaN never agrees")
  func comparison() {
    let a = Tensor<Float>(Shape(1, 3), [1, 0.5, 2])
    let kinked = Tensor<Float>(Shape(1, 3), [1, 0, 2])
    #expect(!Agreement(a, kinked).isRounding)
    let excepted = Agreement(a, kinked, besideKink: [1])
    #expect(excepted.difference == 0 && excepted.isRounding)
    #expect(!Agreement(a, kinked, besideKink: [0]).isRounding)
    let broken = Tensor<Float>(Shape(1, 3), [1, .nan, 2])
    #expect(!Agreement(a, broken).isRounding)
  }

  /// fc7's bias is set so that the pre-activation of one unit is a little above 0 in Reference and as
  /// much below it in the others: 2e-6 of the largest, so that they agree.
  @Test("are found by the tour, counted, and don't spoil the layers before")
  func tour() throws {
    var generator = SplitMix64(seed: 5)
    let definition = mini()
    let images = Tensor<Float>.normal(
      try definition.inputShape(batch: 1), deviation: 1, using: &generator)
    var networks: [Network<Float>] = []
    for version in Version.allCases {
      let network = try Network(
        definition, backend: version.backend(), phase: .testing,
        parameters: networks.first?.parameters)
      try network.load(images: images, labels: [3])
      networks.append(network)
    }
    let reference = networks[0]

    let layer = try definition.index(of: "fc7")
    try reference.forward()
    reference.backward()
    let (scores, gradient) = (
      try #require(reference.blob("fc7")), try #require(reference.gradient(of: "fc7"))
    )
    let unit = try #require(
      (0..<scores.count).filter { scores[$0] > 0 }.max { abs(gradient[$0]) < abs(gradient[$1]) })
    let little = Float(2e-6 * scores.largestMagnitude)
    reference.parameters[layer][1][unit] -= scores[unit] - little
    for network in networks.dropFirst() {
      network.parameters[layer][1][unit] -= scores[unit] + little
    }

    let guide = TourGuide(
      definition: definition, image: TourImage(tensor: images, label: 3, name: "noise"), seed: 1,
      checksGradients: false, progress: Progress(steps: 1))
    var (reports, passes): ([LayerReport], [LayerPass]) = ([], [])
    for index in definition.layers.indices {
      let (report, pass) = try guide.forward(index, networks)
      reports.append(report)
      passes.append(pass)
    }
    #expect(try #require(reference.blob("fc7"))[unit] > 0)
    for network in networks.dropFirst() { #expect(network.blob("fc7")?[unit] == 0) }
    for index in definition.layers.indices.reversed() {
      try guide.backward(index, networks, passes[index], &reports[index])
    }
    // Not excepted, it would be no rounding.
    let left = try #require(reference.gradient(of: "fc7"))
    #expect(
      Double(abs(left[unit])) > 10 * Agreement.tolerance * left.largestMagnitude)
    for report in reports {
      #expect(report.agrees, "\(report.name)")
      #expect(report.backward?.besideKink == (report.name == "relu7" ? 1 : 0), "\(report.name)")
    }
    let relu7 = try #require(reports.first { $0.name == "relu7" })
    #expect(relu7.backward?.kinkNote?.contains("1 element") == true)
  }
}
