import NumPyFiles
import Training

/// Reads an array, and writes it again.
func readNumPyArray(_ bytes: [UInt8]) throws {
  if let array = try accepted({ () throws(NumPyError) in
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
    let archive = try accepted({ () throws(NumPyError) in
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

/// Reads a snapshot of a training run and hands it to a network.
func readSnapshot(_ bytes: [UInt8]) throws {
  guard
    let snapshot = try accepted({ () throws(SnapshotError) in
      try Snapshot(decoding: bytes, file: inputName)
    })
  else { return }
  try promise(snapshot.iteration >= 0, "iteration \(snapshot.iteration)")
  let network = try smallNetwork()
  // These errors name layer and parameter: the caller knows the file.
  _ = try? snapshot.momentumBuffers(for: network)
  _ = try? snapshot.restore(network)
  _ = network.context.random.next()
}
