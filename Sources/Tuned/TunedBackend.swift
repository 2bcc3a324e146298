import Fast
import Layers
import Tensors

/// The layers of `Fast`, and in their place those for which this processor has something better; of
/// these, a shape that isn't in their plans is Fast's as well.
///
/// Float only: what is gained here is gained in vectors of Floats.
public struct TunedBackend: DerivedBackend {
  /// Whose layers are taken where there are none here.
  public let base: FastBackend<Float>
  private let engine: Engine
  private let isExact: Bool

  /// The tuned layers, on all cores unless given another engine.
  ///
  /// - Parameters:
  ///   - engine: whose threads they run on.
  ///   - isExact: whether convolutions keep to the products of the definition. Minimal filtering, which
  ///     does with fewer, has two to three times their rounding error.
  public init(engine: Engine = .shared, isExact: Bool = false) {
    self.engine = engine
    self.isExact = isExact
    base = FastBackend(engine: engine)
  }

  /// Whether the build has what the tuned layers need: the product and sum of vectors in one
  /// instruction. Where it hasn't, convolutions and inner products are Fast's.
  public static var isSupported: Bool { Tile.isSupported }

  /// `tuned`.
  public var name: String { "tuned" }

  /// `Tuned.Convolution`.
  public func convolution(_ specification: ConvolutionSpecification) -> any SingleInputLayer<Float>
  {
    Convolution(specification, engine: engine, isExact: isExact)
  }

  /// `Tuned.Pooling`.
  public func pooling(_ specification: PoolingSpecification) -> any SingleInputLayer<Float> {
    Pooling(specification, engine: engine)
  }

  /// `Tuned.LRN`.
  public func lrn(_ specification: LRNSpecification) -> any SingleInputLayer<Float> {
    LRN(specification, engine: engine)
  }

  /// `Tuned.InnerProduct`.
  public func innerProduct(_ specification: InnerProductSpecification) -> any SingleInputLayer<
    Float
  > {
    InnerProduct(specification, engine: engine)
  }
}
