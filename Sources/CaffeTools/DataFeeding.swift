import CaffeFormats
import CaffeMessages
import Datasets
import Foundation
import Layers
import Networks
import Tensors
import Training
import WholeFiles

extension SolverFile.Net {
  /// The network in its phase, with shapes from its databases and lists, and what feeds it: a feeder for
  /// each data layer.
  ///
  /// Batches go on where the last one ended, behind the last record with the first.
  /// Source: Caffe's `data_layer.cpp` and `image_data_layer.cpp`.
  ///
  /// - Parameters:
  ///   - training: whether in the phase of training.
  ///   - folder: where paths lead that lead nowhere from here.
  ///   - seeds: Caffe's generator, from which each data layer draws in the order of the file. A filler
  ///     that draws between two of them makes Caffe's draws others: its generators are Boost's.
  ///   - plan: the blocks that a batch is cut into.
  ///   - rank: whose blocks the feeders make, one at a time.
  /// - Throws: `CaffeFileError` when nothing fills an input, a database or list can't be used, or a batch
  ///   can't be cut.
  func open(
    training: Bool, beside folder: URL, seeds: inout MersenneTwister, plan: BlockPlan = .whole,
    rank: Int = 0
  ) throws -> (CaffeNetwork, [InputFeeder]) {
    let phase = training ? Phase.training : .testing
    var opening = DataLayerOpening(folder: folder, phase: phase, dataset: dataset, seeds: seeds)
    let network = try prototxt.network(in: prototxt.state(solving: phase, state)) { source in
      // Called for each data layer in the order of the file.
      let layer = try opening.open(source)
      let datum = try layer.records.datum(layer.state.nextRecord)
      return [datum.channels, datum.height, datum.width]
    }
    seeds = opening.seeds
    try requireBlocks(plan.blocks, of: network)
    return (network, try feeders(of: network, opening.layers, plan, rank: rank))
  }

  /// Refuses to cut a batch where not each input can be: only records are read block by block.
  private func requireBlocks(_ blocks: Int, of network: CaffeNetwork) throws(CaffeFileError) {
    guard blocks > 1 else { return }
    for input in network.inputs {
      if case .filler = input.source {
        throw CaffeFileError(
          file: prototxt.file,
          problem: "can't be trained in \(blocks) blocks: blob \"\(input.name)\" is filled by a "
            + "DummyData layer, and only batches of records are cut (--blocks)")
      }
      let images = input.shape.images
      guard images % blocks == 0 else {
        throw CaffeFileError(
          file: prototxt.file,
          problem: "a batch of \(images) images can't be cut into \(blocks) blocks of as many "
            + "images each (--blocks)")
      }
    }
  }

  private func feeders(
    of network: CaffeNetwork, _ layers: [DataLayerOpening.Layer], _ plan: BlockPlan, rank: Int
  ) throws -> [InputFeeder] {
    var feeders: [InputFeeder] = []
    var left = layers[...]
    for (index, input) in network.inputs.enumerated() {
      switch input.source {
      case .database(_, let transform), .pictures(_, let transform):
        // The second top of a layer belongs to the feeder of the first.
        if index > 0, network.inputs[index - 1].layer == input.layer { continue }
        guard preparation == nil else {
          throw CaffeFileError(
            file: prototxt.file,
            problem: "has a data layer, whose transform_param says what is done to pictures: give "
              + "neither mean nor scale beside it")
        }
        guard let layer = left.popFirst() else { continue }
        let labels = network.inputs.dropFirst(index + 1).first.flatMap {
          $0.layer == input.layer ? $0.name : nil
        }
        do {
          let loader = try BatchLoader(
            layer.records, transformer: transform.transformer(beside: layer.folder),
            images: input.shape.images / plan.blocks, isTraining: input.phase == .training,
            state: layer.state
          ).taking(plan.blocks(of: rank), ofEach: plan.blocks)
          feeders.append(InputFeeder(loader, images: input.name, labels: labels))
        } catch {
          throw network.error("\(error)", input: input, field: "transform_param")
        }
      case .filler(let filler):
        // A seed for each; Caffe's own draws are Boost's.
        feeders.append(
          InputFeeder(filler, shape: input.shape, blob: input.name, seed: UInt64(index + 1)))
      case .caller:
        if dataset != nil, input.name == network.definition.data {
          feeders.append(try datasetFeeder(of: network, plan, rank: rank))
          continue
        }
        if dataset != nil, input.name == network.definition.label { continue }
        guard network.definition.layers.contains(where: { $0.bottoms.contains(input.name) })
        else { continue }
        throw CaffeFileError(
          file: prototxt.file,
          problem: "nothing fills blob \"\(input.name)\" when \(network.phase): "
            + "training needs a Data layer, a test that or a database beside the network")
      }
    }
    return feeders
  }

  /// Pictures and labels of a database beside the network, for one without a data layer.
  private func datasetFeeder(
    of network: CaffeNetwork, _ plan: BlockPlan, rank: Int
  ) throws -> InputFeeder {
    let definition = network.definition
    let records = try DatumDatabase(
      dataset ?? "", colours: definition.imageShape.first == 1 ? .gray : .asStored)
    let loader = try BatchLoader(
      records,
      transformer: (preparation ?? .init()).transformer(for: definition, file: prototxt.file),
      images: network.batch / plan.blocks, isTraining: network.phase == .training,
      state: LoaderState(seed: 0)
    ).taking(plan.blocks(of: rank), ofEach: plan.blocks)
    return InputFeeder(loader, images: definition.data, labels: definition.label)
  }
}

extension CaffeNetwork {
  /// The definition for one of the blocks that a batch is cut into, whose number divides that of the
  /// images in each input.
  func definition(blocks: Int) -> NetworkDefinition {
    var definition = definition
    let fed = Set(inputs.map(\.name))
    for index in definition.otherInputs.indices
    where fed.contains(definition.otherInputs[index].name)
      && !definition.otherInputs[index].dimensions.isEmpty
    {
      definition.otherInputs[index].dimensions[0] /= blocks
    }
    return definition
  }
}

/// Opens the data layers of a network one after another, with Caffe's draws.
private struct DataLayerOpening {
  /// What a data layer reads, and where it begins.
  struct Layer {
    var records: any RecordSource
    var state: LoaderState
    /// Where paths lead that lead nowhere from here.
    var folder: URL
  }

  let folder: URL
  let phase: Phase
  /// The database to read in place of the first one that the network names.
  let dataset: String?
  var seeds: MersenneTwister
  private(set) var layers: [Layer] = []

  init(folder: URL, phase: Phase, dataset: String?, seeds: MersenneTwister) {
    (self.folder, self.phase, self.dataset, self.seeds) = (folder, phase, dataset, seeds)
  }

  mutating func open(_ source: CaffeInput.Source) throws -> Layer {
    var layer: Layer
    switch source {
    case .database(let data, let transform):
      let path = layers.isEmpty ? dataset : nil
      layer = Layer(
        records: try DatumDatabase(
          path ?? located(data.source, beside: folder).relativePath,
          colours: transform.forceColor ? .colour : transform.forceGray ? .gray : .asStored),
        state: LoaderState(nextRecord: 0, random: transformer(transform)), folder: folder)
    case .pictures(let data, let transform):
      guard dataset == nil else {
        throw DatasetError(
          "--dataset can take the place of a Data layer only, not of an ImageData layer")
      }
      // Caffe draws the order first, then how many pictures to skip.
      var (order, skipped): (MersenneTwister?, Int) = (nil, 0)
      let random = transformer(transform) { seeds in
        if data.shuffle { order = MersenneTwister(seed: seeds.next()) }
        if data.randSkip > 0 { skipped = Int(seeds.next() % data.randSkip) }
      }
      let list = located(data.source, beside: folder)
      let pictures = try ListedPictures(
        list, folder: root(of: data, list: list),
        size: data.newHeight > 0 ? (Int(data.newHeight), Int(data.newWidth)) : nil,
        isGray: !data.isColor, shuffledBy: order)
      guard skipped < pictures.count ?? 0 else {
        throw DatasetError(
          "\(list.relativePath): rand_skip would skip \(skipped) of \(pictures.count ?? 0) pictures"
        )
      }
      layer = Layer(
        records: pictures, state: LoaderState(nextRecord: skipped, random: random), folder: folder)
    case .caller, .filler:
      throw DatasetError("the layer reads no records")
    }
    layers.append(layer)
    return layer
  }

  private mutating func transformer(
    _ transform: Caffe_TransformationParameter,
    settingUp draw: (inout MersenneTwister) -> Void = { _ in }
  ) -> MersenneTwister {
    seeds.seedTransformer(
      isNeeded: transform.mirror || (phase == .training && transform.cropSize > 0), settingUp: draw)
  }

  /// What stands in front of the paths of a list: `root_folder`, from here or beside the network. Without
  /// it, paths lead from here, as in Caffe; where the first one leads nowhere, from the network's folder.
  private func root(of data: Caffe_ImageDataParameter, list: URL) throws -> String {
    guard data.rootFolder.isEmpty else {
      let root = located(data.rootFolder, beside: folder).relativePath
      return data.rootFolder.hasSuffix("/") && !root.hasSuffix("/") ? root + "/" : root
    }
    let first = try ImageList(contentsOf: list).entries.first?.path ?? ""
    let beside = folder.appending(path: first)
    return first.hasPrefix("/") || FileManager.default.fileExists(atPath: first)
      || !FileManager.default.fileExists(atPath: beside.path) ? "" : folder.relativePath + "/"
  }
}

extension Caffe_TransformationParameter {
  fileprivate func transformer(beside folder: URL) throws -> DataTransformer {
    let mean: DataTransformer.Mean =
      hasMeanFile
      ? .image(try MeanImage.read(located(meanFile, beside: folder), as: Float.self))
      : meanValue.isEmpty ? .none : .perChannel(meanValue)
    return DataTransformer(
      cropSize: cropSize > 0 ? Int(cropSize) : nil, mean: mean, scale: scale, mirror: mirror)
  }
}

extension NetworkTest.Preparation {
  /// What cuts the middle out of a picture, as large as the network's images.
  fileprivate func transformer(
    for network: NetworkDefinition, file: String
  ) throws -> DataTransformer {
    let image = network.imageShape
    guard image.count == 3, image[1] == image[2] else {
      throw CaffeFileError(
        file: file,
        problem: "takes \(image.map(String.init).joined(separator: "×")) numbers an image; a "
          + "database needs a network for square pictures")
    }
    return DataTransformer(
      cropSize: image[1],
      mean: try mean.content(channels: image[0]),
      scale: scale)
  }
}

/// A path as Caffe takes it, from the folder in which the program was started; where nothing is
/// there, from the folder of the file that names it.
func located(_ path: String, beside folder: URL) -> URL {
  let url = URL(fileNamed: path)
  guard !path.hasPrefix("/"), !FileManager.default.fileExists(atPath: path) else { return url }
  let beside = folder.appending(path: path)
  return FileManager.default.fileExists(atPath: beside.path) ? beside : url
}
