import CaffeTools
import Foundation
import Layers
import Networks
import NumPyFiles
import Tensors

/// A network that a page carries with it and runs by itself, and what it runs it on.
struct LivePage: Encodable {
  /// A layer as the page's script needs it.
  struct Layer: Encodable {
    var name: String
    var type: String
    /// Its colour, as `LayerTour.kind`.
    var kind: String
    /// Channels, rows and columns of one image.
    var input: [Int]
    var output: [Int]
    /// How many weights and how many biases; empty where it learns nothing.
    var parameters: [Int]
    var settings: LayerReport.Settings
  }

  /// A picture to begin with.
  struct Sample: Encodable {
    var label: Int
    /// For a reader.
    var name: String
    /// Red, green and blue of each pixel, in base64.
    var pixels: String
  }

  var name: String
  var isTrained: Bool
  /// Channels, rows and columns.
  var input: [Int]
  /// Of blue, green and red.
  var mean: [Double]
  /// What the difference to the mean is multiplied by.
  var scale: Float
  /// What the classes are called.
  var classes: [String]
  var layers: [Layer]
  /// Weights and biases of all layers one after the other, single precision, lowest byte first, in base64.
  var parameters: String
  var samples: [Sample]
  /// How the first filters came to be, where that is known.
  var history: History?

  /// The most parameters that a page takes with it.
  static let mostParameters = 300_000

  /// - Parameters:
  ///   - parameters: in the order of the network's layers.
  ///   - samples: the picture that the page is about, then others.
  /// - Returns: `nil` for a network that a page can't run: too large, not a chain from square pictures in
  ///   colour to a softmax loss, or with layers that the script doesn't have.
  /// - Throws: `LayerError` for an impossible network.
  init?(
    _ definition: NetworkDefinition, parameters: [[Tensor<Float>]], isTrained: Bool,
    classNames: [String]?, samples: [TourImage], history: History?
  ) throws {
    let plan = try NetworkPlan(definition)
    let image = definition.imageShape
    guard plan.parameterCount <= Self.mostParameters, image.count == 3, image[0] == 3,
      image[1] == image[2],
      // What only measures, as accuracy does, changes nothing.
      case let steps = zip(definition.layers, plan.layers)
        .filter({ $0.0.specification.isDifferentiable }),
      steps.last?.0.specification.tour.readsScores == true
    else { return nil }
    let transformer = definition.transformer
    guard transformer.normalisation == nil, case .perChannel(let means) = transformer.mean else {
      return nil
    }
    layers = []
    var below = definition.data
    for (layer, planned) in steps {
      let tour = layer.specification.tour
      guard layer.bottoms.first == below, tour.isLive else { return nil }
      layers.append(
        Layer(
          name: Escaping.visible(planned.name), type: planned.type, kind: tour.kind,
          input: planned.input.channelsHeightWidth, output: planned.output.channelsHeightWidth,
          parameters: planned.parameters.map(\.shape.count),
          settings: tour.settings(planned.input)))
      below = layer.top
    }
    name = definition.name
    self.isTrained = isTrained
    input = plan.input.channelsHeightWidth
    mean = means.map(Double.init)
    scale = transformer.scale
    let count = layers.last?.input.first ?? 0
    classes = classNames?.map(Escaping.visible) ?? (0..<count).map { "class \($0)" }
    self.parameters = Self.base64(parameters.joined().flatMap(\.elements))
    self.samples = samples.map { image in
      Sample(
        label: image.label, name: Escaping.visible(image.name),
        pixels: Data(image.picture.pixels).base64EncodedString())
    }
    self.history = history
  }

  /// Numbers for the page's script.
  static func base64(_ numbers: [Float]) -> String {
    var data = Data(capacity: 4 * numbers.count)
    for number in numbers {
      withUnsafeBytes(of: number.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    return data.base64EncodedString()
  }
}

extension LivePage {
  /// How the first layer's filters came to be, as `FilterHistory` wrote it.
  struct History: Encodable {
    var iterations: [Int]
    /// K, C, I, J.
    var shape: [Int]
    /// A byte for each weight of each moment, in base64: 128 + 127·w/peak.
    var filters: String
    var peaks: [Float]
    /// In base64.
    var biases: String
    var losses: [Float]
    var testIterations: [Int]
    var testAccuracies: [Float]

    /// - Returns: `nil` for an archive without the arrays.
    /// - Throws: `NumPyValueError` for iterations that are no whole numbers.
    init?(_ archive: NumPyArchive) throws {
      guard let iterations = try archive["iterations"]?.integers(),
        let shape = try archive["shape"]?.integers(),
        let filters = try archive["filters"]?.integers(),
        let peaks = archive["peaks"]?.tensor(as: Float.self).elements,
        let biases = archive["biases"]?.tensor(as: Float.self).elements,
        let losses = archive["losses"]?.tensor(as: Float.self).elements,
        let testIterations = try archive["test_iterations"]?.integers(),
        let accuracies = archive["test_accuracies"]?.tensor(as: Float.self).elements
      else { return nil }
      self.iterations = iterations
      self.shape = shape
      self.filters = Data(filters.map { UInt8(clamping: $0) }).base64EncodedString()
      self.peaks = peaks
      self.biases = LivePage.base64(biases)
      self.losses = losses
      self.testIterations = testIterations
      testAccuracies = accuracies
    }
  }
}
