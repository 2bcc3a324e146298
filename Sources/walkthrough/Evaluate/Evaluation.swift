import CaffeFormats
import Layers
import Networks
import NumPyFiles
import Tensors
import WholeFiles

/// One pass of a network from Caffe's files, every blob kept.
struct Evaluation {
  let net: NetPrototxt
  let model: CaffeModel
  let content: InputArrays
  let phase: Phase
  let backward: Bool
  let seed: UInt32

  /// The arrays, and what the user should know about how they came to be.
  struct Result {
    var arrays = NumPyArchive()
    var notes: [String] = []
  }

  func run<Scalar>(on backend: some Backend<Scalar>) throws -> Result {
    let caffe = try net.network(phase: phase)
    let fed = try feeds(of: caffe, as: Scalar.self)
    var definition = caffe.definition
    for index in definition.otherInputs.indices {
      if let tensor = fed[definition.otherInputs[index].name] {
        definition.otherInputs[index].dimensions = tensor.shape.dimensions
      }
    }
    guard let images = fed[definition.data] else {
      throw CaffeFileError(file: net.file, problem: "nothing feeds \"\(definition.data)\"")
    }
    guard
      !backward || definition.layers.contains(where: { $0.typeName == "SoftmaxWithLoss" })
    else {
      throw CaffeFileError(
        file: net.file,
        problem: "the network has no loss in this phase, so there is nothing to run backwards from")
    }
    let batch = images.shape.images
    // Parameters and gradients, the file and what is read of it, and the archive as arrays and as
    // bytes, in at most twice the room of single precision.
    try MemoryNeed(
      NetworkPlan(definition, batch: batch), parameters: backward ? 14 : 8, blobs: backward ? 12 : 6
    ).require()
    let network = try caffe.locatingErrors { [definition] () throws(LayerError) in
      try Network(
        definition, backend: backend, batch: batch,
        gradients: backward ? .parametersAndInput : .none, phase: phase, seed: seed)
    }
    var result = Result()
    try copyWeights(into: network, notes: &result.notes)
    try load(fed, into: network)
    result.arrays = try recordPass(of: network, caffe, fed: fed, backward: backward)
    return result
  }

  private func copyWeights<Scalar>(into network: Network<Scalar>, notes: inout [String]) throws {
    let report = try model.copy(into: network)
    let learning = zip(network.definition.layers, network.parameters).filter { !$1.isEmpty }
    guard !report.copied.isEmpty || learning.isEmpty else {
      throw CaffeFileError(
        file: model.file,
        problem: "none of its layers has the name of one with weights in \(net.file): the file has "
          + "\(report.ignored.joined(separator: ", ")), the network "
          + learning.map(\.0.name).joined(separator: ", "))
    }
    if !report.untouched.isEmpty {
      notes.append(
        "not in \(model.file), so filled at random: \(report.untouched.joined(separator: ", "))")
    }
  }

  private func load<Scalar>(_ fed: [String: Tensor<Scalar>], into network: Network<Scalar>) throws {
    let definition = network.definition
    for (name, tensor) in fed {
      switch name {
      case definition.data, definition.label: continue
      default: try network.load(tensor, into: name)
      }
    }
    guard let images = fed[definition.data] else { return }
    var labels: [Int] = []
    for value in fed[definition.label]?.elements ?? [] {
      guard let label = Int(exactly: value.doubleValue) else {
        throw LayerError(
          layer: definition.label, value: "label \(value.doubleValue)",
          rule: "must be a whole number")
      }
      labels.append(label)
    }
    try network.load(images: images, labels: labels)
  }

  /// What every input is fed, its shape checked.
  private func feeds<Scalar: Tensors.Scalar>(
    of caffe: CaffeNetwork, as type: Scalar.Type
  ) throws -> [String: Tensor<Scalar>] {
    let unknown = content.unknown(among: caffe.inputs.map(\.name))
    guard unknown.isEmpty else {
      throw CaffeFileError(
        file: net.file,
        problem: "there is no input \(unknown.joined(separator: ", ")); the inputs are "
          + caffe.inputs.map(\.name).joined(separator: ", "))
    }
    var seeds = SplitMix64(seed: UInt64(seed))
    var fed: [String: Tensor<Scalar>] = [:]
    for input in caffe.inputs {
      let isImages = input.name == caffe.definition.data
      let isLabels = input.name == caffe.definition.label
      if let given = content.array(for: input.name, isImages: isImages, isLabels: isLabels) {
        // Any number of images will do; of one image, the extents are fixed.
        guard given.array.shape.dimensions.dropFirst() == input.shape.dimensions.dropFirst(),
          given.array.shape.rank == input.shape.rank
        else {
          throw FileError(
            path: given.file,
            problem: "has shape \(given.array.shape); \"\(input.name)\" needs \(input.shape), with "
              + "any number of images")
        }
        fed[input.name] = given.array.tensor()
      } else if case .filler(let filler) = input.source {
        fed[input.name] = filler.fill(input.shape, seed: seeds.next())
      } else {
        let option = isLabels ? "--label, or" : "--input, as"
        throw CaffeFileError(
          file: net.file,
          problem: "input \"\(input.name)\" of shape \(input.shape) is not given; it can be with "
            + "\(option) an array \"\(input.name)\" in an .npz")
      }
    }
    return fed
  }
}
