/// One output value, computed by hand from its window.
struct Example: Encodable, Sendable {
  /// Where it stands, for example `channel 48, row 27, column 27`.
  var position: String
  /// Its channel, row and column in the output.
  var output: [Int]
  /// The steps of the computation.
  var steps: [String]
  var byHand: Double
  /// What each version has there, Reference first; it alone where the report is deterministic.
  var versions: [VersionValue]
  /// What it is computed from; missing where that is the whole input.
  var window: Window?

  /// The part of the input that the value is computed from.
  struct Window: Encodable, Sendable {
    /// The first and the last input channel.
    var firstChannel: Int
    var lastChannel: Int
    /// The first row and column, below 0 in the padding.
    var top: Int
    var left: Int
    /// Rows and columns from the first to the last, holes of a dilation included.
    var height: Int
    var width: Int
    /// What the numbers in `inputs` are.
    var kind: Kind
    /// Of several channels the one whose numbers follow: that which adds most.
    var channel: Int
    /// The numbers that go in, in rows; null in the padding. Empty where they are more than 1,024.
    var inputs: [[Double?]]
    /// What they are multiplied with, likewise; missing without weights.
    var weights: [[Double]]?
    /// The values of all channels at the position, where the window moves over channels.
    var column: [Double]?
    /// The channel that the window lies in, to draw it on.
    var plane: Raster
  }

  enum Kind: String, Encodable, Sendable {
    /// Rows and columns of one channel.
    case positions
    /// One row: the same position in neighbouring channels.
    case channels
  }
}
