/// What the page's script works on.
struct PageData: Encodable {
  struct Layer: Encodable {
    /// The id of its section, by which its pieces find it.
    var anchor: String
    /// For a reader.
    var name: String
    var type: String
    var settings: LayerReport.Settings
    var input: [Int]
    var output: [Int]
    var groups: Int
    var weights: Int
    var biases: Int
    var macs: Int
    /// Of the value computed by hand: channel, row and column.
    var position: [Int]
    var byHand: Double?
    /// How its window slides; missing, as the window is, for layers whose doesn't.
    var sliding: Sliding?
    var window: WorkedExample.Window?
  }

  var layers: [Layer] = []
  var parameters = 0
  /// Whether the numbers are to be rounded where they are written, see `Determinism`.
  var isDeterministic = false

  private enum CodingKeys: CodingKey { case layers, parameters }

  /// Of a page in which nothing is computed.
  init() {}

  init(_ report: TourReport) {
    parameters = report.parameters
    isDeterministic = report.isDeterministic
    layers = report.layers.map { layer in
      Layer(
        anchor: layer.anchor, name: Escaping.visible(layer.name), type: layer.type,
        settings: layer.settings, input: layer.input,
        output: layer.output, groups: layer.groups.count, weights: layer.parameters.weights,
        biases: layer.parameters.biases, macs: layer.macs,
        position: layer.example?.output ?? [], byHand: layer.example?.byHand,
        sliding: layer.sliding, window: layer.sliding == nil ? nil : layer.example?.window)
    }
  }
}
