import CaffeFormats
import CaffeMessages
import Datasets
import Foundation
import Networks
import Tensors
import Training

/// What feeds a network of a `.prototxt` while it is trained or tested: Caffe's Data layer.
///
/// Batches go on where the last one ended, behind the last record with the first.
/// Source: Caffe's `data_layer.cpp`.
final class DataLayer {
  private let prefetcher: Prefetcher

  /// The layer of a network.
  ///
  /// - Parameters:
  ///   - network: whose images and labels to load.
  ///   - folder: where paths lead that lead nowhere from here.
  ///   - seed: the `random_seed` that the placements of pictures are drawn from.
  /// - Throws: `CaffeFileError` when images come from elsewhere, or the database can't be used.
  init(of network: CaffeNetwork, file: String, beside folder: URL, seed: UInt32) throws {
    guard let images = network.images, case .database(let data, let transform) = images.source
    else {
      throw CaffeFileError(
        file: file,
        problem: "nothing fills blob \"\(network.definition.data)\" when \(network.phase): "
          + "a network that is trained needs a Data layer")
    }
    do {
      let loader = try BatchLoader(
        Self.database(data, transform, beside: folder),
        transformer: try Self.transformer(transform, beside: folder),
        images: network.batch, isTraining: network.phase == .training,
        state: LoaderState(
          nextRecord: 0, random: MersenneTwister(dataLayerSeed: seed)))
      prefetcher = Prefetcher(loader)
    } catch let error as DatasetError {
      throw network.error(error.description, input: images, field: "transform_param")
    }
  }

  /// Gives a network its next batch.
  func load(into network: Network<Float>) throws {
    try prefetcher.loadNext(into: network)
  }

  /// The database that a Data layer names.
  static func database(
    _ data: Caffe_DataParameter, _ transform: Caffe_TransformationParameter, beside folder: URL
  ) throws -> DatumDatabase {
    try DatumDatabase(
      located(data.source, beside: folder).relativePath,
      colours: transform.forceColor ? .colour : transform.forceGray ? .gray : .asStored)
  }

  private static func transformer(
    _ transform: Caffe_TransformationParameter, beside folder: URL
  ) throws -> DataTransformer {
    let mean: DataTransformer.Mean =
      transform.hasMeanFile
      ? .image(
        try MeanImage.read(located(transform.meanFile, beside: folder), as: Float.self))
      : transform.meanValue.isEmpty ? .none : .perChannel(transform.meanValue)
    return DataTransformer(
      cropSize: transform.cropSize > 0 ? Int(transform.cropSize) : nil, mean: mean,
      scale: transform.scale, mirror: transform.mirror)
  }
}

extension SolverFile.Net {
  /// The network in its phase, with shapes from the databases, and what feeds it.
  func open(training: Bool, beside folder: URL, seed: UInt32) throws -> (CaffeNetwork, DataLayer) {
    let own = prototxt.message.state
    // Caffe merges the states: what the solver says of level and stages, where it says anything.
    let network = try prototxt.network(
      phase: training ? .training : .testing,
      level: Int(state.hasLevel ? state.level : own.level), stages: own.stage + state.stage
    ) { data, transform in
      let datum = try DataLayer.database(data, transform, beside: folder).datum(0)
      return [datum.channels, datum.height, datum.width]
    }
    return (
      network, try DataLayer(of: network, file: prototxt.file, beside: folder, seed: seed)
    )
  }
}
