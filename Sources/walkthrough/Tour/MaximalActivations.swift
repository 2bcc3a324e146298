import Layers
import Networks
import Tensors

/// Where each feature map of the convolutions is greatest over several pictures, in testing; and, as the
/// first picture runs through the network too, what it is taken for.
///
/// Nothing is made up to please a map, as with gradient ascent or deconvolution: the parts of
/// pictures are real, and only as good as the pictures at hand.
struct MaximalActivations {
  /// By layer and channel.
  private(set) var peaks: [Int: [Int: FeatureMap.Peak]] = [:]
  /// Of the first picture's classes.
  private(set) var probabilities: [Double] = []

  /// Of how many maps a layer the greatest place is looked for.
  static let mapsLookedFor = 6
  /// The largest side of a part of a picture, in pixels; greater parts are shrunk.
  private static let patchSide = 24

  /// Runs the network on the pictures.
  ///
  /// - Throws: `LayerError` for pictures that don't fit.
  init(
    of pictures: [TourImage], definition: NetworkDefinition, parameters: [[Tensor<Float>]],
    isDeterministic: Bool, progress: Progress
  ) throws {
    progress.step("looking at \(pictures.count) pictures")
    // In one batch; but one by one on Reference, which saves nothing by it, only memory.
    let batches = isDeterministic ? pictures.map { [$0] } : [pictures]
    let version: Version = isDeterministic ? .reference : .tuned
    let network = try Network(
      definition, backend: version.backend(), batch: isDeterministic ? 1 : pictures.count,
      gradients: .none,
      phase: .testing, parameters: parameters)
    for (number, batch) in batches.enumerated() {
      try network.load(
        images: .joined(batch.map(\.tensor)), labels: batch.map(\.label))
      for index in definition.layers.indices {
        try network.forward(layer: index)
        // Maps that are learned, not those that others are made of.
        guard !network.plan.layers[index].parameters.isEmpty,
          let output = network.blob(definition.layers[index].top)
        else { continue }
        look(
          at: output, network.plan.layers[index], layer: index,
          origin: network.plan.output(ofLayer: index).origin, batch)
      }
      if number == 0, let scores = network.blob(definition.scores) {
        probabilities = softmax(
          scores.elements.prefix(scores.shape.imageCount).map(Double.init))
      }
    }
  }

  private mutating func look(
    at output: Tensor<Float>, _ summary: NetworkPlan.Layer, layer: Int, origin: Int,
    _ pictures: [TourImage]
  ) {
    for map in FeatureMap.evenlySpaced(output, groups: 1).prefix(Self.mapsLookedFor) {
      for (image, picture) in pictures.enumerated() {
        let plane = output.shape.spatialCount
        let start = (image * output.shape.channels + map.channel) * plane
        let values = output.elements[start..<start + plane]
        guard let place = values.indices.max(by: { values[$0] < values[$1] }), values[place] > 0,
          Double(values[place]) > peaks[layer]?[map.channel]?.value ?? 0
        else { continue }
        let width = output.shape.width
        let (row, column) = ((place - start) / width, (place - start) % width)
        peaks[layer, default: [:]][map.channel] = peak(
          picture, value: Double(values[place]), top: origin + row * summary.stride,
          left: origin + column * summary.stride, side: summary.receptiveField)
      }
    }
  }

  private func peak(
    _ picture: TourImage, value: Double, top: Int, left: Int, side: Int
  ) -> FeatureMap.Peak {
    FeatureMap.Peak(
      picture: picture.name, top: top, left: left, side: side, value: value,
      patch: picture.picture.cropped(top: top, left: left, side: side)
        .shrunk(toFit: Self.patchSide))
  }
}

extension Tensor<Float> {
  /// Images one after another in a batch. They have one shape.
  fileprivate static func joined(_ images: [Tensor]) throws -> Tensor {
    guard let first = images.first else { return Tensor(Shape()) }
    return Tensor(
      try first.shape.withImages(images.count), images.flatMap(\.elements))
  }
}
