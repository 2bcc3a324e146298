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

/// How often values fall where.
struct Histogram: Encodable, Equatable, Sendable {
  /// The number of bars.
  static let barCount = 32

  /// The least and the greatest finite value.
  var lower: Double
  var upper: Double
  /// Of the finite values that aren't 0, those in each of equally wide parts from `lower` to
  /// `upper`.
  var counts: [Int]
  /// The values that are exactly 0.
  var zeros: Int
  /// NaN and infinities.
  var nonFinite: Int

  init(_ tensor: Tensor<Float>) {
    (lower, upper, zeros, nonFinite) = (.infinity, -.infinity, 0, 0)
    for value in tensor.elements {
      if !value.isFinite {
        nonFinite += 1
      } else {
        lower = min(lower, Double(value))
        upper = max(upper, Double(value))
      }
      if value == 0 { zeros += 1 }
    }
    counts = [Int](repeating: 0, count: Self.barCount)
    guard lower <= upper else {
      (lower, upper) = (0, 0)
      return
    }
    // Equal values all belong to the first bar.
    let scale = upper > lower ? Double(Self.barCount) / (upper - lower) : 0
    for value in tensor.elements where value != 0 && value.isFinite {
      counts[min(Int((Double(value) - lower) * scale), Self.barCount - 1)] += 1
    }
  }
}
