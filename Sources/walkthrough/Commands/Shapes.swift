import ArgumentParser
import Foundation
import Layers
import Networks

/// The table of all layers.
struct Shapes: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the table of all layers: shapes, parameters, work, receptive fields.",
    discussion: """
      MACs are multiply-accumulates of one image's forward pass; one is 2 FLOPs. Memory is that of \
      the output in single precision; a layer in place adds none. Columns that don't fit into a \
      terminal's window are left out.
      """)

  @Option(help: "The network: \(NetworkChoice.list).")
  var network = NetworkChoice.caffenet

  @Option(
    parsing: .unconditional,
    help: "Rows and columns of an image; the network's own size if left out.")
  var inputSize: Int?

  @Flag(help: "Print JSON for programs.")
  var json = false

  func run() throws {
    let table = ShapesTable(try NetworkPlan(network.definition(inputSize: inputSize)))
    print(json ? try JSON.text(table) : table.text(width: Terminal.windowWidth))
  }
}

/// What `shapes` shows, in a form that JSON and text are made from.
struct ShapesTable: Encodable {
  struct Layer: Encodable {
    var name: String
    var type: String
    var output: [Int]
    var parameters: Int
    var macs: Int
    var flops: Int
    var memoryBytes: Int
    var receptiveField: Int
    var stride: Int
    var parameterShare: Double
    var macShare: Double
  }

  struct Totals: Encodable {
    var parameters: Int
    var macs: Int
    var flops: Int
    var memoryBytes: Int
  }

  var network: String
  var input: [Int]
  var layers: [Layer]
  var totals: Totals

  init(_ summary: NetworkPlan) {
    func share(_ part: Int, of whole: Int) -> Double {
      whole == 0 ? 0 : Double(part) / Double(whole)
    }
    network = summary.network
    input = Array(summary.input.dimensions.dropFirst())
    layers = summary.layers.map { layer in
      Layer(
        name: layer.name, type: layer.type, output: layer.output.channelsHeightWidth,
        parameters: layer.parameterCount, macs: layer.multiplyAccumulates,
        flops: layer.floatingPointOperations,
        memoryBytes: layer.isInPlace ? 0 : SinglePrecision.bytes(layer.output.count),
        receptiveField: layer.receptiveField, stride: layer.stride,
        parameterShare: share(layer.parameterCount, of: summary.parameterCount),
        macShare: share(layer.multiplyAccumulates, of: summary.multiplyAccumulates))
    }
    totals = Totals(
      parameters: summary.parameterCount, macs: summary.multiplyAccumulates,
      flops: summary.floatingPointOperations,
      memoryBytes: SinglePrecision.bytes(summary.outputCount))
  }

  /// The table for a terminal, all of it unless there is a width to keep to.
  func text(width: Int? = nil) -> String {
    var table = TextTable(
      header: [
        "layer", "type", "output", "parameters", "share", "MACs", "share", "FLOPs", "memory",
        "field", "stride",
      ], textColumns: 3)
    table.rows = layers.map { layer in
      [
        layer.name, layer.type, Format.extents(layer.output),
        Format.grouped(layer.parameters), Format.percent(layer.parameterShare),
        Format.grouped(layer.macs), Format.percent(layer.macShare),
        Format.grouped(layer.flops),
        layer.memoryBytes == 0 ? "in place" : Format.bytes(layer.memoryBytes),
        String(layer.receptiveField), String(layer.stride),
      ]
    }
    table.totals = [
      [
        "total", "", "", Format.grouped(totals.parameters), "", Format.grouped(totals.macs), "",
        Format.grouped(totals.flops), Format.bytes(totals.memoryBytes), "", "",
      ]
    ]
    // FLOPs are twice the MACs, and the receptive field is a matter of its own.
    table.fit(width, leavingOut: [7, 10, 8, 6, 4, 9, 1])
    let title = "\(network) on one image of \(Format.extents(input))"
    return ([title, ""] + table.lines()).joined(separator: "\n")
  }
}
