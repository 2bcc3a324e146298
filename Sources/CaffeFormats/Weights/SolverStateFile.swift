import CaffeMessages
import Networks
import Tensors
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Where training stands: a `.solverstate`.
///
/// It holds what momentum remembers of each parameter, and the name of the `.caffemodel` that was
/// written with it. It holds neither the position in the data nor that of the random numbers.
public struct SolverStateFile<Scalar: Tensors.Scalar>: Sendable {
  /// How many steps have been taken.
  public var iteration: Int
  /// The `.caffemodel` beside it, as written: relative to the folder in which Caffe was started.
  public var learnedNet: String
  /// How often a multistep policy has lowered the rate.
  public var currentStep: Int
  /// What momentum remembers of each parameter, in the network's order.
  public var history: [Tensor<Scalar>]

  /// A state to be written.
  public init(
    iteration: Int, learnedNet: String, currentStep: Int = 0, history: [Tensor<Scalar>]
  ) {
    self.iteration = iteration
    self.learnedNet = learnedNet
    self.currentStep = currentStep
    self.history = history
  }

  /// Reads a file.
  ///
  /// - Throws: `CaffeFileError` for a damaged file, a negative iteration, or a history whose shapes
  ///   its values don't fill.
  /// - Complexity: O(length) of the file.
  public init(contentsOf url: URL) throws(CaffeFileError) {
    try self.init(
      BinaryMessage.read(Caffe_SolverState.self, from: url), file: url.relativePath)
  }

  /// Reads the content of a file.
  ///
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: O(length).
  public init(decoding bytes: [UInt8], file: String = "solverstate") throws(CaffeFileError) {
    try self.init(BinaryMessage.decode(Caffe_SolverState.self, bytes, file: file), file: file)
  }

  private init(_ message: Caffe_SolverState, file: String) throws(CaffeFileError) {
    guard message.iter >= 0, message.currentStep >= 0 else {
      throw CaffeFileError(
        file: file,
        problem: "iteration \(message.iter) and step \(message.currentStep) must not be negative")
    }
    iteration = Int(message.iter)
    learnedNet = message.learnedNet
    currentStep = Int(message.currentStep)
    history = []
    for (number, blob) in message.history.enumerated() {
      history.append(try blob.tensor(named: "history \(number)", file: file))
    }
  }

  /// The history by layer, for a network whose parameters have the given shapes.
  ///
  /// - Parameters:
  ///   - shapes: those of each layer's parameters.
  ///   - file: what error messages call the state.
  /// - Throws: `CaffeFileError` naming the first history that doesn't fit.
  /// - Complexity: O(tensors): the numbers are shared, not copied.
  public func history(
    for shapes: [[Shape]], file: String = "solverstate"
  ) throws(CaffeFileError) -> [[Tensor<Scalar>]] {
    let count = shapes.joined().count
    guard history.count == count else {
      throw CaffeFileError(
        file: file,
        problem: "has the history of \(history.count) parameters; the network has \(count)")
    }
    var rest = history[...]
    var layers: [[Tensor<Scalar>]] = []
    for layer in shapes {
      var tensors: [Tensor<Scalar>] = []
      for shape in layer {
        let number = rest.startIndex
        guard let tensor = rest.popFirst(), tensor.shape == shape else {
          throw CaffeFileError(
            file: file,
            problem: "history \(number) has shape \(history[number].shape) in the file "
              + "but \(shape) in the network")
        }
        tensors.append(tensor)
      }
      layers.append(tensors)
    }
    return layers
  }

  /// Writes the file. It appears whole or not at all.
  ///
  /// - Throws: `CaffeFileError` when the file can't be written.
  /// - Complexity: O(length) of the file, with as much memory.
  public func write(to url: URL) throws(CaffeFileError) {
    var message = Caffe_SolverState()
    message.iter = Int32(clamping: iteration)
    message.learnedNet = learnedNet
    message.history = history.map { Caffe_BlobProto($0) }
    message.currentStep = Int32(clamping: currentStep)
    try BinaryMessage.write(message, to: url)
  }
}

/// The two files that training leaves behind, named as Caffe names them.
///
/// ```swift
/// let files = try CaffeSnapshot.write(
///   prefix: "runs/mini", iteration: solver.iteration, network: solver.network,
///   history: solver.momentumBuffers)
/// ```
public enum CaffeSnapshot {
  /// `<prefix>_iter_<iteration>.caffemodel` and `.solverstate`.
  ///
  /// - Complexity: O(length) of the prefix.
  public static func files(prefix: String, iteration: Int) -> (model: URL, state: URL) {
    let name = "\(prefix)_iter_\(iteration)"
    return (URL(fileNamed: name + ".caffemodel"), URL(fileNamed: name + ".solverstate"))
  }

  /// Writes both files. Each appears whole or not at all, the state last: where there is a state,
  /// there is its model.
  ///
  /// - Parameters:
  ///   - prefix: Caffe's `snapshot_prefix`.
  ///   - iteration: how many steps have been taken.
  ///   - network: whose parameters to write.
  ///   - history: what momentum remembers, by layer as the parameters are.
  ///   - currentStep: how often a multistep policy has lowered the rate.
  ///   - description: the network's layers as Caffe has them; without it they are made of the
  ///     network's definition.
  /// - Returns: the files.
  /// - Throws: `CaffeFileError` when one can't be written.
  /// - Complexity: O(parameters), with memory for one file of 4 bytes for each at a time; 8 for
  ///   each in `Double`.
  @discardableResult
  public static func write<Scalar>(
    prefix: String, iteration: Int, network: Network<Scalar>, history: [[Tensor<Scalar>]],
    currentStep: Int = 0, description: Caffe_NetParameter? = nil
  ) throws(CaffeFileError) -> (model: URL, state: URL) {
    let files = files(prefix: prefix, iteration: iteration)
    try CaffeModel(of: network, description: description).write(to: files.model)
    let state = SolverStateFile(
      iteration: iteration, learnedNet: files.model.relativePath, currentStep: currentStep,
      history: Array(history.joined()))
    try state.write(to: files.state)
    return files
  }
}
