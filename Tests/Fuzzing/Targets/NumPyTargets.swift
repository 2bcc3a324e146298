import Datasets
import NumPyFiles
import Reference
import Tensors
import Training
import WholeFiles

/// Reads an array, and writes it again.
func readNumPyArray(_ bytes: [UInt8]) throws {
  if let array = try accepted({ () throws(FileError) in
    try NumPyArray(decoding: bytes, name: inputName)
  }) {
    try use(array)
  }
}

private func use(_ array: NumPyArray) throws {
  let numbers = array.tensor(as: Float.self)
  try promise(numbers.elements.count == array.shape.count, "numbers that don't fill the shape")
  let integers = Result { () throws(NumPyValueError) in try array.integers() }
  switch integers {
  case .success(let integers):
    try promise(integers.count == array.shape.count, "integers that don't fill the shape")
  case .failure(let error):
    try promise(error.position < array.shape.count, "an error beyond the array: \(error)")
  }
  // The bytes may differ: there are other orders, versions and spellings of the header.
  guard let written = try? array.encoded() else { return }
  let again = try NumPyArray(decoding: written)
  try promise(again == array, "another array after writing and reading")
}

/// Reads an archive with all its arrays, and writes it again.
func readNumPyArchive(_ bytes: [UInt8]) throws {
  guard
    let archive = try accepted({ () throws(FileError) in
      try NumPyArchive(decoding: bytes, name: inputName)
    })
  else { return }
  for name in archive.names {
    guard let array = archive[name] else { throw FuzzFinding("no array of the name \(name)") }
    try use(array)
  }
  guard let written = try? archive.encoded() else { return }
  let again = try NumPyArchive(decoding: written)
  try promise(again == archive, "another archive after writing and reading")
}

/// Reads a snapshot of a training run, resumes the run from it, takes a step, and writes the next one.
func readSnapshot(_ bytes: [UInt8]) throws {
  guard
    let snapshot = try accepted({ () throws(SnapshotError) in
      try Snapshot(decoding: bytes, file: inputName)
    })
  else { return }
  try promise(snapshot.iteration >= 0, "iteration \(snapshot.iteration)")
  let run = try smallRun(from: snapshot.loader)
  // These errors name layer and parameter: the caller knows the file.
  guard (try? run.resume(snapshot)) != nil else { return }
  try promise(run.solver.iteration == snapshot.iteration, "resumed at \(run.solver.iteration)")
  // A divergence is an answer.
  guard (try? run.step()) != nil, let next = try? run.snapshot() else { return }
  try promise(next.iteration == snapshot.iteration + 1, "after a step, iteration \(next.iteration)")
}

/// A run of the small network, whose loader stands where a snapshot says.
func smallRun(from state: LoaderState) throws -> TrainingRun<Float> {
  let network = try smallNetwork(hasLoss: true)
  let solver = try Solver(
    SolverSpecification(baseLearningRate: 0.1, momentum: 0.9), network: network,
    backend: ReferenceBackend<Float>())
  let loader = try BatchLoader(
    NinePixels(), transformer: DataTransformer(), images: 1, isTraining: true, state: state)
  return TrainingRun(solver, loader: loader, depth: 0)
}

/// Records of 1×3×3 pixels.
private struct NinePixels: RecordSource {
  func datum(_ index: Int) throws(DatasetError) -> Datum {
    try Datum(
      channels: 1, height: 3, width: 3,
      values: .bytes((0..<9).map { UInt8(truncatingIfNeeded: index &+ $0) }), label: index & 1)
  }

  var count: Int? { nil }
  var classNames: [String] { [] }
}
