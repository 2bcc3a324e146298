import Layers
import Tensors

/// All that the tour says of one layer. Every face of the tour is made from these values.
struct LayerReport: Encodable {
  var number: Int
  var name: String
  var type: String
  /// What the layer does, in a sentence or two.
  var explanation: String
  /// The formula with this layer's numbers put in.
  var formula: String
  /// How the output's shape follows, a line a size.
  var arithmetic: [String]
  /// The input's channels, rows and columns.
  var input: [Int]
  /// The output's channels, rows and columns.
  var output: [Int]
  var isInPlace: Bool
  var parameters: Parameters
  var macs: Int
  var flops: Int
  var memoryBytes: Memory
  var receptiveField: Int
  var stride: Int
  /// Of the output of the naive version.
  var statistics: Statistics
  var example: Example
  var naiveForwardSeconds: Double
  var fastForwardSeconds: Double
  /// The greatest difference between the outputs of the two versions.
  var maxDifference: Double
  var source: Source
  /// Missing for a layer that the error doesn't pass through.
  var backward: Backward?

  struct Parameters: Encodable {
    var weights: Int
    var biases: Int
    var total: Int
    /// The shape of the weights, empty without any.
    var weightShape: [Int]
  }

  /// Bytes in single precision.
  struct Memory: Encodable {
    var output: Int
    var parameters: Int
  }

  /// One output value, computed by hand from its window.
  struct Example: Encodable {
    /// Where it stands, for example `channel 48, row 27, column 27`.
    var position: String
    /// The steps of the computation.
    var steps: [String]
    var byHand: Double
    var naive: Double
    var fast: Double
  }

  /// Files and lines from the package's root.
  struct Source: Encodable {
    var reference: String
    var fast: String
  }

  struct Backward: Encodable {
    var explanation: String
    /// Of the gradient that the layer passes on; missing where nobody needs it.
    var inputGradient: Statistics?
    /// Of the gradients of the parameters by name.
    var parameterGradients: [String: Statistics]
    var naiveBackwardSeconds: Double
    var fastBackwardSeconds: Double
    /// The greatest difference between all gradients of the two versions.
    var maxDifference: Double
    /// The largest magnitude in all gradients, to hold the difference against.
    var largestMagnitude: Double
  }
}

/// All that the tour says.
struct TourReport: Encodable {
  var network: String
  /// What the network looks at.
  var image: String
  var input: [Int]
  var seed: UInt32
  var precision = "Float"
  var layers: [LayerReport]
  var loss: Double
  /// The loss of the optimized version.
  var fastLoss: Double
  var classes: Int
  var parameters: Int
  var macs: Int
  var flops: Int
  /// What the loss means.
  var lossExplanation: String
}

/// A tensor in five numbers.
struct Statistics: Encodable, Equatable {
  var mean: Double
  var deviation: Double
  var minimum: Double
  var maximum: Double
  /// The share of values that are exactly 0.
  var zeroShare: Double

  init(_ tensor: Tensor<Float>) {
    let count = Double(max(tensor.count, 1))
    var sum = 0.0
    var zeros = 0
    (minimum, maximum) = (.infinity, -.infinity)
    for element in tensor.elements {
      let value = Double(element)
      sum += value
      zeros += value == 0 ? 1 : 0
      minimum = min(minimum, value)
      maximum = max(maximum, value)
    }
    mean = sum / count
    var squares = 0.0
    for element in tensor.elements {
      let difference = Double(element) - mean
      squares += difference * difference
    }
    deviation = (squares / count).squareRoot()
    zeroShare = Double(zeros) / count
  }
}
