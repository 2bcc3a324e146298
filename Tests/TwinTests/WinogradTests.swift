import Fast
import LayerCases
import Layers
import Reference
import Tensors
import Testing

@testable import Tuned

/// Shapes of every kind that minimal filtering can take, whether it gains or not.
private let cases: [LayerCase] = shapes.map {
  LayerCase($0.0, $0.1, Shape($0.2[0], $0.2[1], $0.2[2], $0.2[3]))
}

private let shapes: [(String, ConvolutionSpecification, [Int])] = [
  (
    "as conv3, one image", ConvolutionSpecification(outputChannels: 48, kernel: 3, pad: 1),
    [1, 32, 13, 13]
  ),
  ("a mosaic", .init(outputChannels: 17, kernel: 3, pad: 1), [4, 16, 13, 13]),
  ("mosaics that aren't full", .init(outputChannels: 50, kernel: 3, pad: 1), [7, 19, 13, 13]),
  ("a mosaic without padding", .init(outputChannels: 16, kernel: 3), [8, 3, 7, 5]),
  (
    "a mosaic of rectangles",
    .init(outputChannels: 20, kernel: 3, pad: Extent(height: 2, width: 1)), [9, 5, 5, 9]
  ),
  ("many mosaics", .init(outputChannels: 16, kernel: 3, pad: 1, group: 2), [37, 32, 5, 5]),
  ("a pad wider than the kernel", .init(outputChannels: 16, kernel: 3, pad: 5), [4, 2, 3, 2]),
  (
    "groups, no bias", .init(outputChannels: 12, kernel: 3, pad: 1, group: 3, hasBias: false),
    [2, 9, 6, 11]
  ),
  ("as conv2", .init(outputChannels: 40, kernel: 5, pad: 2, group: 2), [3, 34, 9, 10]),
  ("5×5 in a mosaic", .init(outputChannels: 65, kernel: 5, pad: 2), [8, 50, 4, 4]),
  ("5×5 without padding", .init(outputChannels: 3, kernel: 5), [2, 1, 5, 8]),
  ("more channels than a piece takes", .init(outputChannels: 16, kernel: 3), [1, 150, 6, 6]),
  ("bands of tile rows", .init(outputChannels: 18, kernel: 3, pad: 1), [2, 3, 61, 57]),
  ("as conv1", .init(outputChannels: 50, kernel: 11, stride: 4), [2, 3, 35, 39]),
  (
    "conv1 with a pad and groups",
    .init(outputChannels: 6, kernel: 10, stride: 4, pad: 3, group: 2), [3, 4, 25, 23]
  ),
  ("stride 2", .init(outputChannels: 16, kernel: 5, stride: 2, pad: 2), [2, 7, 14, 11]),
  (
    "stride 2, 5 taps left", .init(outputChannels: 8, kernel: 9, stride: 2, pad: 1), [2, 3, 21, 24]
  ),
]

@Suite("Winograd convolution", .enabled(if: TunedBackend.isSupported))
struct WinogradTests {
  /// Held against Reference in Double. The terms of a sum are transformed, multiplied and transformed
  /// back: its rounding errors are those of a sum over as many channels (`tolerance`), magnified by what the
  /// matrices have for condition. A factor of 4 in the root mean square is asked for below.
  @Test("All shapes, all passes, on any number of threads", arguments: cases)
  func agrees(_ testCase: LayerCase) throws {
    let specification = try #require(testCase.specification as? ConvolutionSpecification)
    _ = try #require(Winograd.Plan(specification, testCase.inputs[0], always: true))
    var tolerance = try testCase.tolerance()
    tolerance.growth = 4
    let data = try LayerData<Float>(testCase)
    let doubleData = try LayerData<Double>(testCase)
    for options in PassOptions.all {
      let expected: Results<Float> = try run(
        Reference.Convolution<Double>(specification), on: doubleData, options
      ).converted()
      let results = try threadCounts.map { threads in
        let layer = Convolution(
          specification, engine: Engine(threads: threads), filtering: .wherePossible)
        return try run(layer, on: data, options)
      }
      expectAgreement(expected, results[0], tolerance, "\(testCase.testDescription), \(options)")
      for (threads, result) in zip(threadCounts, results) {
        #expect(result == results[0], "other bits on \(threads) threads")
      }
    }
  }

  /// An infinity or NaN, in one place of what goes in, would spread over tiles; and so would numbers whose
  /// transforms overflow, though no result does. Images in which what comes out isn't finite are computed
  /// again, and have the bits that they have without minimal filtering; so has the weights' gradient.
  @Test(
    "What isn't finite is as in direct convolution", arguments: cases,
    [Float.infinity, -.infinity, .nan, 2e38])
  func notFinite(_ testCase: LayerCase, value: Float) throws {
    let specification = try #require(testCase.specification as? ConvolutionSpecification)
    let winograd = Convolution(specification, filtering: .wherePossible)
    let exact = Convolution(specification, isExact: true)
    let fast = Fast.Convolution<Float>(specification)
    /// In those of some parts of equal size in which `b` isn't finite.
    func expectSame(_ a: Tensor<Float>, _ b: Tensor<Float>, parts: Int = 1, _ what: String) {
      let size = a.count / parts
      for part in 0..<parts {
        let range = part * size..<(part + 1) * size
        guard !range.allSatisfy({ b[$0].isFinite }) else { continue }
        let different = range.filter { a[$0] != b[$0] && !(a[$0].isNaN && b[$0].isNaN) }
        #expect(different.isEmpty, "\(what): \(different.count) of \(a.shape), part \(part)")
      }
    }
    var generator = SplitMix64(seed: 9)
    for place in 0..<3 {
      var data = try LayerData<Float>(testCase, whole: true)
      let images = data.inputs[0].shape.images
      let clean = try run(winograd, on: data)
      func poison(_ tensor: inout Tensor<Float>) {
        tensor[Int.random(in: 0..<tensor.count, using: &generator)] = value
      }
      switch place {
      case 0: poison(&data.inputs[0])
      case 1: poison(&data.parameters[0])
      default: poison(&data.upstream)
      }
      let (a, b) = (try run(winograd, on: data), try run(exact, on: data))
      let c = try run(fast, on: data)
      expectSame(a.output, b.output, parts: images, "output")
      if let gradient = a.inputGradients[0], let fast = c.inputGradients[0] {
        expectSame(fast, gradient, parts: images, "input gradient")
      }
      expectSame(a.parameterGradients[0], b.parameterGradients[0], "weights")
      if place == 0 {
        let size = a.output.count / images
        let changed = (0..<images).filter { image in
          (image * size..<(image + 1) * size).contains {
            a.output[$0].bitPattern != clean.output[$0].bitPattern
          }
        }
        #expect(changed.count <= 4, "images beyond a mosaic were computed again: \(changed)")
      }
      for (a, b) in zip([a.output] + a.parameterGradients, [b.output] + b.parameterGradients) {
        #expect(a.isAllFinite == b.isAllFinite)
      }
    }
  }

  /// After a pass in testing the filters are kept. Whoever then changes a weight, in whatever way, finds it
  /// changed in the next pass.
  @Test("Kept filters are never stale")
  func kept() throws {
    let specification = ConvolutionSpecification(outputChannels: 20, kernel: 3, pad: 1)
    let layer = Convolution(specification, filtering: .wherePossible)
    var data = try LayerData<Float>(specification, Shape(2, 7, 9, 9))
    func expectFresh(_ what: String, phase: Phase = .testing) throws {
      let fresh = Convolution(specification, filtering: .wherePossible)
      let options = PassOptions(phase: phase)
      let (old, new) = (try run(layer, on: data, options), try run(fresh, on: data, options))
      #expect(old == new, "\(what)")
    }
    try expectFresh("at first")
    try expectFresh("unchanged")
    data.parameters[0][5] += 1
    try expectFresh("one weight")
    data.parameters[0].elements.withUnsafeMutableBufferPointer { $0[7] = 3 }
    try expectFresh("through a pointer")
    let before = data.parameters
    data.parameters[0] = Tensor(before[0].shape, repeating: 0.5)
    try expectFresh("another tensor")
    data.parameters = before
    try expectFresh("as before")
    data.parameters[0].fill(with: 2)
    try expectFresh("filled")
    try expectFresh("in training", phase: .training)
    data.parameters[0][0] = 9
    try expectFresh("after training")
  }

  /// What is kept would make a step of training copy the weights.
  @Test("Nothing is kept in training")
  func notKept() throws {
    let specification = ConvolutionSpecification(outputChannels: 16, kernel: 3)
    let layer = Convolution(specification, filtering: .wherePossible)
    var data = try LayerData<Float>(specification, Shape(1, 4, 6, 6))
    func address() -> UnsafeRawPointer? {
      data.parameters[0].elements.withUnsafeBytes { $0.baseAddress }
    }
    for phase in [Phase.testing, .training] {
      _ = try run(layer, on: data, PassOptions(phase: phase))
      let before = address()
      data.parameters[0][0] += 1
      #expect((address() == before) == (phase == .training))
    }
  }

  @Test("Once it has run, it allocates no more working memory")
  func steadyState() throws {
    let engine = Engine(threads: 1)
    let small = ConvolutionSpecification(outputChannels: 40, kernel: 5, pad: 2, group: 2)
    let strided = ConvolutionSpecification(outputChannels: 50, kernel: 11, stride: 4)
    let layers = [small, strided].map { Convolution($0, engine: engine, filtering: .wherePossible) }
    let data = [
      try LayerData<Float>(small, Shape(3, 34, 9, 10)),
      try LayerData<Float>(strided, Shape(2, 3, 35, 39)),
    ]
    func pass() throws { for (layer, data) in zip(layers, data) { _ = try run(layer, on: data) } }
    try pass()
    let (allocations, bytes) = (engine.workspaceAllocations, engine.workspaceBytes)
    for _ in 0..<3 { try pass() }
    #expect(engine.workspaceAllocations == allocations)
    #expect(engine.workspaceBytes == bytes)
  }
}

extension Tensor<Float> {
  fileprivate var isAllFinite: Bool { elements.allSatisfy(\.isFinite) }
}
