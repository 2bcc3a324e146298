import Layers
import Networks
import Tensors

/// All that the tour says of one layer.
///
/// Numbers are those of Reference. Times, algorithms and differences between the versions are missing
/// where the report is deterministic.
struct LayerReport: Encodable, Sendable {
  var number: Int
  var name: String
  var type: String
  /// The class that gives the layer its colour on the page.
  var kind: String
  /// The name of an earlier layer of which all of this is true: type, formula and code; missing for the
  /// first of its kind.
  var repeats: String?
  /// Where to read on and what to try; missing for a layer without a chapter.
  var course: CourseEntry?
  /// How the page lets the window of the value by hand be moved, if it does.
  var sliding: Sliding?
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
  /// Rows of the image that one output position depends on where no border cuts it.
  var receptiveField: Int
  /// Rows of the image between neighbouring output positions.
  var stride: Int
  /// What the output position in the middle depends on, clipped to the image.
  var seen: Seen
  /// Of the output.
  var statistics: Statistics
  /// Of the same.
  var histogram: Histogram
  /// Of the same; missing for a layer whose output is one number, or drops values.
  var zeroUnits: ZeroUnits?
  /// Some channels of the output, evenly spaced, at most `FeatureMap.limit`; empty where a channel
  /// is a single number.
  var maps: [FeatureMap]
  /// The weights as pictures, for a layer that looks at the image itself.
  var filters: [Raster]
  /// A value of the output by hand; missing for a layer of which the tour doesn't know how.
  var example: WorkedExample?
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

  private enum CodingKeys: String, CodingKey {
    case number, name, type, kind, repeats, course, sliding, explanation, formula, formulaParts,
      arithmetic, settings, input, output, isInPlace, groups, parameters, macs, flops, memoryBytes,
      receptiveField, stride, seen, statistics, histogram
    // As it was called first.
    case zeroUnits = "silence"
    case maps, filters, example, versions, agrees, source, checks, checkedOn, backward
  }

  /// Rows and columns of the image from the first to the last, ends included.
  struct Seen: Encodable, Equatable, Sendable {
    var rows: [Int]
    var columns: [Int]
  }

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
    /// The gradients with this layer's numbers put in, by parameters and input.
    var formulas: [String]
    /// Each of them in pieces, as `formulaParts`.
    var formulaParts: [[FormulaPart]]
    /// One value of each gradient by hand, as far as the tour knows how.
    var examples: [WorkedExample]
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

/// How many channels, or units where a channel is a single number, are 0 on this image. That doesn't make
/// them dead: a dead unit is 0 for every image.
struct ZeroUnits: Encodable, Equatable, Sendable {
  /// Those that are 0 everywhere.
  var zero: Int
  /// All.
  var count: Int

  private enum CodingKeys: String, CodingKey {
    case zero = "dead"
    case count
  }

  /// Of the channels of the first image; `nil` for a single number.
  init?(_ tensor: Tensor<Float>) {
    guard tensor.shape.rank >= 2 else { return nil }
    let plane = tensor.shape.spatialCount
    count = tensor.shape.channels
    zero = (0..<count).count { channel in
      tensor.elements[channel * plane..<(channel + 1) * plane].allSatisfy { $0 == 0 }
    }
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

extension FeatureMap {
  /// Some channels of the first image, evenly spaced, so that every group has its share.
  static func evenlySpaced(_ tensor: Tensor<Float>, groups: Int) -> [FeatureMap] {
    let channels = tensor.shape.channels
    guard tensor.shape.rank == 4, tensor.shape.spatialCount > 1 else { return [] }
    let shown = min(channels, limit)
    let isSigned = tensor.elements.contains { $0 < 0 }
    return (0..<shown).map { number in
      let channel = number * channels / shown
      return FeatureMap(
        channel: channel, group: channel / max(channels / groups, 1),
        raster: Raster(tensor, channel: channel, isSigned: isSigned))
    }
  }
}

extension LayerReport.Parameters {
  /// The counts of a layer.
  init(_ summary: NetworkPlan.Layer) {
    let counts = summary.parameters.map(\.shape.count)
    self.init(
      weights: counts.first ?? 0, biases: counts.dropFirst().first ?? 0,
      total: summary.parameterCount,
      weightShape: summary.parameters.first?.shape.dimensions ?? [])
  }
}

/// Where a layer stands in each version, by path from the package's root.
struct Source: Encodable, Sendable {
  /// `file:line`; without the line where the report is deterministic, as every edit would move it.
  var reference: String
  var fast: String
  /// The functions of each version that compute; missing where the package's source isn't at hand, the
  /// report is deterministic, or, of Tuned, where it has the layer of Fast. `SourceTree.package` has their
  /// text.
  var referenceCode: Code?
  var fastCode: Code?
  var tunedCode: Code?

  /// The functions of one version, whole, in its file and the files that it names.
  struct Code: Encodable, Equatable, Sendable {
    var forward: [Passage]
    var backward: [Passage]
    /// The lines that compute a piece of a formula, by the formula and the piece.
    var marks: [Mark]

    /// What a line's mark names: `∂w` and `Σ_y` for `// ← ∂w Σ_y`; the forward formula's is "".
    struct Mark: Encodable, Equatable, Sendable {
      var formula: String
      var piece: String
      var passage: Passage
    }
  }
}

/// Lines of a file, counted from 1, ends included.
struct Passage: Encodable, Equatable, Sendable {
  /// From the package's root, for example `Sources/Fast/Convolution.swift`.
  var file: String
  var first: Int
  var last: Int
}

/// A piece of a formula and the code that computes it.
struct FormulaPart: Encodable, Sendable {
  var text: String
  /// What it stands for; missing for signs between two pieces.
  var meaning: String?
  /// Missing where no single place computes it, and as in `Source`.
  var reference: Passage?
  var fast: Passage?
}
