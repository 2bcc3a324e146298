import CaffeMessages
import Networks
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The two files that training leaves behind, named as Caffe names them.
///
/// ```swift
/// let files = try CaffeSnapshot.write(
///   prefix: "runs/mini", iteration: solver.iteration, network: solver.network,
///   history: solver.history)
/// ```
public enum CaffeSnapshot {
  /// `<prefix>_iter_<iteration>.caffemodel` and `.solverstate`.
  ///
  /// - Complexity: O(length) of the prefix.
  public static func files(prefix: String, iteration: Int) -> (model: URL, state: URL) {
    let name = "\(prefix)_iter_\(iteration)"
    return (URL(filePath: name + ".caffemodel"), URL(filePath: name + ".solverstate"))
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
