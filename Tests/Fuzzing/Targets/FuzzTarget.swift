/// What can be fed with bytes of any kind, and has to live up to what `SECURITY.md` promises.
package enum FuzzTarget: String, CaseIterable, Sendable {
  case prototxt, caffemodel, solverstate, binaryproto, datum
  case npy, npz, snapshot, safetensors, pth, onnx
  case png, jpeg
  case layers

  /// Takes the bytes for a file, or for layers with all that they are run on.
  ///
  /// It returns when they were read or refused as promised. Traps, wrong use of memory, and too much
  /// of it or of time are for the caller to notice.
  ///
  /// - Throws: `FuzzFinding` for a result or an error that is not as promised.
  package func run(_ bytes: [UInt8]) throws {
    switch self {
    case .prototxt: try readPrototxt(bytes)
    case .caffemodel: try readCaffeModel(bytes)
    case .solverstate: try readSolverState(bytes)
    case .binaryproto: try readMeanImage(bytes)
    case .datum: try readDatum(bytes)
    case .npy: try readNumPyArray(bytes)
    case .npz: try withChecksumsRepaired(bytes, repairZip, readNumPyArchive)
    case .snapshot: try withChecksumsRepaired(bytes, repairZip, readSnapshot)
    case .safetensors: try readSafeTensors(bytes)
    case .pth: try withChecksumsRepaired(bytes, repairZip, readPyTorchFile)
    case .onnx: try readONNXModel(bytes)
    case .png: try withChecksumsRepaired(bytes, repairPNG, readPicture)
    case .jpeg: try readPicture(bytes)
    case .layers: try compareLayers(bytes)
    }
  }
}

/// A broken promise.
struct FuzzFinding: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// Throws a finding unless a promise is kept.
func promise(_ isKept: Bool, _ finding: @autoclosure () -> String) throws {
  if !isKept { throw FuzzFinding(finding()) }
}

/// What the files are called whose content is made up.
let inputName = "input"

/// What is read from a file, or nil if the file was refused by an error that names it.
func accepted<Value, Failure: Error>(
  _ read: () throws(Failure) -> Value
) throws -> Value? {
  do {
    return try read()
  } catch {
    let text = "\(error)"
    try promise(
      text.hasPrefix(inputName) && text.count > inputName.count + 2,
      "an error that doesn't name the file: \(type(of: error)): \(text)")
    return nil
  }
}

/// Runs a target on bytes as they are, and once more with their checksums put right: otherwise few
/// changes would get past those.
private func withChecksumsRepaired(
  _ bytes: [UInt8], _ repair: ([UInt8]) -> [UInt8], _ run: ([UInt8]) throws -> Void
) throws {
  try run(bytes)
  let repaired = repair(bytes)
  if repaired != bytes { try run(repaired) }
}
