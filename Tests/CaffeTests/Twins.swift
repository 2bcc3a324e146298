import Fast
import Layers
import Networks
import Reference
import Tensors
import Testing
import Tuned

/// A version of the layers and a precision to run it in.
enum Twin: String, CaseIterable, Sendable {
  case reference
  case fast
  case tuned
}

extension Twin {
  /// This version's layers in a precision.
  func backend<Scalar: BLASScalar>(as type: Scalar.Type) -> any Backend<Scalar> {
    switch self {
    case .reference: ReferenceBackend<Scalar>()
    case .fast: FastBackend<Scalar>()
    // In Double, where Tuned has nothing, Fast once more.
    case .tuned: (TunedBackend() as? any Backend<Scalar>) ?? FastBackend<Scalar>()
    }
  }
}

/// Expects two arrays to agree within a share of the expected one's largest magnitude.
func expectClose<Scalar>(
  _ actual: Tensor<Scalar>, _ expected: Tensor<Scalar>, within share: Double, _ what: String,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record(
      "\(what): shape \(actual.shape) instead of \(expected.shape)",
      sourceLocation: sourceLocation)
    return
  }
  let scale = expected.largestMagnitude
  let difference = actual.largestDifference(to: expected)
  #expect(
    difference <= share * scale, "\(what): off by \(difference) of \(scale)",
    sourceLocation: sourceLocation)
}

/// Caffe computes in Float and its own Float and Double differ by up to 9e-7 of an array's largest
/// magnitude; a sum in another order is as far from Double again. An order of magnitude above that.
let singlePrecision = 1e-5

/// Caffe in Double, the same formulas in Double: differences come from the order of sums, about
/// 1e-16 times the square root of the number of terms. This leaves room for the constants that
/// Caffe keeps in Float (α, β, loss weights), each good to 6e-8.
let doublePrecision = 1e-6
