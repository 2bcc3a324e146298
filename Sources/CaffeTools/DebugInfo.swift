import CaffeFormats
import CaffeMessages
import Layers
import Networks
import Tensors

/// The lines of Caffe's `debug_info`: the mean magnitude of every blob and parameter behind each layer's
/// forward pass, and of their gradients behind its backward pass. They show where a training that diverges
/// begins to.
///
/// Layers that bring data in, and the copies that Caffe makes of a blob with several readers
/// (`insert_splits.cpp`), have their lines too. Source: `net.cpp`, `ForwardDebugInfo`,
/// `BackwardDebugInfo` and `Backward`.
struct DebugInfo {
  private let net: Caffe_NetParameter
  private let backwards: Bool
  private let log: (String) -> Void
  /// For each layer of the network's definition, its number in `net`.
  private let numbers: [Int]
  /// How often each top of each layer of `net` is read before it is written over.
  private var readers: [[Int]]
  /// For each bottom of each layer of `net`: the layer and the top it is, and which of its readers this is.
  private var sources: [[(layer: Int, top: Int, reader: Int)]] = []

  /// The lines about a network.
  ///
  /// - Parameters:
  ///   - caffe: the network.
  ///   - backwards: whether it learns.
  ///   - log: told each line.
  init(
    _ caffe: CaffeNetwork, backwards: Bool, log: @escaping (String) -> Void
  ) {
    net = caffe.message
    self.backwards = backwards
    self.log = log
    numbers = caffe.numbers
    readers = net.layer.map { [Int](repeating: 0, count: $0.top.count) }
    var writers: [String: (layer: Int, top: Int)] = [:]
    for (number, layer) in net.layer.enumerated() {
      sources.append(
        layer.bottom.map { bottom in
          guard let (writer, top) = writers[bottom] else { return (number, -1, 0) }
          readers[writer][top] += 1
          return (writer, top, readers[writer][top] - 1)
        })
      for (index, top) in layer.top.enumerated() { writers[top] = (number, index) }
    }
  }

  /// Has a network print the lines of each pass while `isDue` says so.
  func observe(_ network: Network<Float>, while isDue: @escaping () -> Bool) {
    network.observer = { [unowned network] event in
      guard isDue() else { return }
      switch event {
      case .didRunForward(let layer): didRunForward(layer, network)
      case .willRunBackward(let layer): willRunBackward(layer, network)
      case .didRunBackward(let layer, let gradients):
        didRunBackward(layer, gradients, network)
        if layer == network.firstBackwards { logNorms(network) }
      }
    }
  }
}

extension DebugInfo {
  private func didRunForward(_ index: Int, _ network: Network<Float>) {
    guard numbers.indices.contains(index) else { return }
    // What Caffe runs in between isn't run here: it brings data in.
    for number in (index == 0 ? 0 : numbers[index - 1] + 1)..<numbers[index] {
      logTops(of: number, network)
    }
    logTops(of: numbers[index], network)
  }

  private func logTops(of number: Int, _ network: Network<Float>) {
    let layer = net.layer[number]
    for top in layer.top {
      log(
        "    [Forward] Layer \(layer.name), top blob \(top) data: \(mean(network, blob: top))")
    }
    if layer.top.isEmpty, let blob = network.blob(layer.name) {
      // Caffe's word for the top of a loss that the file gives none.
      log("    [Forward] Layer \(layer.name), top blob (automatic) data: \(Self.mean(blob))")
    }
    if let index = numbers.firstIndex(of: number) {
      for (parameter, tensor) in network.parameters[index].enumerated() {
        let name = network.definition.layers[index].parameter(parameter).name
        log(
          "    [Forward] Layer \(layer.name), param blob \(name ?? String(parameter)) data: "
            + Self.mean(tensor))
      }
    }
    for (index, top) in layer.top.enumerated() where readers[number][index] > 1 {
      for reader in 0..<readers[number][index] {
        log(
          "    [Forward] Layer \(split(number, index)), top blob \(split(number, index))_\(reader) "
            + "data: \(mean(network, blob: top))")
      }
    }
  }

  private func willRunBackward(_ index: Int, _ network: Network<Float>) {
    guard backwards, numbers.indices.contains(index) else { return }
    let number = numbers[index]
    for (position, top) in net.layer[number].top.enumerated() where readers[number][position] > 1 {
      guard let gradient = network.gradient(of: top) else { continue }
      log(
        "    [Backward] Layer \(split(number, position)), bottom blob \(top) diff: "
          + Self.mean(gradient))
    }
  }

  private func didRunBackward(
    _ index: Int, _ gradients: [Tensor<Float>?], _ network: Network<Float>
  ) {
    guard backwards, numbers.indices.contains(index) else { return }
    let (layer, planned) = (net.layer[numbers[index]], network.plan.layers[index])
    for (position, bottom) in layer.bottom.enumerated() {
      guard gradients.indices.contains(position), let gradient = gradients[position] else {
        continue
      }
      let source = sources[numbers[index]][position]
      let isSplit = source.top >= 0 && readers[source.layer][source.top] > 1
      let name = isSplit ? "\(split(source.layer, source.top))_\(source.reader)" : bottom
      log("    [Backward] Layer \(layer.name), bottom blob \(name) diff: \(Self.mean(gradient))")
    }
    for number in planned.parameters.indices where planned.learns[number] {
      log(
        "    [Backward] Layer \(layer.name), param blob \(number) diff: "
          + Self.mean(network.parameterGradients[index][number]))
    }
  }

  /// The norms of all parameters that learn or could, each once, and of their gradients.
  private func logNorms(_ network: Network<Float>) {
    var (data, diff) = ((sum: 0.0, squares: 0.0), (sum: 0.0, squares: 0.0))
    for (index, layer) in network.plan.layers.enumerated() {
      for (number, owner) in layer.owners.enumerated() where owner == nil {
        let (parameter, gradient) = (
          network.parameters[index][number], network.parameterGradients[index][number]
        )
        data.sum += Self.sum(parameter)
        data.squares += parameter.squaredNorm
        diff.sum += Self.sum(gradient)
        diff.squares += gradient.squaredNorm
      }
    }
    func text(_ first: Double, _ second: Double) -> String {
      "(\(NetworkTest.number(first)), \(NetworkTest.number(second)))"
    }
    log(
      "    [Backward] All net params (data, diff): L1 norm = \(text(data.sum, diff.sum)); "
        + "L2 norm = \(text(data.squares.squareRoot(), diff.squares.squareRoot()))")
  }

  /// Caffe's name of the layer that copies a top for its readers, and the start of its tops' names.
  private func split(_ number: Int, _ top: Int) -> String {
    let layer = net.layer[number]
    return "\(layer.top[top])_\(layer.name)_\(top)_split"
  }

  private func mean(_ network: Network<Float>, blob name: String) -> String {
    if let blob = network.blob(name) { return Self.mean(blob) }
    guard name == network.definition.label, !network.labels.isEmpty else { return "nan" }
    let sum = network.labels.reduce(0) { $0 + abs($1) }
    return NetworkTest.number(Double(sum) / Double(network.labels.count))
  }

  private static func mean(_ tensor: Tensor<Float>) -> String {
    NetworkTest.number(sum(tensor) / Double(tensor.count))
  }

  /// The sum of the magnitudes.
  private static func sum(_ tensor: Tensor<Float>) -> Double {
    tensor.elements.reduce(0) { $0 + abs(Double($1)) }
  }
}

extension Network {
  /// The layer that runs backwards last; `nil` where none does.
  fileprivate var firstBackwards: Int? {
    plan.layers.firstIndex { $0.learns.contains(true) || $0.propagates.contains(true) }
  }
}
