import Tensors

/// Where a loader stands: with this and its settings, it goes on as if it had never stopped.
public struct LoaderState: Sendable, Equatable {
  /// The number of the next record.
  public var nextRecord: Int
  /// What the placements of the next records are drawn from.
  public var random: MersenneTwister

  /// The start: record 0, and a generator that starts from a seed.
  ///
  /// - Complexity: O(s) for the generator's s = 624 words of state.
  public init(seed: UInt32, nextRecord: Int = 0) {
    self.nextRecord = nextRecord
    random = MersenneTwister(seed: seed)
  }

  /// Where another loader stood.
  public init(nextRecord: Int, random: MersenneTwister) {
    self.nextRecord = nextRecord
    self.random = random
  }
}

/// Images for a network, with their labels.
public struct Batch: Sendable {
  /// N×C×H×W, transformed.
  public var images: Tensor<Float>
  /// The class of each image.
  public var labels: [Int]
  /// The numbers of the records that the images came from: this one and those behind it.
  public var firstRecord: Int
  /// Where the loader stood once it had made this batch.
  public var stateAfter: LoaderState
}

/// Takes records in their order, transforms them, and puts them together to batches.
///
/// Source: Caffe's `data_layer.cpp`, whose order of draws `DataTransformer` follows.
public struct BatchLoader: Sendable {
  /// Where records come from.
  public let source: any RecordSource
  /// What becomes of them.
  public let transformer: DataTransformer
  /// Whether crops are drawn at random; otherwise they are centred.
  public let isTraining: Bool
  /// The shape of every batch, N×C×H×W.
  public let shape: Shape
  /// Where it stands.
  public private(set) var state: LoaderState
  /// Which batches of each row of `row` it makes; the others are passed over.
  private var taken = 0..<1
  private var row = 1
  /// How many batches of the current row it has made.
  private var made = 0

  /// A loader of batches of some images.
  ///
  /// Reads the next record, whose size all others have to share.
  ///
  /// - Throws: `DatasetError` when that record can't be read, or doesn't fit the transformer.
  /// - Complexity: That of one record of the source.
  public init(
    _ source: any RecordSource, transformer: DataTransformer, images: Int, isTraining: Bool,
    state: LoaderState
  ) throws(DatasetError) {
    self.source = source
    self.transformer = transformer
    self.isTraining = isTraining
    self.state = state
    guard images >= 1 else { throw DatasetError("a batch of \(images) images; 1 is least") }
    let first = try source.datum(state.nextRecord)
    do throws(DatasetError) {
      shape = try transformer.outputShape(for: first, images: images)
    } catch {
      throw DatasetError(
        "\(source.name(ofRecord: state.nextRecord)): \(error.description)")
    }
  }

  /// Memory for a batch.
  ///
  /// - Complexity: O(N·C·H·W), allocating the batch.
  public func makeBatch() -> Batch {
    Batch(
      images: Tensor(shape), labels: Array(repeating: 0, count: shape.images),
      firstRecord: state.nextRecord, stateAfter: state)
  }

  /// Overwrites a batch with the next one.
  ///
  /// - Throws: `DatasetError` when a record can't be read or has another size than the first;
  ///   the loader then stays where it was.
  /// - Complexity: That of N records of the source, and O(N·C·H·W) to transform them; allocates
  ///   nothing else.
  public mutating func fill(_ batch: inout Batch) throws(DatasetError) {
    var next = state
    if made == 0 { pass(taken.lowerBound, from: &next) }
    batch.firstRecord = next.nextRecord
    for image in 0..<shape.images {
      let datum = try source.datum(next.nextRecord)
      do throws(DatasetError) {
        let placement = try transformer.placement(
          of: datum, isTraining: isTraining, using: &next.random)
        try transformer.write(datum, placement: placement, into: &batch.images, image: image)
      } catch {
        throw DatasetError("\(source.name(ofRecord: next.nextRecord)): \(error.description)")
      }
      batch.labels[image] = datum.label
      next.nextRecord += 1
    }
    made += 1
    if made == taken.count {
      pass(row - taken.upperBound, from: &next)
      made = 0
    }
    state = next
    batch.stateAfter = next
  }

  /// Passes over batches without reading them: draws and counts as if they had been made.
  private func pass(_ batches: Int, from state: inout LoaderState) {
    let images = batches * shape.images
    for _ in 0..<images * transformer.drawsPerRecord(isTraining: isTraining) {
      _ = state.random.next() as UInt32
    }
    state.nextRecord += images
  }

  /// A loader that makes some of these batches and passes over the others, as one of several processes
  /// that share them. Behind its last batch of a row it stands where the row ends.
  ///
  /// - Parameters:
  ///   - batches: which batches it makes, counted from 0 in each row.
  ///   - row: how many batches are one row.
  /// - Complexity: O(1): batches are passed over when the next one is made.
  public func taking(_ batches: Range<Int>, ofEach row: Int) -> BatchLoader {
    precondition(!batches.isEmpty && batches.lowerBound >= 0 && batches.upperBound <= row)
    var loader = self
    (loader.taken, loader.row) = (batches, row)
    return loader
  }
}

extension MersenneTwister {
  /// What the transformer of Caffe's next data layer draws from, where this generator is the one that a
  /// `random_seed` starts.
  ///
  /// Caffe draws a seed for the transformer each time it is set up, and a data layer does so twice: before
  /// and after it draws itself. The second seed is the one that counts (`base_data_layer.cpp` and
  /// `data_transformer.cpp`, `InitRand`). Layers draw in their order in the file.
  ///
  /// - Parameters:
  ///   - isNeeded: whether the transformer draws at all: to mirror, or to crop in training.
  ///   - draw: what the layer itself draws from this generator: its order, how many records to skip.
  /// - Complexity: O(s) for the generator's s = 624 words of state, and that of `draw`.
  public mutating func seedTransformer(
    isNeeded: Bool = true, settingUp draw: (inout MersenneTwister) -> Void = { _ in }
  ) -> MersenneTwister {
    if isNeeded { _ = next() as UInt32 }
    draw(&self)
    return MersenneTwister(seed: isNeeded ? next() as UInt32 : 0)
  }
}
