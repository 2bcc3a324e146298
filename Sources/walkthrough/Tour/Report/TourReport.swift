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
