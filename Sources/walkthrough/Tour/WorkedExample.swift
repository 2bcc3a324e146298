import Foundation
import Layers
import Tensors

/// One number of a layer's output or gradients, computed in the plainest way, in Double, from numbers that
/// are shown: it can be redone by hand.
///
/// This is one more computation beside those of the versions: it shares no code with any.
struct WorkedExample: Encodable, Sendable {
  /// What it is an element of: `out`, `∂L/∂w`, `∂L/∂b` or `∂L/∂in`.
  var quantity = "out"
  /// Where it stands, for example `channel 48, row 27, column 27`.
  var position: String
  /// Its indices in that tensor; of one of an image, channel, row and column.
  var output: [Int]
  /// The steps of the computation, in their order.
  var steps: [String] = []
  var byHand = 0.0
  /// What each version has there, Reference first; it alone where the report is deterministic.
  var versions: [VersionValue] = []
  /// The part of the input, or of the output's gradient, that the value is computed from; missing where
  /// that has no rows and columns.
  var window: Window?
  /// The numbers that the first steps take.
  var tables: [NumberTable] = []
  /// What the parts of a long sum come to: from the part that the tables show to the whole sum.
  var sums: [PartialSums] = []
  /// What is done with the sum.
  var lastSteps: [String] = []

  /// A value at a place, to be computed.
  init(_ quantity: String = "out", position: String, output: [Int]) {
    self.quantity = quantity
    self.position = position
    self.output = output
  }

  /// A value at a row-major position of a tensor with images.
  init(_ quantity: String = "out", at position: Int, of shape: Shape) {
    let (channel, row, column) = shape.place(of: position)
    switch shape.rank {
    case 4:
      self.init(
        quantity, position: "channel \(channel), row \(row), column \(column)",
        output: [channel, row, column])
    case 0: self.init(quantity, position: "its one number", output: [])
    default:
      self.init(
        quantity, position: "\(quantity == "∂L/∂in" ? "input" : "output") \(position)",
        output: [channel])
    }
  }

  /// The part of a tensor that the value is computed from.
  struct Window: Encodable, Sendable {
    /// The first and the last channel.
    var firstChannel: Int
    var lastChannel: Int
    /// The first row and column, below 0 in the padding.
    var top: Int
    var left: Int
    /// Rows and columns from the first to the last, holes of a dilation included.
    var height: Int
    var width: Int
    /// What the numbers in `inputs` are.
    var kind = Kind.positions
    /// Of several channels the one whose numbers follow: that which adds most.
    var channel: Int
    /// The numbers that go in, in rows; null in the padding. Empty where they are more than 1,024.
    var inputs: [[Double?]] = []
    /// What they are multiplied with, likewise; missing without weights.
    var weights: [[Double]]?
    /// The values of all channels at the position, where the window moves over channels.
    var column: [Double]?
    /// The channel that the window lies in, to draw it on.
    var plane: Raster

    /// The most numbers that are written out.
    static let mostNumbers = 1024

    /// A window on a channel of a tensor of one image.
    init(
      channels: ClosedRange<Int>, top: Int, left: Int, extent: Extent, channel: Int,
      of tensor: Tensor<Float>
    ) {
      (firstChannel, lastChannel) = (channels.lowerBound, channels.upperBound)
      (self.top, self.left) = (top, left)
      (height, width) = (extent.height, extent.width)
      self.channel = channel
      plane = Raster(tensor, channel: channel)
    }

    /// The window of a single value; `nil` where it has no rows and columns around it.
    init?(around position: Int, of tensor: Tensor<Float>) {
      guard tensor.shape.rank == 4 else { return nil }
      let (channel, row, column) = tensor.shape.place(of: position)
      self.init(
        channels: channel...channel, top: row, left: column, extent: 1, channel: channel, of: tensor
      )
      inputs = [[Double(tensor[position])]]
    }

    /// Rows and columns, for a reader.
    var place: String {
      range("row", top, top + height - 1) + ", " + range("column", left, left + width - 1)
    }
  }

  enum Kind: String, Encodable, Sendable {
    /// Rows and columns of one channel.
    case positions
    /// One row: the same position in neighbouring channels.
    case channels
  }

  /// Numbers in rows and columns, `nil` where there is none, as in the padding.
  struct NumberTable: Encodable, Sendable {
    var title: String
    var rows: [[Double?]]
    /// What stands above the columns and before the rows; empty without.
    var columnNames: [String] = []
    var rowNames: [String] = []
    /// The row and column of the number that matters most, if there is one.
    var chosen: [Int]?

    /// A table that is shown: one of at most `Window.mostNumbers` numbers.
    var isShown: Bool {
      rows.count * (rows.first?.count ?? 0) <= Window.mostNumbers
    }
  }

  /// A sum by its parts.
  struct PartialSums: Encodable, Sendable {
    /// What is summed over, for example `channels 64…79`.
    var name: String
    var parts: [Part]
    /// The number of the part that is taken apart further, or whose table is shown.
    var chosen: Int?
    var total: Double

    struct Part: Encodable, Sendable {
      var first: Int
      var last: Int
      var sum: Double

      var name: String { first == last ? String(first) : "\(first)…\(last)" }
    }

    /// The parts in words, those left out that are 0.
    var text: String {
      let nonzero = parts.filter { $0.sum != 0 }
      let list = nonzero.map { "\(Format.value($0.sum)) (\($0.name))" }.joined(separator: ", ")
      let rest = nonzero.count < parts.count ? ", the others 0" : ""
      return nonzero.isEmpty ? "each 0" : list + rest
    }
  }
}

// MARK: - Sums that add up

extension WorkedExample {
  /// Adds products: those of largest magnitude are spelled out, the others given by their sum.
  ///
  /// - Returns: their sum.
  @discardableResult
  mutating func add(
    _ factors: [(Double, Double)], _ result: String, times sign: String = "·"
  ) -> Double {
    let products = factors.map { $0.0 * $0.1 }
    let total = products.reduce(0, +)
    // Those that are 0 needn't be spelled out. All of a few, else three.
    let nonzero = factors.indices.filter { products[$0] != 0 }
    let count = nonzero.count <= 4 ? nonzero.count : 3
    let shown = nonzero.sorted { abs(products[$0]) > abs(products[$1]) }.prefix(count)
    var text = shown.map { Self.factor(factors[$0].0) + sign + Self.factor(factors[$0].1) }
      .joined(separator: " + ")
    if text.isEmpty { text = "nothing but 0" }
    if nonzero.count > shown.count {
      let rest = total - shown.reduce(0) { $0 + products[$1] }
      text += " + \(Self.factor(rest)) from the other \(factors.count - shown.count)"
    }
    steps.append("\(result): \(text) = \(Format.value(total))")
    return total
  }

  /// Adds up a long sum: over blocks of its terms, over the terms of the block that one term lies in, and
  /// so on.
  ///
  /// - Parameters:
  ///   - sums: what each term adds.
  ///   - name: what the terms are, for example `channel`.
  ///   - first: the number of the first.
  ///   - chosen: which one the tables show.
  /// - Returns: the sum.
  @discardableResult
  mutating func add(_ sums: [Double], of name: String, from first: Int = 0, chosen: Int) -> Double {
    add(
      sums.enumerated().map { .init(first: first + $0, last: first + $0, sum: $1) }, of: name,
      chosen: chosen)
  }

  /// The same of terms that are sums of several themselves.
  @discardableResult
  mutating func add(_ terms: [PartialSums.Part], of name: String, chosen: Int) -> Double {
    let total = terms.reduce(0) { $0 + $1.sum }
    guard terms.count > 1, let first = terms.first?.first, let last = terms.last?.last else {
      return total
    }
    // As many parts as can be read.
    var size = 1
    while terms.count > 32 * size { size *= 16 }
    let blocks = stride(from: 0, to: terms.count, by: size).map {
      terms[$0..<min($0 + size, terms.count)]
    }
    let block = chosen / size
    if size > 1 { add(Array(blocks[block]), of: name, chosen: chosen % size) }
    let parts = blocks.map { block in
      PartialSums.Part(
        first: block.first?.first ?? 0, last: block.last?.last ?? 0,
        sum: block.reduce(0) { $0 + $1.sum })
    }
    sums.append(
      PartialSums(name: range(name, first, last), parts: parts, chosen: block, total: total))
    return total
  }

  /// A number in a product: a negative one in parentheses.
  static func factor(_ number: Double) -> String {
    number < 0 ? "(\(Format.value(number)))" : Format.value(number)
  }
}

/// `row 3` or `rows 3…5`.
func range(_ name: String, _ first: Int, _ last: Int) -> String {
  first == last ? "\(name) \(first)" : "\(name)s \(first)…\(last)"
}

extension Shape {
  /// Channel, row and column of a row-major position in the first image.
  func place(of position: Int) -> (channel: Int, row: Int, column: Int) {
    let plane = max(spatialCount, 1)
    return (position / plane, position % plane / max(width, 1), position % max(width, 1))
  }
}

extension Tensor<Float> {
  /// A value of the first image; `nil` in the padding.
  func value(channel: Int, row: Int, column: Int) -> Double? {
    let isInside = (0..<shape.height).contains(row) && (0..<shape.width).contains(column)
    return isInside ? Double(self[0, channel, row, column]) : nil
  }
}

/// The softmax of some scores, in Double: the one place where the walkthrough itself computes it.
func softmax(_ scores: [Double]) -> [Double] {
  let maximum = scores.max() ?? 0
  let powers = scores.map { exp($0 - maximum) }
  let sum = powers.reduce(0, +)
  return powers.map { $0 / sum }
}
