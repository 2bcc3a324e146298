import Tensors

/// A tensor in five numbers.
struct Statistics: Encodable, Equatable, Sendable {
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
