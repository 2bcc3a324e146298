import Datasets
import Layers
import Networks
import Tensors

/// What fills some inputs of a network, batch after batch: one for each data layer.
///
/// ```swift
/// let pictures = InputFeeder(loader, images: "data", labels: "label")
/// try pictures.loadNext(into: network)
/// ```
public final class InputFeeder {
  private enum Source {
    case records(Prefetcher, any RecordSource)
    case filler(Filler, Shape, SplitMix64)
  }

  /// The blob that gets the images, or whatever the records hold.
  public let images: String
  /// The blob that gets the labels, if any.
  public let labels: String?
  /// Where the loader stands behind the last batch that was handed out; `nil` for a filler.
  public private(set) var state: LoaderState?

  private var source: Source
  private var firstRecord = 0

  /// A feeder of records and their labels.
  ///
  /// - Parameters:
  ///   - loader: what makes the batches.
  ///   - images: the blob that gets the images.
  ///   - labels: the blob that gets the labels; `nil` leaves them.
  ///   - depth: how many batches are made ahead; it changes nothing but the time it takes.
  /// - Complexity: O(1) here; with a depth above 0 the first batches are made meanwhile, on a thread of
  ///   their own.
  public init(_ loader: BatchLoader, images: String, labels: String?, depth: Int = 2) {
    self.images = images
    self.labels = labels
    state = loader.state
    source = .records(Prefetcher(loader, depth: depth), loader.source)
  }

  /// A feeder of numbers from a distribution, drawn anew for each batch: Caffe's DummyData layer.
  ///
  /// - Complexity: O(1).
  public init(_ filler: Filler, shape: Shape, blob: String, seed: UInt64) {
    images = blob
    labels = nil
    source = .filler(filler, shape, SplitMix64(seed: seed))
  }

  /// How many records there are before they come again; `nil` for a filler, or where none comes again.
  ///
  /// - Complexity: O(1).
  public var recordCount: Int? {
    guard case .records(_, let records) = source else { return nil }
    return records.count
  }

  /// Where its records come from; `nil` for a filler.
  var records: (any RecordSource)? {
    guard case .records(_, let records) = source else { return nil }
    return records
  }

  /// Loads a network with the next batch. The network keeps the batch until the next call.
  /// Pictures are prepared in `Float`, whatever the network computes with.
  ///
  /// - Throws: `DatasetError` or `LayerError` when images or labels can't be read or don't fit.
  /// - Complexity: That of `Prefetcher.next`, or of drawing a blob.
  public func loadNext<Scalar>(into network: Network<Scalar>) throws {
    switch source {
    case .records(let prefetcher, _):
      let batch = try prefetcher.loadNext { batch in
        try network.load(batch.images.converted(), intoInput: images)
        if let labels { try network.load(batch.labels, intoInput: labels) }
      }
      (state, firstRecord) = (batch.stateAfter, batch.firstRecord)
    case .filler(let filler, let shape, var seeds):
      let seed = seeds.next()
      source = .filler(filler, shape, seeds)
      try network.load(filler.fill(shape, seed: seed) as Tensor<Scalar>, intoInput: images)
    }
  }

  /// Where image i of the last batch came from; `nil` for a filler.
  ///
  /// - Complexity: O(length) of the name.
  public func name(ofImage index: Int) -> String? {
    guard case .records(_, let records) = source else { return nil }
    return records.name(ofRecord: firstRecord + index)
  }
}

extension [InputFeeder] {
  /// Loads a network with the next batch of each.
  ///
  /// - Throws: `DatasetError` or `LayerError` when images or labels can't be read or don't fit.
  /// - Complexity: That of `InputFeeder.loadNext(into:)` for each.
  public func loadNext<Scalar>(into network: Network<Scalar>) throws {
    for feeder in self { try feeder.loadNext(into: network) }
  }

  /// Runs a network on what they loaded it with. An error about a label names the record it came from.
  ///
  /// - Throws: what `body` throws.
  /// - Complexity: That of `body`.
  @discardableResult
  public func namingRecords<Scalar, Result>(
    of network: Network<Scalar>, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch let error as LayerError {
      throw named(error, in: network)
    }
  }

  private func named<Scalar>(_ error: LayerError, in network: Network<Scalar>) -> LayerError {
    // "label 7 at position 4", as layers write it.
    let words = error.value.split(separator: " ")
    guard words.count == 5, words[0] == "label", words[2] == "at", let position = Int(words[4]),
      let layer = network.definition.layers.first(where: { $0.name == error.layer }),
      let blob = layer.bottoms.last,
      let feeder = first(where: { $0.images == blob || $0.labels == blob })
    else { return error }
    // An image may have a label for each of its positions.
    let count =
      feeder.labels == blob
      ? 1
      : network.blob(blob)?.shape.imageCount ?? network.labels.count
        / Swift.max(network.input.shape.images, 1)
    guard let name = feeder.name(ofImage: position / Swift.max(count, 1)) else { return error }
    return LayerError(
      layer: error.layer, value: "label \(words[1]) of \(name)", rule: error.rule)
  }
}

extension Network {
  /// Gives one of the inputs its next content, be it the images, the labels, or another one.
  fileprivate func load(_ content: Tensor<Scalar>, intoInput name: String) throws {
    switch name {
    case definition.data: try load(images: content, labels: labels)
    case definition.label:
      // As Caffe casts them.
      let numbers = try content.elements.enumerated().map { position, value in
        let number = value.doubleValue
        guard abs(number) <= Double(Int32.max) else {
          throw LayerError(
            layer: name, value: "label \(value) at position \(position)", rule: "must be a class")
        }
        return Int(number)
      }
      try load(images: input, labels: numbers)
    default: try load(content, into: name)
    }
  }

  /// The same with labels.
  fileprivate func load(_ labels: [Int], intoInput name: String) throws {
    if name == definition.label {
      try load(images: input, labels: labels)
    } else {
      try load(Tensor(Shape(labels.count), labels.map { Scalar(Double($0)) }), intoInput: name)
    }
  }
}
