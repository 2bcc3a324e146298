import CaffeMessages
import Layers
import Networks
import Tensors

/// A network of a `.prototxt` in one phase, ready to be run: definition, batch, and what feeds it.
public struct CaffeNetwork: Sendable {
  /// What the network is.
  public let definition: NetworkDefinition
  /// The number of images in a batch.
  public let batch: Int
  /// Training or testing.
  public let phase: Phase
  /// The blobs that come from outside, in the order of the file.
  public let inputs: [CaffeInput]
  /// The layers as they were written, those of other phases left out. The first one is number 0
  /// wherever layers are numbered.
  public let message: Caffe_NetParameter
  /// For each layer of the definition, its number in the message.
  public let numbers: [Int]
  /// What it was made of, and which layers of that are those of the message.
  let origin: (net: NetPrototxt, indices: [Int])

  /// What feeds the blob of images.
  ///
  /// - Complexity: O(inputs).
  public var images: CaffeInput? { inputs.first { $0.name == definition.data } }
  /// What feeds the blob of labels, if the network has one.
  ///
  /// - Complexity: O(inputs).
  public var labels: CaffeInput? { inputs.first { $0.name == definition.label } }

  /// An error of a layer, with the place of the layer in the file.
  ///
  /// - Complexity: O(layers).
  public func located(_ error: LayerError) -> CaffeFileError {
    guard let position = definition.layers.firstIndex(where: { $0.name == error.layer }) else {
      return CaffeFileError(file: origin.net.file, problem: error.description)
    }
    return origin.net.error(
      "\(error.value) \(error.rule)", layer: origin.indices[numbers[position]], field: error.field)
  }

  /// An error about what feeds a blob, with the place of its layer in the file, or of a field there.
  ///
  /// - Complexity: O(fields) of the layer.
  public func error(_ problem: String, input: CaffeInput, field: String) -> CaffeFileError {
    origin.net.error(problem, layer: origin.indices[input.layer], field: field)
  }

  /// Makes or runs the network; errors of its layers get their places in the file.
  ///
  /// ```swift
  /// let network = try caffe.locatingErrors { () throws(LayerError) in
  ///   try Network(caffe.definition, backend: backend, batch: caffe.batch)
  /// }
  /// ```
  ///
  /// - Throws: `CaffeFileError` naming file, line, column and layer.
  /// - Complexity: That of `body`.
  public func locatingErrors<Result>(
    _ body: () throws(LayerError) -> Result
  ) throws(CaffeFileError) -> Result {
    do {
      return try body()
    } catch {
      throw located(error)
    }
  }
}

extension LayerError {
  /// The field that holds the value at fault, as far as the value begins with its name.
  var field: String { String(value.prefix { $0.isLetter || $0 == "_" }) }
}

/// A blob that comes from outside.
public struct CaffeInput: Sendable {
  /// What fills a blob.
  public enum Source: Sendable {
    /// Whoever runs the network: an `Input` layer.
    case caller
    /// A distribution: a `DummyData` layer.
    case filler(Filler)
    /// A database of pictures and labels: a `Data` layer, and what is done to its pictures.
    case database(Caffe_DataParameter, Caffe_TransformationParameter)
    /// A list of pictures with their labels: an `ImageData` layer, and what is done to its pictures.
    case pictures(Caffe_ImageDataParameter, Caffe_TransformationParameter)
  }

  /// The blob's name.
  public let name: String
  /// Its shape, that of the batch included.
  public let shape: Shape
  /// What fills it.
  public let source: Source
  /// The number of its layer in the network's message.
  public let layer: Int
  /// The phase in which its layer works: that of the network, unless the layer says another one.
  public let phase: Phase
}

extension NetPrototxt {
  /// The extents of the records of a `Data` or `ImageData` layer before they are cropped: channels, rows,
  /// columns.
  public typealias RecordExtents = (CaffeInput.Source) throws -> [Int]

  /// The network in one phase.
  ///
  /// - Parameters:
  ///   - phase: training or testing; with `level` and `stages` it decides which layers belong.
  ///   - level: Caffe's `NetState.level`.
  ///   - stages: Caffe's `NetState.stage`, beside those of the file's own `state`.
  ///   - recordExtents: looks into a database or a list. Without it, a `Data` layer has to crop, and its
  ///     records are taken to have 3 channels, or 1 with `force_gray`.
  ///   - fedExtents: the extents of one image in blobs that somebody fills in place of a `Data` or
  ///     `ImageData` layer; under "", those for the first such layer.
  /// - Throws: `CaffeFileError` naming the layer and its line for layers that this project doesn't
  ///   have, blobs that nobody or several layers write, shapes that don't fit, and databases of which
  ///   `recordExtents` throws, with what it says.
  /// - Complexity: O(layers·connections), and what `recordExtents` takes. No tensor is made.
  public func network(
    phase: Phase, level: Int = 0, stages: [String] = [], recordExtents: RecordExtents? = nil,
    fedExtents: [String: [Int]] = [:]
  ) throws(CaffeFileError) -> CaffeNetwork {
    var state = message.state
    state.phase = Caffe_Phase(phase)
    state.level = Int32(clamping: level)
    state.stage += stages
    return try network(in: state, recordExtents: recordExtents, fedExtents: fedExtents)
  }

  /// The network in circumstances that say all, the phase included.
  ///
  /// - Throws: as `network(phase:level:stages:recordExtents:fedExtents:)`.
  /// - Complexity: as that.
  public func network(
    in state: Caffe_NetState, recordExtents: RecordExtents? = nil,
    fedExtents: [String: [Int]] = [:]
  ) throws(CaffeFileError) -> CaffeNetwork {
    var reader = NetworkReader(net: self, state: state, recordExtents: recordExtents)
    reader.fedExtents = fedExtents
    return try reader.read()
  }

  /// The circumstances in which a solver builds the network: its phase, unless the file's own `state` or
  /// the solver's says another one, and level and stages of both (Caffe's `solver.cpp`).
  ///
  /// - Parameters:
  ///   - phase: training, or testing for a test net.
  ///   - state: the solver's `train_state` or `test_state`.
  /// - Complexity: O(stages).
  public func state(solving phase: Phase, _ state: Caffe_NetState) -> Caffe_NetState {
    let own = message.state
    var merged = Caffe_NetState()
    merged.phase = state.hasPhase ? state.phase : own.hasPhase ? own.phase : Caffe_Phase(phase)
    merged.level = state.hasLevel ? state.level : own.level
    merged.stage = own.stage + state.stage
    return merged
  }
}
