import Foundation
import Layers
import Networks
import Reference
import Tensors
import Testing

@testable import walkthrough

/// What a page has to have and to say, computed by the package itself; `Tests/Browser` reads it.
struct PageExpectations: Encodable {
  struct ShapeCase: Encodable {
    var operation: String
    var size: Int
    var kernel: Int
    var stride: Int
    var pad: Int
    /// Missing where the specification refuses.
    var output: Int?
  }

  struct CurveCase: Encodable {
    var sliders: [String: Double]
    var output: Double
  }

  struct GroupCase: Encodable {
    /// The id of its section.
    var layer: String
    var grouped: String
    var whole: String
  }

  struct SlidingCase: Encodable {
    /// The id of its section.
    var layer: String
    /// Missing for a convolution, whose one channel isn't the whole sum.
    var result: Double?
    var moves: [Move] = []
  }

  /// A window somewhere else.
  struct Move: Encodable {
    /// Row and column of the output, or the channel.
    var sliders: [Int]
    var result: Double
    /// Its first row and column on the input; missing where it moves over channels.
    var window: [Int]?
  }

  var ids: [String]
  /// How many files of code are shown at least.
  var listings = 0
  var shapes: [ShapeCase] = []
  var curves: [CurveCase] = []
  var groups: [GroupCase] = []
  var sliding: [SlidingCase] = []
  /// How many values LRN touches, by its order.
  var order: [String: String] = [:]

  /// Of a page that has nothing to move.
  init(ids: [String]) {
    self.ids = ids
  }

  init(_ report: TourReport) throws {
    ids =
      report.layers.map(\.anchor)
      + ["image", "loss", "totals", "laboratory", "shapes", "order", "curves"]
    // Two versions of each.
    if !report.isDeterministic { listings = 2 * report.layers.count { $0.repeats == nil } }
    for operation in ["convolution", "pooling"] {
      for size in [1, 6, 7, 13, 27, 28, 55, 64] {
        for (kernel, stride, pad) in [
          (1, 1, 0), (2, 1, 0), (3, 2, 0), (3, 2, 1), (3, 3, 2), (5, 1, 2), (2, 3, 0), (4, 3, 3),
          (11, 4, 0), (11, 6, 5), (3, 1, 4),
        ] {
          shapes.append(Self.shapeCase(operation, size, kernel, stride, pad))
        }
      }
    }
    for (k, alpha, beta, n, neighbours) in [
      (1.0, -4.0, 0.75, 5, 50.0), (2, -4, 0.75, 5, 200), (0.5, -1, 1.5, 11, 100), (4, -5, 0, 1, 0),
      (1, -2.5, 0.05, 3, 10),
    ] {
      curves.append(try Self.curveCase(k, alpha, beta, n, neighbours))
    }
    groups = try report.layers.filter { $0.groups.count > 1 }.map(Self.groupCase)
    sliding = try report.layers.filter { $0.sliding != nil }
      .map(Self.slidingCase)
    for (pool, norm) in zip(report.layers, report.layers.dropFirst())
    where pool.type == "Pooling" && norm.type == "LRN" {
      let values = [
        "before": pool.input.reduce(1, *), "after": norm.input.reduce(1, *),
      ]
      total.merge(values, uniquingKeysWith: +)
    }
    order = total.mapValues(Format.grouped)
  }

  private var total: [String: Int] = [:]

  private enum CodingKeys: String, CodingKey {
    case ids, listings, shapes, curves, groups, sliding, order
  }
}

extension PageExpectations {
  private static func shapeCase(
    _ operation: String, _ size: Int, _ kernel: Int, _ stride: Int, _ pad: Int
  ) -> ShapeCase {
    let (kernelExtent, strideExtent, padExtent) = (Extent(kernel), Extent(stride), Extent(pad))
    let specification: any SingleInputSpecification =
      operation == "convolution"
      ? ConvolutionSpecification(
        outputChannels: 1, kernel: kernelExtent, stride: strideExtent, pad: padExtent)
      : PoolingSpecification(
        .maximum, kernel: kernelExtent, stride: strideExtent, pad: padExtent)
    return ShapeCase(
      operation: operation, size: size, kernel: kernel, stride: stride, pad: pad,
      output: try? specification.outputShape(for: Shape(1, 1, size, size)).height)
  }

  /// LRN of a 100 in the middle of n channels.
  private static func curveCase(
    _ k: Double, _ alpha: Double, _ beta: Double, _ n: Int, _ neighbours: Double
  ) throws -> CurveCase {
    var channels = [Double](repeating: neighbours, count: n)
    channels[n / 2] = 100
    let layer = LRN<Double>(
      LRNSpecification(localSize: n, alpha: pow(10, alpha), beta: beta, k: k))
    let output = try layer.forward(Tensor(Shape(1, n, 1, 1), channels)).output
    return CurveCase(
      sliders: ["k": k, "alpha": alpha, "beta": beta, "n": Double(n), "neighbours": neighbours],
      output: output[n / 2])
  }

  private static func groupCase(_ layer: LayerReport) throws -> GroupCase {
    let input = try Shape(checking: [1] + layer.input)
    let kernel = try extent(layer.settings.kernel)
    func parameters(group: Int) throws -> Int {
      try ConvolutionSpecification(
        outputChannels: layer.output[0], kernel: kernel, group: group
      ).parameters(for: input).map(\.shape.count).reduce(0, +)
    }
    return GroupCase(
      layer: layer.anchor, grouped: Format.grouped(try parameters(group: layer.groups.count)),
      whole: Format.grouped(try parameters(group: 1)))
  }

  private static func slidingCase(_ layer: LayerReport) throws -> SlidingCase {
    let example = try #require(layer.example)
    let window = try #require(example.window)
    var sliding = SlidingCase(layer: layer.anchor, result: example.byHand)
    switch layer.type {
    case "LRN":
      sliding.moves = try channels(layer, window)
    case "Convolution":
      // Of one channel, as the page has the numbers of one only.
      sliding.result = nil
      let weights = try #require(window.weights)
      let convolution = Convolution<Double>(
        ConvolutionSpecification(
          outputChannels: 1, kernel: try extent(layer.settings.kernel),
          stride: try extent(layer.settings.stride), pad: try extent(layer.settings.pad),
          dilation: try extent(layer.settings.dilation), hasBias: false))
      let kernel = Tensor(Shape(1, 1, weights.count, weights[0].count), Array(weights.joined()))
      let output = try convolution.forward(plane(window), parameters: [kernel]).output
      sliding.moves = try places(layer, output)
    default:
      let pooling = Pooling<Double>(
        PoolingSpecification(
          layer.settings.method == "average" ? .average : .maximum,
          kernel: try extent(layer.settings.kernel), stride: try extent(layer.settings.stride),
          pad: try extent(layer.settings.pad),
          rounding: layer.settings.rounding == "floor" ? .floor : .ceiling))
      sliding.moves = try places(layer, try pooling.forward(plane(window)).output)
    }
    return sliding
  }

  /// LRN at other channels of the position.
  private static func channels(
    _ layer: LayerReport, _ window: WorkedExample.Window
  ) throws -> [Move] {
    let column = try #require(window.column)
    let settings = layer.settings
    let specification = LRNSpecification(
      localSize: try #require(settings.localSize), alpha: try #require(settings.alpha),
      beta: try #require(settings.beta), k: try #require(settings.k))
    let output = try LRN<Double>(specification)
      .forward(Tensor(Shape(1, column.count, 1, 1), column)).output
    return [0, 1, column.count / 3, column.count - 1].map {
      Move(sliders: [$0], result: output[$0])
    }
  }

  /// Corners, a border and the neighbour of the value that was computed by hand.
  private static func places(_ layer: LayerReport, _ output: Tensor<Double>) throws -> [Move] {
    let (stride, pad) = (try extent(layer.settings.stride), try extent(layer.settings.pad))
    let place = try #require(layer.example).output
    let (row, column) = (place[1], place[2])
    let last = (row: layer.output[1] - 1, column: layer.output[2] - 1)
    #expect(output.shape.height == layer.output[1] && output.shape.width == layer.output[2])
    return [
      (0, 0), (last.row, last.column), (row, 0), (last.row, column),
      (row, min(column + 1, last.column)),
    ]
    .filter { $0 != (row, column) }
    .map { y, x in
      Move(
        sliders: [y, x], result: output[0, 0, y, x],
        window: [y * stride.height - pad.height, x * stride.width - pad.width])
    }
  }

  /// The picture of a channel as the numbers that its 256 levels stand for.
  private static func plane(_ window: WorkedExample.Window) -> Tensor<Double> {
    let plane = window.plane
    let step = (plane.upper - plane.lower) / 255
    return Tensor(
      Shape(1, 1, plane.height, plane.width), plane.pixels.map { plane.lower + Double($0) * step })
  }

  private static func extent(_ sides: [Int]?) throws -> Extent {
    guard let sides else { return 1 }
    try #require(sides.count == 2)
    return Extent(height: sides[0], width: sides[1])
  }
}
