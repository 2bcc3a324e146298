import Tensors

extension Tensor {
  /// Calls `body` with the memory of the elements, `count` of them; not at all for an empty tensor.
  @inline(__always)
  func withMemory(_ body: (UnsafePointer<Element>) -> Void) {
    elements.withUnsafeBufferPointer { buffer in
      if let base = buffer.baseAddress, count > 0 { body(base) }
    }
  }

  /// As `withMemory`, to write to.
  @inline(__always)
  mutating func withMutableMemory(_ body: (UnsafeMutablePointer<Element>) -> Void) {
    elements.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress, !buffer.isEmpty { body(base) }
    }
  }
}

/// Calls `body` with the memory of weights and, if the layer has one, of the bias.
@inline(__always)
func withMemory<Scalar: FastScalar>(
  ofParameters parameters: [Tensor<Scalar>],
  _ body: (_ weights: UnsafePointer<Scalar>, _ bias: UnsafePointer<Scalar>?) -> Void
) {
  parameters[0].withMemory { weights in
    guard parameters.count > 1 else { return body(weights, nil) }
    parameters[1].withMemory { body(weights, $0) }
  }
}

/// Calls `body` with the memory of the gradients of weights and bias.
@inline(__always)
func withMutableMemory<Scalar: FastScalar>(
  ofGradients gradients: inout [Tensor<Scalar>],
  _ body: (_ weights: UnsafeMutablePointer<Scalar>, _ bias: UnsafeMutablePointer<Scalar>?) -> Void
) {
  // Through a buffer pointer, since the array itself can't be changed in two places at a time.
  gradients.withUnsafeMutableBufferPointer { tensors in
    tensors[0].withMutableMemory { weights in
      guard tensors.count > 1 else { return body(weights, nil) }
      tensors[1].withMutableMemory { body(weights, $0) }
    }
  }
}

extension Optional {
  /// Calls `body` with the memory of the tensor, or with `nil` if there is none.
  @inline(__always)
  mutating func withMutableMemory<Scalar>(
    _ body: (UnsafeMutablePointer<Scalar>?) -> Void
  ) where Wrapped == Tensor<Scalar> {
    guard self != nil else { return body(nil) }
    update { $0.withMutableMemory { body($0) } }
  }
}
