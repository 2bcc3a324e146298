import ArgumentParser
import CaffeFormats
import Foundation
import Layers
import NetworkFiles
import Networks
import NumPyFiles
import ONNXFiles
import Tensors
import WholeFiles

/// Weights from one program's file into another's.
struct ConvertWeights: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert-weights",
    abstract: "Converts weights between files of Caffe, PyTorch, ONNX and numpy.",
    discussion: """
      The endings say what the files are: .caffemodel, .safetensors, .npz and .onnx are read and \
      written, .pth, .pt and .bin only read (PyTorch reads .safetensors). Names and numbers stay as they \
      are in the file; numbers of 16 bits become floats. A .caffemodel has blobs of layers instead of names: \
      blob 0 of conv1 is conv1_0. The other way, conv1_0, conv1.weight and conv1_w_0 become blob 0 \
      of conv1; conv1_1, conv1.bias and conv1_b_0 blob 1. Nothing is transposed, and nothing in a \
      .pth is executed.

      With --network or --net the weights are those of that network: all of them have to be there, and are \
      written under its layers' names. An .onnx has the network's graph beside the weights, so it needs to be \
      told, unless the weights' names and shapes show it.
      """)

  @Argument(help: "The file to read.")
  var input: String

  @Argument(help: "The file to write. It appears whole or not at all.")
  var output: String

  @Option(help: "The network that the weights belong to: \(NetworkChoice.list).")
  var network: NetworkChoice?

  @Option(help: "The network that the weights belong to, as a .prototxt or .onnx.")
  var net: String?

  @OptionGroup var writing: Writing

  func validate() throws {
    guard net == nil || network == nil else {
      throw ValidationError("--net and --network both name a network: leave one out.")
    }
  }

  func run() throws {
    let (source, target) = (URL(fileNamed: input), URL(fileNamed: output))
    // The target first: it is known before anything has been read.
    let format = try WeightFile.Format(ofOutput: output)
    try writing.check(output, inputs: [input, net])
    let file = try WeightFile(contentsOf: source)
    let tensors = try write(file, to: target, as: format)
    var count = 0
    for name in tensors.names {
      guard let array = tensors[name] else { continue }
      print("\(Escaping.visible(name))  \(array.shape)  \(array.elementType.rawValue)")
      count += array.shape.count
    }
    print(
      "wrote \(Format.grouped(tensors.names.count)) tensors with \(Format.grouped(count)) "
        + "numbers: \(output)")
  }

  /// Writes the weights and gives back what was written.
  private func write(
    _ file: WeightFile, to target: URL, as format: WeightFile.Format
  ) throws -> NumPyArchive {
    guard format == .onnx || net != nil || network != nil else {
      let tensors = try file.tensors()
      var metadata = file.metadata
      // What the file doesn't say of itself, as far as there is no doubt.
      if format == .safetensors, let found = try? file.recognised(), found.doubt == nil {
        metadata.merge(Self.metadata(found.network)) { own, _ in own }
      }
      try tensors.write(to: target, as: format, metadata: metadata)
      return tensors
    }
    // A graph without another network is its own.
    if network == nil, net == nil, let graph = try file.graph() {
      try ONNXModel(graph.definition, parameters: graph.parameters, batch: graph.batch)
        .write(to: target)
      return NumPyArchive(graph.definition, graph.parameters, of: nil)
    }
    var known = network
    let definition: NetworkDefinition
    if let net {
      definition = try NetworkFile.definition(contentsOf: net, phase: .testing)
    } else if let network {
      // As many classes as the weights have.
      let found = try? file.recognised()
      definition =
        found.flatMap { $0.network == network ? $0.definition : nil } ?? network.definition()
    } else {
      let found = try file.recognised()
      (definition, known) = (found.definition, found.network)
      if let doubt = found.doubt {
        Output.say("walkthrough convert-weights: \(Escaping.visible(doubt))\n")
      }
    }
    let parameters = try file.parameters(of: NetworkPlan(definition))
    let tensors = NumPyArchive(definition, parameters, of: known)
    if format == .onnx {
      try ONNXModel(definition, parameters: parameters).write(to: target)
    } else {
      try tensors.write(
        to: target, as: format, metadata: known.map(Self.metadata) ?? [:])
    }
    return tensors
  }

  /// What a safetensors file says of a network.
  private static func metadata(_ network: KnownNetwork) -> [String: String] {
    ["network": network.rawValue, "input": network.transformer.inputDescription]
  }
}
