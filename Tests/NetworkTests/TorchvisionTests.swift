import Fast
import Foundation
import Layers
import Networks
import NumPyFiles
import Reference
import Tensors
import Testing
import Tuned

/// torchvision's AlexNet at full size against PyTorch 2.13's activations and gradients in double precision.
@Suite(.serialized) struct TorchvisionTests {
  /// What is known of a tensor that is too large to be kept.
  private struct Facts: Decodable {
    var shape: [Int]
    var sum, l1, l2, maxAbs: Double
  }

  private struct Size: Decodable {
    var images: Int
    var labels: [Int]
    var loss: Double
    var top, topGrad, paramGrad: [String: Facts]
  }

  private struct File: Decodable {
    struct Adaptive: Decodable {
      var name: String
      var output: [Int]
    }
    var parameterCount: Int
    var sizes: [String: Size]
    var adaptive: [Adaptive]
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/interop/torchvision")

  private let facts: File
  private let golden: NumPyArchive

  init() throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .custom { keys in
      // Names of layers stay as they are; `top_grad` becomes `topGrad`.
      let words = (keys.last?.stringValue ?? "").split(
        separator: "_", omittingEmptySubsequences: false)
      let name = words[0] + words.dropFirst().map(\.capitalized).joined()
      return Key(stringValue: String(name)) ?? keys[keys.count - 1]
    }
    facts = try decoder.decode(
      File.self, from: Data(contentsOf: Self.folder.appending(path: "facts.json")))
    golden = try NumPyArchive(contentsOf: Self.folder.appending(path: "expected.npz"))
  }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  // MARK: - Numbers by formula

  /// u in 0..<1 by SplitMix64 from FNV-1a-64 of the tag: the top 24 bits.
  private static func numbers(_ tag: String, _ count: Int, _ number: (Float) -> Float) -> [Float] {
    let state = tag.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    var generator = SplitMix64(seed: state)
    return (0..<count).map { _ in number(Float(generator.next() >> 40) / 16_777_216) }
  }

  private static let parameters: [[Tensor<Float>]] = {
    guard let plan = try? NetworkPlan(torchvision()) else { return [] }
    return plan.layers.map { layer in
      layer.parameters.enumerated().map { index, parameter in
        let fanIn = Double(parameter.shape.count) / Double(parameter.shape[0])
        let gain = layer.name == "classifier.6" ? 0.1 : 1
        let bound = index == 0 ? Float(gain * (6 / fanIn).squareRoot()) : 0.1
        return Tensor(
          parameter.shape,
          numbers("tv/\(layer.name)/\(index)", parameter.shape.count) { (2 * $0 - 1) * bound })
      }
    }
  }()

  private static func images(_ size: Int) -> Tensor<Float> {
    let shape = Shape(2, 3, size, size)
    let mean: [Float] = [0.485, 0.456, 0.406]
    let deviation: [Float] = [0.229, 0.224, 0.225]
    var images = Tensor<Float>(
      shape, numbers("tv/data/\(size)x\(size)", shape.count) { ($0 * 256).rounded(.down) })
    for plane in 0..<6 {
      for i in plane * size * size..<(plane + 1) * size * size {
        images.elements[i] = (images.elements[i] / 255 - mean[plane % 3]) / deviation[plane % 3]
      }
    }
    return images
  }

  // MARK: - Comparing

  /// Within a tolerance of the largest magnitude, by samples, sums and norms.
  private func expect<Scalar>(
    _ tensor: Tensor<Scalar>?, _ key: String, _ facts: Facts?, within tolerance: Double
  ) throws {
    let tensor = try #require(tensor, "\(key)")
    let facts = try #require(facts, "\(key)")
    #expect(tensor.shape.dimensions == facts.shape, "\(key)")
    let values = tensor.elements.map(\.doubleValue)
    #expect(abs(tensor.largestMagnitude - facts.maxAbs) <= tolerance * facts.maxAbs, "\(key)")
    // An error of that size in every element, all with one sign.
    let greatest = tolerance * facts.maxAbs * Double(values.count)
    #expect(abs(values.reduce(0, +) - facts.sum) <= greatest, "\(key)")
    #expect(abs(values.reduce(0) { $0 + abs($1) } - facts.l1) <= greatest, "\(key)")
    let norm = tolerance * facts.maxAbs * Double(values.count).squareRoot()
    #expect(abs(tensor.squaredNorm.squareRoot() - facts.l2) <= norm, "\(key)")
    let expected = try #require(golden[key], "\(key)").tensor(as: Double.self)
    let step = max(1, values.count / 256)
    let samples = stride(from: 0, to: values.count, by: step).prefix(256).map { values[$0] }
    #expect(samples.count == expected.count, "\(key)")
    for (one, other) in zip(samples, expected.elements)
    where abs(one - other) > tolerance * facts.maxAbs {
      Issue.record("\(key): \(one) instead of \(other), largest \(facts.maxAbs)")
      break
    }
  }

  private func compare<Scalar>(
    _ backend: some Backend<Scalar>, size: Int, within tolerance: Double
  ) throws {
    let key = "\(size)x\(size)"
    let known = try #require(facts.sizes[key])
    let network = try Network(
      torchvision(inputSize: size), backend: backend, batch: known.images,
      gradients: .parametersAndInput, phase: .testing,
      parameters: Self.parameters.map { $0.map { $0.converted() } })
    try network.load(images: Self.images(size).converted(), labels: known.labels)
    let layers = network.definition.layers
    let data = network.blob("data")
    try expect(data, "\(key)/top/data", known.top["data"], within: tolerance)
    for (index, layer) in layers.enumerated() {
      try network.forward(layer: index)
      guard known.top[layer.name] != nil else { continue }
      try expect(
        network.blob(layer.top), "\(key)/top/\(layer.name)", known.top[layer.name],
        within: tolerance)
    }
    #expect(abs(network.loss.doubleValue - known.loss) <= tolerance * known.loss)
    let logits = try #require(golden["\(key)/logits"]).tensor(as: Scalar.self)
    let scores = try #require(network.blob("classifier.6"))
    #expect(scores.largestDifference(to: logits) <= tolerance * logits.largestMagnitude)
    for (index, layer) in layers.enumerated().reversed() {
      // What has reached the layer's output, before a layer in place writes over it.
      if known.topGrad[layer.name] != nil {
        try expect(
          network.gradient(of: layer.top), "\(key)/top_grad/\(layer.name)",
          known.topGrad[layer.name], within: tolerance)
      }
      network.backward(layer: index)
      for (gradient, name) in zip(network.parameterGradients[index], ["weight", "bias"]) {
        let name = "\(layer.name).\(name)"
        try expect(
          gradient, "\(key)/param_grad/\(name)", known.paramGrad[name], within: tolerance)
      }
    }
    try expect(
      network.gradient(of: "data"), "\(key)/top_grad/data", known.topGrad["data"],
      within: tolerance)
  }

  // Both compute in double precision; 1e-10 leaves room for sums of 9216 products in another order.
  private static let double = 1e-10
  // PyTorch's own single precision is within 2.3e-6 of its double precision here.
  private static let single = 1e-5

  @Test(.enabled(if: !isDebug, "it takes minutes without the optimizer"))
  func referenceInDouble() throws {
    try compare(ReferenceBackend<Double>(), size: 224, within: Self.double)
  }

  @Test(.enabled(if: !isDebug, "it takes minutes without the optimizer"), arguments: [224, 227])
  func fastInDouble(size: Int) throws {
    try compare(FastBackend<Double>(), size: size, within: Self.double)
  }

  @Test(.enabled(if: !isDebug, "it takes minutes without the optimizer"), arguments: [224, 227])
  func inSinglePrecision(size: Int) throws {
    try compare(FastBackend<Float>(), size: size, within: Self.single)
    try compare(TunedBackend(), size: size, within: Self.single)
  }

  // MARK: - Its parts

  @Test func hasTorchvisionsShapesAndStart() throws {
    let plan = try NetworkPlan(torchvision())
    #expect(plan.parameterCount == facts.parameterCount && plan.parameterCount == 61_100_840)
    #expect(plan.multiplyAccumulates == 714_188_480)
    // The least size, and one where the adaptive pooling has windows that overlap.
    for size in [63, 256] {
      #expect(try NetworkPlan(torchvision(inputSize: size)).parameterCount == 61_100_840)
    }
    #expect(throws: LayerError.self) { try NetworkPlan(torchvision(inputSize: 62)) }
    var small = torchvision()
    small.layers = Array(small.layers.prefix(1))
    let filled: [[Tensor<Float>]] = small.filledParameters(try NetworkPlan(small), seed: 1)
    // Uniform over ±1/√363: a deviation of 1/√(3·363) = 0.0303; 23,232 numbers tell it to 1 %.
    let weights = filled[0][0]
    let deviation = (weights.squaredNorm / Double(weights.count)).squareRoot()
    #expect(abs(deviation - 0.030303) < 0.0003)
    #expect(weights.largestMagnitude <= 1 / 363.0.squareRoot())
    #expect(filled[0][1].largestMagnitude > 0.02)
  }

  @Test func adaptivePoolingIsPyTorchs() throws {
    #expect(facts.adaptive.count == 5)
    func check(_ backend: some Backend<Double>) throws {
      for test in facts.adaptive {
        func tensor(_ name: String) throws -> Tensor<Double> {
          try #require(golden["adaptive/\(test.name)/\(name)"]).tensor()
        }
        let (x, dy) = (try tensor("x"), try tensor("dy"))
        let specification = AdaptiveAveragePoolingSpecification(
          output: Extent(height: test.output[2], width: test.output[3]))
        func open(_ layer: some Layer<Double>) throws {
          let result = try layer.forward([x])
          let back = try layer.backward(dy, inputs: [x], after: result)
          let (y, dx) = (try tensor("y"), try tensor("dx"))
          // Sums of at most 36 numbers of about 1 in double precision.
          #expect(result.output.largestDifference(to: y) <= 1e-14)
          #expect(back.input.largestDifference(to: dx) <= 1e-13)
        }
        let layer = specification.layer(on: backend)
        try open(layer)
      }
    }
    try check(ReferenceBackend<Double>())
    try check(FastBackend<Double>())
  }
}

/// Whether the optimizer is off: assertions are only checked then.
private let isDebug: Bool = {
  var isDebug = false
  assert({ isDebug = true }() == ())
  return isDebug
}()
