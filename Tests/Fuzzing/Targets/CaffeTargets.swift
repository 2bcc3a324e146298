import CaffeFormats
import CaffeMessages
import Datasets
import Layers
import Networks
import Reference
import SwiftProtobuf

/// Reads a text as a network and as a solver, in both phases, and prints what it says.
func readPrototxt(_ bytes: [UInt8]) throws {
  if let text = try accepted({ () throws(CaffeFileError) in
    try Prototxt<Caffe_NetParameter>(decoding: bytes, file: inputName)
  }) {
    try expectSameWhenPrinted(text.message)
    if let net = try accepted({ () throws(CaffeFileError) in try NetPrototxt(text) }) {
      try use(net)
    }
  }
  if let solver = try accepted({ () throws(CaffeFileError) in
    try Prototxt<Caffe_SolverParameter>(decoding: bytes, file: inputName)
  }) {
    try expectSameWhenPrinted(solver.message)
    if let net = try accepted({ () throws(CaffeFileError) in
      try NetPrototxt(solver.message.netParam, file: inputName)
    }) {
      try use(net)
    }
  }
}

/// Looks at a network as the commands do before they run it.
private func use(_ net: NetPrototxt) throws {
  _ = net.lint()
  for phase in Phase.allCases {
    guard let network = try accepted({ try net.network(phase: phase) }) else { continue }
    if let plan = try? NetworkPlan(network.definition, batch: network.batch) {
      try runOnce(network, plan)
    }
    _ = network.definition.netParameter(batch: network.batch, phase: phase)
  }
}

/// Runs a network forwards and backwards, if it is so small that this takes a moment.
private func runOnce(_ network: CaffeNetwork, _ plan: NetworkPlan) throws {
  let size = plan.outputCount + plan.input.count + plan.parameterCount
  guard size <= 1 << 14, plan.multiplyAccumulates <= 1 << 18,
    let run = try? Network(
      network.definition, backend: ReferenceBackend<Float>(), batch: network.batch)
  else { return }
  // What refuses its input or its labels says so.
  guard (try? run.forward()) != nil else { return }
  run.backward()
}

/// What is printed has to be readable, and to say the same. Messages are compared by what is printed
/// of them, as NaN is not equal to itself.
private func expectSameWhenPrinted<Content: Message>(_ message: Content) throws {
  let printed = try message.prototxt()
  let again = try Prototxt<Content>(parsing: printed, file: inputName).message.prototxt()
  try promise(again == printed, "printed as\n\(printed)\nand then as\n\(again)")
}

/// Reads a model, copies it into a network, and prints it.
func readCaffeModel(_ bytes: [UInt8]) throws {
  guard
    let model = try accepted({ () throws(CaffeFileError) in
      try CaffeModel(decoding: bytes, file: inputName)
    })
  else { return }
  _ = try model.message.prototxt()
  if let net = try accepted({ () throws(CaffeFileError) in
    try NetPrototxt(model.message, file: inputName)
  }) {
    try use(net)
  }
  let run = try smallRun(from: LoaderState(seed: 1))
  if try accepted({ () throws(CaffeFileError) in try model.copy(into: run.network) }) != nil {
    // A divergence is an answer.
    _ = try? run.step()
  }
}

/// Reads a solver's state and hands it to a network.
func readSolverState(_ bytes: [UInt8]) throws {
  guard
    let state = try accepted({ () throws(CaffeFileError) in
      try SolverStateFile<Float>(decoding: bytes, file: inputName)
    })
  else { return }
  let run = try smallRun(from: LoaderState(seed: 1))
  let history = try accepted { () throws(CaffeFileError) in
    try state.history(
      for: run.network.parameters.map { $0.map(\.shape) }, file: inputName)
  }
  guard let history else { return }
  try run.solver.resume(iteration: state.iteration, states: history.map { $0.map { [$0] } })
  // A divergence is an answer.
  _ = try? run.step()
}

/// Reads a mean image.
func readMeanImage(_ bytes: [UInt8]) throws {
  if let mean = try accepted({ () throws(CaffeFileError) in
    try MeanImage.decode(bytes, file: inputName, as: Float.self)
  }) {
    try promise(mean.shape.rank == 3, "a mean image of shape \(mean.shape)")
  }
}

/// Reads a database's record with each way of decoding colours. The caller names record and file, so
/// the errors don't.
func readDatum(_ bytes: [UInt8]) throws {
  for colours in [Datum.ColourDecoding.asStored, .colour, .gray] {
    guard
      let datum = try? Datum(decoding: bytes, colours: colours)
    else { continue }
    try promise(
      datum.values.count == datum.channels * datum.height * datum.width,
      "\(datum.values.count) numbers for \(datum.channels)×\(datum.height)×\(datum.width)")
  }
}

/// A network that the seeds fit: a convolution and an inner product, of 15 parameters.
func smallNetwork(hasLoss: Bool = false) throws -> Network<Float> {
  var net = NetworkBuilder(name: "small", channels: 1, height: 3, width: 3)
  let relu = net.convolutionReLU(
    "1", net.data, kernel: 2, outputs: 1, weights: .constant(0), bias: 0)
  let scores = net.fullyConnected("fc2", relu, outputs: 2, weights: .constant(0), bias: 0)
  if hasLoss { net.softmaxWithLoss("loss", scores) }
  return try Network(net.definition, backend: ReferenceBackend<Float>())
}
