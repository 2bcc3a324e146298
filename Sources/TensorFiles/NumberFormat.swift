import NumPyFiles
import Tensors

/// How a file stores numbers: the types of numpy, and the one that numpy lacks.
package enum NumberFormat: Equatable {
  case numpy(NumPyElementType)
  /// The upper half of a `Float`.
  case bfloat16

  /// The bytes that a number takes.
  package var size: Int {
    switch self {
    case .numpy(let type): type.size
    case .bfloat16: 2
    }
  }

  /// An array of numbers that lie tight and in row-major order, lowest bytes first. Both kinds of
  /// 16-bit numbers become `Float`, which holds each of them exactly.
  ///
  /// - Precondition: `shape.count · size` bytes.
  /// - Complexity: O(count).
  package func array(_ shape: Shape, _ bytes: [UInt8]) -> NumPyArray {
    switch self {
    case .numpy(let type):
      return NumPyArray(shape: shape, elementType: type, bytes: bytes).widened()
    case .bfloat16:
      var floats: [UInt8] = []
      floats.reserveCapacity(2 * bytes.count)
      for i in stride(from: 0, to: bytes.count - 1, by: 2) {
        floats.append(0)
        floats.append(0)
        floats.append(bytes[i])
        floats.append(bytes[i + 1])
      }
      return NumPyArray(shape: shape, elementType: .float32, bytes: floats)
    }
  }
}

extension NumPyArray {
  /// The same numbers, those of 16 bits as `Float`, which holds each of them exactly.
  ///
  /// - Complexity: O(count) for `f2`, O(1) for every other type, which stays as it is.
  public func widened() -> NumPyArray {
    elementType == .float16 ? NumPyArray(tensor(as: Float.self)) : self
  }
}
