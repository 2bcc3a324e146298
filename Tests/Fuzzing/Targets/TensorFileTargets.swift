import Networks
import NumPyFiles
import ONNXFiles
import TensorFiles

/// Reads a file of tensors, and writes it again.
func readSafeTensors(_ bytes: [UInt8]) throws {
  guard
    let file = try accepted({ () throws(TensorFileError) in
      try SafeTensors(decoding: bytes, name: inputName)
    })
  else { return }
  try use(file.tensors, ofFileOf: bytes.count)
  let again = try SafeTensors(decoding: file.encoded())
  try promise(again.metadata == file.metadata, "other metadata after writing and reading")
  for name in file.tensors.names {
    // Numbers of 16 bits were widened when they were read, and stay so.
    try promise(again.tensors[name] == file.tensors[name], "another tensor \(name) after writing")
  }
}

/// Reads a state dict of PyTorch.
func readPyTorchFile(_ bytes: [UInt8]) throws {
  guard
    let file = try accepted({ () throws(TensorFileError) in
      try PyTorchFile(decoding: bytes, name: inputName)
    })
  else { return }
  try use(file.tensors, ofFileOf: bytes.count)
}

/// Reads a model, its weights, and its graph.
func readONNXModel(_ bytes: [UInt8]) throws {
  guard
    let model = try accepted({ () throws(TensorFileError) in
      try ONNXModel(decoding: bytes, name: inputName)
    })
  else { return }
  if let tensors = try accepted({ () throws(TensorFileError) in try model.tensors() }) {
    try use(tensors, ofFileOf: bytes.count)
  }
  guard
    let graph = try accepted({ () throws(TensorFileError) in try ONNXNetwork(model) })
  else { return }
  let plan: NetworkPlan
  do {
    plan = try NetworkPlan(graph.definition, batch: graph.batch)
  } catch {
    throw FuzzFinding("a graph that is no network: \(error)")
  }
  for (layer, arrays) in zip(plan.layers, graph.parameters) {
    try promise(
      layer.parameters.map(\.shape) == arrays.map(\.shape), "\(layer.name) has other parameters")
  }
  try promise(
    graph.outputs.allSatisfy { plan.position(ofBlob: $0) != nil }, "an output that nothing makes")
}

private func use(_ tensors: NumPyArchive, ofFileOf length: Int) throws {
  var size = 0
  for name in tensors.names {
    guard let array = tensors[name] else { throw FuzzFinding("no tensor of the name \(name)") }
    try promise(
      array.tensor(as: Float.self).elements.count == array.shape.count,
      "numbers that don't fill the shape")
    size += array.shape.count
  }
  // What SECURITY.md promises: 1032 times the length where it is deflated, views four times that.
  try promise(size <= (1 << 22) + 4 * 1032 * length, "\(size) numbers of \(length) bytes")
}
