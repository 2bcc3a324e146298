import CaffeFormats
import Foundation
import Layers
import Networks
import NumPyFiles
import ONNXFiles
import Tensors
import WholeFiles

// Which network weights belong to, and which of its layers.

extension WeightFile {
  /// The weights as layers of a network, to be copied into it by name.
  ///
  /// A tensor `conv1.weight`, `conv1_w_0` or `conv1_0` is blob 0 of layer `conv1`, also with `module.`,
  /// `model.` or `net.` before it, as PyTorch's wrappers and others' habits have it. Of an ONNX graph whose
  /// names mean nothing here, the layers count: the first convolution or product is the first layer with
  /// weights, and so on.
  ///
  /// - Throws: `FileError` for two tensors in one place, and for a quantised graph; `TensorFileError` for
  ///   tensors that can't be read.
  package func model(for plan: NetworkPlan) throws -> CaffeModel {
    let layers = Set(plan.layers.filter { !$0.parameters.isEmpty }.map(\.name))
    switch content {
    case .caffe(let model): return model
    case .tensors(let tensors): return try Self.model(tensors, layers, file: path)
    case .graph(let graph):
      try refuseQuantised(graph)
      let model = try Self.model(graph.tensors(), layers, file: path)
      if model.message.layer.contains(where: { layers.contains($0.name) }) { return model }
      let products = try ONNXNetwork(graph).products()
      let learning = plan.layers.filter { !$0.parameters.isEmpty }
      guard products.count == learning.count else {
        throw FileError(
          path: path,
          problem: "has \(products.count) convolutions and products, and \(plan.network) has "
            + "\(learning.count) layers with weights: \(learning.map(\.name).joined(separator: ", "))"
        )
      }
      var tensors = NumPyArchive()
      for (layer, product) in zip(learning, products) {
        for (number, array) in product.enumerated() { tensors["\(layer.name)_\(number)"] = array }
      }
      return try CaffeModel(tensors, file: path)
    }
  }

  /// The parameters of each layer of a network, all of which have to be here.
  ///
  /// - Throws: `FileError` naming the layers without weights, `CaffeFileError` for those that don't fit.
  package func parameters(of plan: NetworkPlan) throws -> [[NumPyArray]] {
    let model = try model(for: plan)
    let isDouble = model.message.layer.contains { $0.blobs.contains { !$0.doubleData.isEmpty } }
    func read<Scalar>(
      _ type: Scalar.Type, _ array: (Tensor<Scalar>) -> NumPyArray
    ) throws -> [[NumPyArray]] {
      let (read, report) = try explaining(plan) { try model.parameters(of: plan, as: type) }
      guard report.untouched.isEmpty else {
        throw FileError(
          path: path,
          problem:
            "has no weights for \(report.untouched.joined(separator: ", ")) of \(plan.network)"
        )
      }
      return plan.layers.map { (read[$0.name] ?? []).map(array) }
    }
    return isDouble
      ? try read(Double.self, NumPyArray.init) : try read(Float.self, NumPyArray.init)
  }

  /// The graph, if the file has one.
  package func graph() throws -> ONNXNetwork? {
    guard case .graph(let model) = content else { return nil }
    return try ONNXNetwork(model)
  }

  private static func model(
    _ tensors: NumPyArchive, _ layers: Set<String>, file: String
  ) throws -> CaffeModel {
    try CaffeModel(tensors, file: file) { name in
      guard var place = BlobPlace(name) else { return nil }
      if !layers.contains(place.layer) {
        var parts = place.layer.split(separator: ".", omittingEmptySubsequences: false)
        parts.removeAll { $0 == "module" }
        if let first = parts.first, ["model", "net"].contains(first) { parts.removeFirst() }
        let plain = parts.joined(separator: ".")
        if layers.contains(plain) { place.layer = plain }
      }
      // What a graph has beside weights, shapes for example, is none.
      guard let type = tensors[name]?.elementType, [.float32, .float64].contains(type) else {
        return nil
      }
      return place
    }
  }

  private func refuseQuantised(_ graph: ONNXModel) throws(FileError) {
    let types = Set(graph.message.graph.node.map(\.opType))
    let quantised = ["QLinearConv", "QuantizeLinear", "DequantizeLinear", "ConvInteger"]
    guard let type = quantised.first(where: types.contains) else { return }
    throw FileError(
      path: path,
      problem:
        "is a quantised graph (it has \(type)), whose weights are small whole numbers; take the "
        + "file of the network in float, without -int8 or -qdq in its name")
  }

  /// The layers' types in the order of the file, where it says so.
  private var types: [String] {
    switch content {
    case .caffe(let model): model.message.layer.map(\.type)
    case .graph(let graph):
      graph.message.graph.node.map { $0.opType.replacing("MaxPool", with: "Pooling") }
    case .tensors: []
    }
  }

  /// A network that weights belong to.
  package struct Recognition {
    package var network: KnownNetwork
    /// Its definition, for as many classes as the weights tell apart.
    package var definition: NetworkDefinition
    /// How it was told, for a reader; nil where there was no doubt.
    package var doubt: String?
  }

  /// The network, known by name, that all these weights belong to, told by names and shapes.
  ///
  /// CaffeNet and AlexNet have the same: they differ in whether they pool or normalise first, which some
  /// files say.
  ///
  /// - Throws: `FileError` where there is none.
  package func recognised() throws -> Recognition {
    if case .graph(let graph) = content { try refuseQuantised(graph) }
    var fitting: [Recognition] = []
    var problems: [String] = []
    for network in KnownNetwork.allCases {
      do {
        if let definition = try definition(of: network) {
          fitting.append(Recognition(network: network, definition: definition))
        }
      } catch {
        problems.append("not \(network.rawValue): \(error)")
      }
    }
    if let named = fitting.first(where: { $0.network.rawValue == metadata["network"] }) {
      return named
    }
    guard var first = fitting.first else {
      throw FileError(
        path: path,
        problem: "these weights belong to none of the networks that have a name here ("
          + KnownNetwork.allCases.map(\.rawValue).joined(separator: ", ") + "); give theirs with "
          + "--net, a .prototxt or .onnx"
          + (problems.isEmpty ? "" : ". They are " + problems.joined(separator: "; ")))
    }
    guard fitting.count > 1 else { return first }
    let types = types
    if let norm = types.firstIndex(of: "LRN"), let pool = types.firstIndex(of: "Pooling") {
      let network: KnownNetwork = norm < pool ? .alexnet : .caffenet
      return fitting.first { $0.network == network } ?? first
    }
    let name = path.split(separator: "/").last?.lowercased() ?? ""
    if !name.contains("caffenet"), name.contains("alexnet"),
      let alexnet = fitting.first(where: { $0.network == .alexnet })
    {
      first = alexnet
      first.doubt =
        "the weights of caffenet and alexnet have the same shapes; the file's name says alexnet"
    } else {
      first.doubt =
        "the weights of caffenet and alexnet have the same shapes; if these are AlexNet's, say --network alexnet"
    }
    return first
  }

  /// A network's definition, if all its layers with weights are in the file and fit; nil if none is.
  private func definition(of network: KnownNetwork) throws -> NetworkDefinition? {
    var definition = network.definition()
    var plan = try NetworkPlan(definition)
    let model = try model(for: plan)
    // Fine-tuned for other classes, the last layer has another size.
    guard let last = plan.layers.last(where: { !$0.parameters.isEmpty }) else { return nil }
    let names = Set(model.message.layer.filter { !$0.blobs.isEmpty }.map(\.name))
    let learning = plan.layers.filter { !$0.parameters.isEmpty }.map(\.name)
    guard learning.allSatisfy(names.contains) else { return nil }
    let bias = model.message.layer.first { $0.name == last.name }?.blobs.last
    let classes = max(bias?.data.count ?? 0, bias?.doubleData.count ?? 0)
    if classes != last.output.channels, (1...1_000_000).contains(classes) {
      definition = network.definition(classes: classes)
      plan = try NetworkPlan(definition)
    }
    _ = try model.parameters(of: plan, as: Float.self)
    return definition
  }
}

extension NumPyArchive {
  /// The parameters of a network's layers, under the names that they have in files of named tensors.
  package init(
    _ definition: NetworkDefinition, _ parameters: [[NumPyArray]], of network: KnownNetwork?
  ) {
    self.init()
    for (layer, arrays) in zip(definition.layers, parameters) {
      for (number, array) in arrays.enumerated() {
        self[KnownNetwork.tensorName(layer: layer.name, number: number, of: network)] = array
      }
    }
  }
}
