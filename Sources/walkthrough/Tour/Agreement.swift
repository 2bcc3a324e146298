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
