import Tensors

// The fast layers work on bare pointers. What keeps those within their memory:
//
// - Each public pass checks that the tensors it is handed hold as many numbers as its sizes say
//   (`require`), and the pointers' loops run over those same sizes, which the comments name.
// - Working memory is lent by a `WorkspacePool` for a count that stands beside what it is for, and a
//   word behind it tells whether that was kept to.
// - Work is cut by `Partition`, whose parts lie in the whole.

/// Stops the program unless a tensor holds as many numbers as a pass is going to touch.
///
/// `Layer` leaves it to its callers that the tensors of a pass fit together. A caller's mistake must
/// not become a write beyond a tensor.
@inline(__always)
package func require<Element>(_ tensor: Tensor<Element>, _ count: Int) {
  require(
    tensor.count == count,
    "a tensor of shape \(tensor.shape) where \(count) numbers are needed: the tensors of a pass must "
      + "have the shapes that the layer's specification gives them")
}

/// Stops the program unless the gradients of a backward pass have the sizes of what they belong to.
@inline(__always)
package func require<Element>(
  _ gradients: [Tensor<Element>], like parameters: [Tensor<Element>],
  _ inputGradient: Tensor<Element>?, like input: Tensor<Element>
) {
  require(gradients.count == parameters.count, "each parameter needs memory for its gradient")
  for (gradient, parameter) in zip(gradients, parameters) { require(gradient, parameter.count) }
  if let inputGradient { require(inputGradient, input.count) }
}

extension Tensor {
  /// Calls `body` with the memory of the elements, `count` of them; not at all for an empty tensor.
  @inline(__always)
  package func withMemory(_ body: (UnsafePointer<Element>) -> Void) {
    elements.withUnsafeBufferPointer { buffer in
      require(buffer.count == count, "a tensor's elements must be as many as its shape says")
      if let base = buffer.baseAddress, count > 0 { body(base) }
    }
  }

  /// As `withMemory`, to write to.
  @inline(__always)
  package mutating func withMutableMemory(_ body: (UnsafeMutablePointer<Element>) -> Void) {
    let count = count
    elements.withUnsafeMutableBufferPointer { buffer in
      require(buffer.count == count, "a tensor's elements must be as many as its shape says")
      if let base = buffer.baseAddress, !buffer.isEmpty { body(base) }
    }
  }
}

/// Calls `body` with the memory of tensors; not at all if one is empty.
func withMemory<Scalar: BLASScalar>(
  of tensors: [Tensor<Scalar>], _ body: ([UnsafePointer<Scalar>]) -> Void
) {
  func add(_ pointers: [UnsafePointer<Scalar>]) {
    guard pointers.count < tensors.count else { return body(pointers) }
    tensors[pointers.count].withMemory { add(pointers + [$0]) }
  }
  add([])
}

/// Calls `body` with the memory of weights and, if the layer has one, of the bias.
@inline(__always)
package func withMemory<Scalar: BLASScalar>(
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
package func withMutableMemory<Scalar: BLASScalar>(
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
  package mutating func withMutableMemory<Scalar>(
    _ body: (UnsafeMutablePointer<Scalar>?) -> Void
  ) where Wrapped == Tensor<Scalar> {
    guard self != nil else { return body(nil) }
    update { $0.withMutableMemory { body($0) } }
  }
}

extension UnsafeMutablePointer where Pointee: BLASScalar {
  /// Sets `count` numbers.
  @inline(__always)
  func fill(_ count: Int, with value: Pointee) {
    for i in 0..<count { self[i] = value }
  }

  /// Adds `count` numbers to as many.
  @inline(__always)
  func add(_ values: UnsafePointer<Pointee>, _ count: Int) {
    for i in 0..<count { self[i] += values[i] }
  }
}
