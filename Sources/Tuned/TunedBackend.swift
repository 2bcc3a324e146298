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

  /// The tuned layers, on all cores unless given another engine.
  public init(engine: Engine = .shared) {
    self.engine = engine
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
    Convolution(specification, engine: engine)
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
