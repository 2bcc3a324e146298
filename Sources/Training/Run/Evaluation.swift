import Datasets
import Layers
import Networks
import RealModule
import Tensors

/// Measures what a network has learnt, on images that it doesn't learn from: loss, accuracy, and
/// which classes it confuses.
public final class Evaluation<Scalar: Tensors.Scalar> {
  private let network: Network<Scalar>
  private let loader: BatchLoader
  private let batches: Int
  private let lossLayer: Int

  /// An evaluation on the first batches of a loader, the same ones every time.
  ///
  /// - Parameters:
  ///   - definition: the network, with a softmax loss.
  ///   - backend: whose version of the layers to run.
  ///   - loader: the images.
  ///   - batches: how many batches to look at.
  /// - Throws: `LayerError` for a network that is impossible or has no softmax loss.
  /// - Complexity: That of `Network.init` without parameters and gradients: memory for the blobs of
  ///   a batch.
  public init(
    _ definition: NetworkDefinition, backend: some Backend<Scalar>, loader: BatchLoader,
    batches: Int
  ) throws(LayerError) {
    self.loader = loader
    self.batches = max(batches, 1)
    network = try Network(
      definition, backend: backend, batch: loader.shape.images, gradients: .none, phase: .testing,
      keepingGradients: false)
    let index = definition.layers.firstIndex {
      $0.specification is SoftmaxWithLossSpecification
    }
    guard let index else {
      throw LayerError(
        layer: definition.name, value: "the network", rule: "must end in a SoftmaxWithLoss layer")
    }
    lossLayer = index
    network.parameters = []
  }

  /// Runs a network's parameters, in the order of the network's, over the images.
  ///
  /// - Throws: `DatasetError` or `LayerError` for images or labels that don't fit.
  /// - Complexity: A forward pass for each batch, and O(N·C) a batch of N images for the
  ///   predictions. The parameters are shared, not copied.
  public func evaluate(_ parameters: [[Tensor<Scalar>]]) throws -> EvaluationResult {
    // Lent, not copied: whoever trains them has them alone again afterwards.
    network.parameters = parameters
    defer { network.parameters = [] }
    let definition = network.definition.layers[lossLayer]
    let classes = network.plan.layers[lossLayer].input.channels
    var result = EvaluationResult(
      loss: 0, confusion: .init(repeating: .init(repeating: 0, count: classes), count: classes),
      wrong: [], right: [])
    let feeders = [
      InputFeeder(
        loader, images: network.definition.data, labels: network.definition.label, depth: 1)
    ]
    for number in 0..<batches {
      try feeders.loadNext(into: network)
      try feeders.namingRecords(of: network) { try network.forward() }
      result.loss += (network.results[definition.name] ?? 0).doubleValue
      guard let scores = network.blob(definition.bottoms[0]) else { continue }
      let firstRecord = loader.state.nextRecord + number * loader.shape.images
      for image in network.labels.indices {
        result.add(prediction(scores, image, firstRecord, classes))
      }
    }
    result.loss /= Double(batches)
    return result
  }

  private func prediction(
    _ scores: Tensor<Scalar>, _ image: Int, _ firstRecord: Int, _ classes: Int
  ) -> EvaluationResult.Prediction {
    let row = scores.elements[image * classes..<(image + 1) * classes]
    var best = row.startIndex
    for i in row.indices where row[i] > row[best] { best = i }
    let sum = row.reduce(0.0) { $0 + Double.exp(($1 - row[best]).doubleValue) }
    return EvaluationResult.Prediction(
      record: firstRecord + image, label: network.labels[image],
      predicted: best - row.startIndex, probability: 1 / sum)
  }
}

/// What an evaluation found.
public struct EvaluationResult: Sendable {
  /// The mean loss.
  public var loss: Double
  /// Images by their class (row) and the class with the highest score (column).
  public var confusion: [[Int]]
  /// The first images that were taken for something else.
  public var wrong: [Prediction]
  /// The first images that were not.
  public var right: [Prediction]

  /// What the network says of one image.
  public struct Prediction: Sendable, Equatable {
    /// The number of its record.
    public var record: Int
    /// Its class.
    public var label: Int
    /// The class with the highest score; the first of several.
    public var predicted: Int
    /// The probability that the network gives that class, between 0 and 1.
    public var probability: Double
  }

  /// The share of images whose class had the highest score; between 0 and 1.
  ///
  /// - Complexity: O(C²) for C classes.
  public var accuracy: Double {
    let all = confusion.joined().reduce(0, +)
    let correct = confusion.indices.reduce(0) { $0 + confusion[$1][$1] }
    return all == 0 ? 0 : Double(correct) / Double(all)
  }

  /// How many predictions of each kind a result keeps.
  private static var keptPredictions: Int { 12 }

  fileprivate mutating func add(_ prediction: Prediction) {
    guard confusion.indices.contains(prediction.label) else { return }
    confusion[prediction.label][prediction.predicted] += 1
    let isRight = prediction.label == prediction.predicted
    if isRight {
      if right.count < Self.keptPredictions { right.append(prediction) }
    } else if wrong.count < Self.keptPredictions {
      wrong.append(prediction)
    }
  }
}
