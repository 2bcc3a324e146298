import Layers
import Tensors

/// Dropout, fast.
///
/// The random numbers are drawn one after the other, as their order is part of the result; the
/// selection is a loop without branches over ranges that the threads share.
///
/// Twin: `Sources/Reference/Dropout.swift`. Source: Caffe's `dropout_layer.cpp`.
public struct Dropout<Scalar: BLASScalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: DropoutSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: DropoutSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
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
  /// - Complexity: O(count) in training, one random number a value, drawn in order on one thread; O(1)
  ///   in testing.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout Saved
  ) {
    saved.drops = context.phase == .training
    if saved.drops {
      let threshold = specification.keepThreshold
      saved.keeps.withUnsafeMutableBufferPointer { keeps in
        // ← kept
        for i in keeps.indices { keeps[i] = context.random.next() <= threshold }
      }
    }
    apply(saved, to: &data)
  }

  /// The gradient takes the way that the value took.
  ///
  /// - Complexity: O(count) after training, O(1) after testing.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: Saved
  ) {
    apply(saved, to: &gradient)
  }

  /// out = keeps ? in · scale : 0
  @inline(__always)
  private func apply(_ saved: Saved, to data: inout Tensor<Scalar>) {
    guard saved.drops else { return }
    let count = data.count
    require(saved.keeps.count == count, "a mask of \(saved.keeps.count) for \(count) numbers")
    let scale = Scalar(specification.scale)
    saved.keeps.withUnsafeBufferPointer { keeps in
      engine.change(&data) { data, range in
        // ← out, in; ∂in ∂L/∂in, kept, ∂L/∂out
        for i in range { data[i] = keeps[i] ? data[i] * scale : 0 }
      }
    }
  }
}
