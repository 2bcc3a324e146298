import Layers
import Tensors

/// Dropout, fast.
///
/// The random numbers are drawn one after the other, as their order is part of the result; the
/// selection is a loop without branches over ranges that the threads share. Out of place the input is
/// copied first: a network runs it in place.
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

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// Drops and scales in training, copies in testing.
  ///
  /// - Complexity: O(count): in training one random number a value, drawn in order on one thread.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    output.copyElements(from: input)
    forward(inPlace: &output, context: &context, saved: &saved)
  }

  /// The gradient takes the way that the value took.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update {
      $0.copyElements(from: outputGradient)
      apply(saved, to: &$0)
    }
  }

  /// As for `forward`, over the input.
  ///
  /// - Complexity: O(count) in training, O(1) in testing.
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

  /// As for `backward`, over the output's gradient.
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
      data.withMutableMemory { data in
        engine.run(over: count) { range in
          // ← out, in; ∂in ∂L/∂in, kept, ∂L/∂out
          for i in range { data[i] = keeps[i] ? data[i] * scale : 0 }
        }
      }
    }
  }
}
