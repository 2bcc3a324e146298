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
    require(output, input.count)
    draw(&saved, &context)
    input.withMemory { x in
      output.withMutableMemory { apply(saved, to: x, into: $0, input.count) }
    }
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
    require(outputGradient, input.count)
    if let inputGradient { require(inputGradient, input.count) }
    inputGradient.update { gradient in
      outputGradient.withMemory { dy in
        gradient.withMutableMemory { apply(saved, to: dy, into: $0, outputGradient.count) }
      }
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
    draw(&saved, &context)
    apply(saved, inPlace: &data)
  }

  /// As for `backward`, over the output's gradient.
  ///
  /// - Complexity: O(count) after training, O(1) after testing.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: Saved
  ) {
    apply(saved, inPlace: &gradient)
  }

  private func draw(_ saved: inout Saved, _ context: inout RunContext) {
    saved.drops = context.phase == .training
    guard saved.drops else { return }
    let threshold = specification.keepThreshold
    saved.keeps.withUnsafeMutableBufferPointer { keeps in
      for i in keeps.indices { keeps[i] = context.random.next() <= threshold }
    }
  }

  private func requireMask(_ saved: Saved, _ count: Int) {
    precondition(saved.keeps.count == count, "a mask of \(saved.keeps.count) for \(count) numbers")
  }

  /// y = keeps ? x · scale : 0, for `count` numbers; the mask has as many.
  @inline(__always)
  private func apply(
    _ saved: Saved, to x: UnsafePointer<Scalar>, into y: UnsafeMutablePointer<Scalar>, _ count: Int
  ) {
    let scale = Scalar(specification.scale)
    requireMask(saved, count)
    saved.keeps.withUnsafeBufferPointer { keeps in
      engine.run(over: count) { range in
        if saved.drops {
          for i in range { y[i] = keeps[i] ? x[i] * scale : 0 }
        } else {
          for i in range { y[i] = x[i] }
        }
      }
    }
  }

  /// As above, in one memory: a loop of its own, as the compiler makes no vectors of one whose two
  /// pointers turn out to be the same.
  @inline(__always)
  private func apply(_ saved: Saved, inPlace data: inout Tensor<Scalar>) {
    guard saved.drops else { return }
    requireMask(saved, data.count)
    let scale = Scalar(specification.scale)
    let count = data.count
    saved.keeps.withUnsafeBufferPointer { keeps in
      data.withMutableMemory { data in
        engine.run(over: count) { range in
          for i in range { data[i] = keeps[i] ? data[i] * scale : 0 }
        }
      }
    }
  }
}
