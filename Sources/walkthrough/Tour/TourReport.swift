import Foundation
import Networks

/// All that the tour says. Terminal, JSON and page are made from this value and from nothing else,
/// so that they can't disagree.
struct TourReport: Encodable, Sendable {
  var network: String
  /// Whether everything that differs between runs and machines was left out, see `Determinism`.
  var isDeterministic: Bool
  /// What the network looks at.
  var image: ImageReport
  /// The input's channels, rows and columns.
  var input: [Int]
  var seed: UInt32
  var precision = "Float"
  var weights: WeightsReport
  var layers: [LayerReport]
  /// That of Reference.
  var loss: Double
  /// That of each version, Reference first; it alone where the report is deterministic.
  var losses: [VersionValue]
  var classes: Int
  var parameters: Int
  var macs: Int
  var flops: Int
  /// What the loss means.
  var lossExplanation: String
  /// The classes of highest probability, the first five.
  var predictions: [Prediction]
  var totals: Totals
}

extension TourReport {
  /// Shows control characters in names, which come from files, as signs.
  mutating func makeNamesVisible() {
    network = Escaping.visible(network)
    image.name = Escaping.visible(image.name)
    weights.source = Escaping.visible(weights.source)
    for i in layers.indices { layers[i].name = Escaping.visible(layers[i].name) }
    for i in predictions.indices {
      predictions[i].name = predictions[i].name.map(Escaping.visible)
    }
  }
}

/// The picture that the network looks at.
struct ImageReport: Encodable, Sendable {
  /// What it is, for a reader.
  var name: String
  /// The class that the loss is computed for.
  var label: Int
  /// Whether nobody said what class the picture belongs to, so that the label is a mere assumption.
  var isLabelAssumed: Bool
  /// The picture as the network gets it, in colour, its mean added again.
  var picture: Raster
}

/// Where the parameters come from.
struct WeightsReport: Encodable, Sendable {
  /// For a reader, for example `random numbers from seed 1`.
  var source: String
  /// Whether the network has learnt. One that hasn't predicts nothing.
  var isTrained: Bool
}

/// What the network takes the picture for.
struct Prediction: Encodable, Sendable {
  var label: Int
  /// The class in words, where they are known.
  var name: String?
  var probability: Double
}

/// Where parameters, work and time are.
struct Totals: Encodable, Sendable {
  /// The layers of one type together.
  struct Share: Encodable, Sendable {
    /// Caffe's name of the type.
    var type: String
    /// How many layers there are of it.
    var layers: Int
    var parameters: Int
    var macs: Int
    /// Of all parameters, from 0 to 1.
    var parameterShare: Double
    /// Of all multiply-accumulates, from 0 to 1.
    var macShare: Double
    /// Of each version, both directions together; empty where the report is deterministic.
    var seconds: [VersionValue]
  }

  /// In the order in which the types first appear.
  var types: [Share]
  /// Bytes of all outputs that have memory of their own, in single precision.
  var outputBytes: Int
  var parameterBytes: Int
  /// The times of all layers together, Reference first; without them where the report is
  /// deterministic.
  var versions: [VersionReport]
}

extension Totals {
  /// The sums over the layers of each type, and over all.
  init(_ layers: [LayerReport], _ summary: NetworkPlan) {
    var order: [String] = []
    for layer in layers where !order.contains(layer.type) { order.append(layer.type) }
    let versions = layers.first?.versions.map(\.version) ?? []
    /// The time of some layers on one version; `nil` where clocks weren't read.
    func sum(
      _ layers: [LayerReport], _ version: Version, _ time: (VersionReport) -> Double?
    ) -> Double? {
      let times = layers.compactMap { $0.versions[version].flatMap(time) }
      return times.isEmpty ? nil : times.reduce(0, +)
    }
    func share(_ part: Int, of whole: Int) -> Double {
      whole == 0 ? 0 : Double(part) / Double(whole)
    }
    types = order.map { type in
      let members = layers.filter { $0.type == type }
      let parameters = members.reduce(0) { $0 + $1.parameters.total }
      let macs = members.reduce(0) { $0 + $1.macs }
      return Share(
        type: type, layers: members.count, parameters: parameters, macs: macs,
        parameterShare: share(parameters, of: summary.parameterCount),
        macShare: share(macs, of: summary.multiplyAccumulates),
        seconds: versions.compactMap { version in
          sum(members, version, \.seconds).map { VersionValue(version: version, value: $0) }
        })
    }
    outputBytes = SinglePrecision.bytes(summary.outputCount)
    parameterBytes = SinglePrecision.bytes(summary.parameterCount)
    self.versions = versions.map { version in
      VersionReport(
        version: version, forwardSeconds: sum(layers, version, \.forwardSeconds),
        backwardSeconds: sum(layers, version, \.backwardSeconds))
    }
  }
}

/// What the loss means.
struct LossExplanation {
  var loss: Double
  /// What it is made from.
  var scores: [Double]
  var isTrained: Bool
  var hasLoss: Bool

  /// For a reader.
  var text: String {
    guard hasLoss else {
      return "The network has no loss: it ends with its scores, and there is nothing to go back "
        + "from."
    }
    let classes = Double(scores.count)
    let chance =
      "A network that knows nothing gives each of \(scores.count) classes the probability "
      + "1/\(scores.count), and the loss is ln \(scores.count) = \(Format.value(log(classes))). "
    guard !isTrained else {
      return chance + "This one has learnt; for this picture and its label the loss is "
        + "\(Format.value(loss)), a probability of \(Format.value(exp(-loss)))."
    }
    let logarithms = softmax(scores).map(log)
    let average = -logarithms.reduce(0, +) / classes
    return chance + "Fresh random weights are near that, but their scores differ by chance: for "
      + "this class the loss is \(Format.value(loss)); averaged over all the classes it could have "
      + "been, \(Format.value(average)). Training has to bring it down from there."
  }
}
