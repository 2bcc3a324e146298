import Layers
import Networks
import Reference
import Tensors

/// How far a version of a tensor in Float is from that of Reference.
///
/// A pre-activation within rounding of 0 can fall on either side of ReLU's kink, and of two inputs
/// of a pooling window that are all but equal, either can be the greatest. There the gradients of
/// two right programs differ by more than rounding. Such elements are found and counted, not hidden
/// in a wider tolerance for all.
struct Agreement {
  /// The greatest difference of the elements that aren't beside a kink.
  private(set) var difference: Double
  /// The largest magnitude of Reference's tensor.
  private(set) var largestMagnitude: Double
  /// Positions of the elements beside a kink.
  private(set) var besideKink: [Int]

  /// The greatest difference that is one of rounding, as a share of the largest magnitude: on this
  /// network, PyTorch, ONNX Runtime and OpenCV stay within 6e-6 of Double, and the versions
  /// within 5e-6 of each other, in outputs and gradients.
  static let tolerance = 1e-5

  /// Compares two versions, save at the positions beside a kink.
  ///
  /// - Precondition: the shapes agree.
  init(_ reference: Tensor<Float>, _ other: Tensor<Float>, besideKink: [Int] = []) {
    self.besideKink = besideKink
    largestMagnitude = reference.largestMagnitude
    difference = reference.largestDifference(to: other.taking(from: reference, at: besideKink))
  }

  /// Whether the difference is one of rounding; NaN isn't.
  var isRounding: Bool { difference <= Self.tolerance * largestMagnitude }
}

extension Tensor<Float> {
  /// This tensor with some elements of another one of its shape.
  func taking(from other: Tensor<Float>, at positions: [Int]) -> Tensor<Float> {
    var result = self
    for position in positions { result[position] = other[position] }
    return result
  }
}

extension LayerSpecification {
  /// Positions of the input at which two versions of it lie on different sides of the layer's kink:
  /// one is above 0 and one isn't, or one is the maximum of a window and one isn't.
  ///
  /// - Precondition: the shapes agree.
  /// - Throws: `LayerError` for inputs that the layer refuses.
  func kinksBetween(_ a: Tensor<Float>, _ b: Tensor<Float>) throws(LayerError) -> [Int] {
    switch self {
    case is ReLUSpecification: return (0..<a.count).filter { (a[$0] > 0) != (b[$0] > 0) }
    case let specification as PoolingSpecification where specification.method == .maximum:
      let pooling = Reference.Pooling<Float>(specification)
      let (first, second) = (try pooling.forward(a).saved, try pooling.forward(b).saved)
      let windows = first.maxPositions.count / max(a.shape.images * a.shape.channels, 1)
      var positions: Set<Int> = []
      for (window, pair) in zip(first.maxPositions, second.maxPositions).enumerated()
      where pair.0 != pair.1 {
        // A window without a number above −FLT_MAX has no maximum: −1.
        let plane = window / windows * a.shape.spatialCount
        for place in [pair.0, pair.1] where place >= 0 { positions.insert(plane + Int(place)) }
      }
      return positions.sorted()
    default: return []
    }
  }
}
