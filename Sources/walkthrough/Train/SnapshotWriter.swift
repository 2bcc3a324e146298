import CaffeFormats
import Foundation
import Training

/// Writes snapshots of a run: `snapshot_iter_<N>.npz`, from which it is resumed, and beside it
/// Caffe's `snapshot_iter_<N>.caffemodel` and `.solverstate`.
struct SnapshotWriter {
  let folder: SnapshotFolder

  /// Writes a snapshot of a run as it stands.
  ///
  /// What it is resumed from comes first. A process that is killed behind it has lost nothing:
  /// `complete` makes Caffe's files of it.
  ///
  /// - Returns: the file to resume from.
  /// - Throws: `Divergence` when a parameter is no finite number; `SnapshotError` or
  ///   `CaffeFileError` when a file can't be written. Each file appears whole or not at all.
  func write(_ session: TrainSession) throws -> URL {
    let file = folder.file(iteration: session.run.solver.iteration)
    try session.run.snapshot(settings: session.settings.encoded()).write(to: file)
    try writeCaffeFiles(session)
    return file
  }

  /// Writes Caffe's files beside the snapshot that a run was resumed from, where they are missing.
  ///
  /// - Throws: `CaffeFileError` when one can't be written.
  func complete(_ session: TrainSession) throws {
    let iteration = session.run.solver.iteration
    let caffe = CaffeSnapshot.files(prefix: folder.caffePrefix, iteration: iteration)
    func isThere(_ file: URL) -> Bool { FileManager.default.fileExists(atPath: file.path) }
    // The state is written last: where it is, its model is too.
    guard isThere(folder.file(iteration: iteration)), !isThere(caffe.state) else { return }
    try writeCaffeFiles(session)
  }

  private func writeCaffeFiles(_ session: TrainSession) throws {
    let solver = session.run.solver
    try CaffeSnapshot.write(
      prefix: folder.caffePrefix, iteration: solver.iteration, network: solver.network,
      history: solver.history, currentStep: solver.stepCount)
  }
}
