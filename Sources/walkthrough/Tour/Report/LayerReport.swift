/// All that the tour says of one layer.
///
/// Numbers are those of Reference. Times, algorithms and differences between the versions are missing
/// where the report is deterministic.
struct LayerReport: Encodable, Sendable {
  var number: Int
  var name: String
  var type: String
  /// What the layer does, in a sentence or two.
  var explanation: String
  /// The formula with this layer's numbers put in.
  var formula: String
  /// The same in pieces, with the lines of code that compute each; joined, they are `formula`.
  var formulaParts: [FormulaPart]
  /// How the output's shape follows, a line a size.
  var arithmetic: [String]
  var settings: Settings
  /// The input's channels, rows and columns.
  var input: [Int]
  /// The output's channels, rows and columns.
  var output: [Int]
  var isInPlace: Bool
  /// The parts of a grouped convolution that don't see each other; a single one elsewhere; empty
  /// for layers that aren't convolutions.
  var groups: [Group]
  var parameters: Parameters
  var macs: Int
  var flops: Int
  var memoryBytes: Memory
  /// Rows of the image that one output position depends on.
  var receptiveField: Int
  /// Rows of the image between neighbouring output positions.
  var stride: Int
  /// Of the output.
  var statistics: Statistics
  /// Of the same.
  var histogram: Histogram
  /// Of the same; missing for a layer whose output is one number.
  var silence: Silence?
  /// Some channels of the output, evenly spaced, at most `FeatureMap.limit`; empty where a channel
  /// is a single number.
  var maps: [FeatureMap]
  /// The weights as pictures, for a layer that looks at the image itself.
  var filters: [Raster]
  var example: Example
  /// What each version made of the layer, Reference first.
  var versions: [VersionReport]
  /// Whether outputs and gradients of all versions agree: to 1e-5 of each tensor's largest magnitude,
  /// save single elements of a gradient beside a kink, see `Agreement`.
  var agrees: Bool
  var source: Source
  /// The gradient check of Reference and Fast, a row for each input and parameter.
  var checks: [Check]
  /// What was checked, for a reader; missing where nothing was.
  var checkedOn: String?
  /// Missing for a layer that the error doesn't pass through.
  var backward: Backward?

  struct Parameters: Encodable, Sendable {
    var weights: Int
    var biases: Int
    var total: Int
    /// The shape of the weights, empty without any.
    var weightShape: [Int]
  }

  /// Bytes in single precision.
  struct Memory: Encodable, Sendable {
    var output: Int
    var parameters: Int
  }

  /// Kernels that see the same part of the input. Channels are counted from 0, ends included.
  struct Group: Encodable, Sendable {
    var firstInput: Int
    var lastInput: Int
    var firstOutput: Int
    var lastOutput: Int
    var parameters: Int
  }

  /// Hyper-parameters, as far as the layer has them; an extent is [rows, columns].
  struct Settings: Encodable, Sendable {
    var outputs: Int?
    var kernel: [Int]?
    var stride: [Int]?
    var pad: [Int]?
    var dilation: [Int]?
    var group: Int?
    /// `maximum` or `average`.
    var method: String?
    /// `ceiling` or `floor`.
    var rounding: String?
    /// `acrossChannels` or `withinChannel`.
    var region: String?
    var localSize: Int?
    var alpha: Double?
    var beta: Double?
    var k: Double?
    var ratio: Double?
    var negativeSlope: Double?
    var topK: Int?
  }

  /// How the gradient of one version by one tensor fared against difference quotients.
  struct Check: Encodable, Sendable {
    /// `reference` or `fast`.
    var version: String
    /// `input`, `weights` or `bias`.
    var tensor: String
    /// How many elements were compared.
    var elements: Int
    /// Along how many directions the tensor was moved as a whole.
    var directions: Int
    var passed: Bool
    /// The greatest of the elements; missing where the report is deterministic.
    var relativeError: Double?
    /// The greatest difference in units of its own error bar; a gradient is right below 1. Missing
    /// where the report is deterministic.
    var errorOverBar: Double?
  }

  struct Backward: Encodable, Sendable {
    var explanation: String
    /// Of the gradient that the layer passes on; missing where nobody needs it.
    var inputGradient: Statistics?
    var inputHistogram: Histogram?
    /// The gradient by the channels of the input, like `maps`.
    var inputMaps: [FeatureMap]
    /// Of the gradients of the parameters by name.
    var parameterGradients: [String: Statistics]
    var parameterHistograms: [String: Histogram]
    /// The gradient by the weights as pictures, for a layer that looks at the image itself.
    var filterGradients: [Raster]
    /// How many elements of the input's gradient lie beside a kink, as a version fell on another side
    /// of it than Reference; missing where the report is deterministic.
    var besideKink: Int?
    /// The largest magnitude in all gradients, to hold the difference against.
    var largestMagnitude: Double
  }
}

/// One channel as a picture.
struct FeatureMap: Encodable, Sendable {
  /// The most that a report shows of one layer.
  static let limit = 12

  /// Counted from 0.
  var channel: Int
  /// Which group of the layer's kernels it belongs to, counted from 0.
  var group: Int
  var raster: Raster
  /// Where the map is greatest over the pictures at hand; missing where it is nowhere above 0, or
  /// wasn't looked for.
  var peak: Peak?

  /// The place of the greatest value, and the part of the picture that it depends on.
  struct Peak: Encodable, Sendable {
    /// Which picture, for a reader.
    var picture: String
    /// In the picture as the network gets it; may reach beyond its border.
    var top: Int
    var left: Int
    var side: Int
    var value: Double
    /// That part in colour, as far as it lies on the picture.
    var patch: Raster
  }
}
