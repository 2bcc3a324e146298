import Layers
import Tensors

/// Dropout.
///
///     training:  out[i] = keeps[i] ? in[i] / (1 − ratio) : 0
///     testing:   out = in
///
/// One random number is drawn for each value, in row-major order.
///
/// Twin: `Sources/Fast/Dropout.swift`. Source: Caffe's `dropout_layer.cpp`.
public struct Dropout<Scalar: Tensors.Scalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: DropoutSpecification

  /// The naive version of a specification.
  public init(_ specification: DropoutSpecification) {
    self.specification = specification
  }

  /// The mask of a forward pass.
  public struct Saved: Sendable {
    /// Whether each value was kept.
    public var keeps: [Bool]
    /// Whether the pass changed anything: in testing it doesn't.
    public var drops: Bool
  }

  /// A mask for an input.
  ///
  /// - Complexity: O(count), allocating a byte for each value.
  public func makeSaved(for input: Shape) throws(LayerError) -> Saved {
    Saved(keeps: [Bool](repeating: true, count: input.count), drops: false)
  }

  /// Drops and scales in training.
  ///
  /// - Complexity: O(count) in training, one random number a value; O(1) in testing.
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout Saved
  ) {
    saved.drops = context.phase == .training
    guard saved.drops else { return }
    for i in saved.keeps.indices {
      // ← kept
      saved.keeps[i] = context.random.next() <= specification.keepThreshold
    }
    apply(saved, to: &data)
  }

  /// The gradient takes the way that the value took.
  ///
  /// - Complexity: O(count) after training, O(1) after testing.
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: Saved
  ) {
    apply(saved, to: &gradient)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func apply(_ saved: Saved, to data: inout Tensor<Scalar>) {
    guard saved.drops else { return }
    let scale = Scalar(specification.scale)
    for i in 0..<data.count {
      // ← out, in; ∂in ∂L/∂in, kept, ∂L/∂out
      data[i] = saved.keeps[i] ? data[i] * scale : 0
    }
  }
}
