import Layers
import Tensors

/// Every layer as a textbook has it, on im2col, OpenBLAS and plain loops, on the threads of an engine.
public struct FastBackend<Scalar: BLASScalar>: Backend {
  private let engine: Engine

  /// The fast layers, on all cores unless given another engine.
  public init(engine: Engine = .shared) {
    self.engine = engine
  }

  /// `fast`.
  public var name: String { "fast" }

  /// `Fast.Convolution`.
  public func convolution(_ specification: ConvolutionSpecification) -> any SingleInputLayer<Scalar>
  {
    Convolution(specification, engine: engine)
  }

  /// `Fast.ReLU`.
  public func relu(_ specification: ReLUSpecification) -> any InPlaceLayer<Scalar> {
    ReLU(specification, engine: engine)
  }

  /// `Fast.Pooling`.
  public func pooling(_ specification: PoolingSpecification) -> any SingleInputLayer<Scalar> {
    Pooling(specification, engine: engine)
  }

  /// `Fast.LRN`.
  public func lrn(_ specification: LRNSpecification) -> any SingleInputLayer<Scalar> {
    LRN(specification, engine: engine)
  }

  /// `Fast.InnerProduct`.
  public func innerProduct(_ specification: InnerProductSpecification) -> any SingleInputLayer<
    Scalar
  > {
    InnerProduct(specification, engine: engine)
  }

  /// `Fast.Dropout`.
  public func dropout(_ specification: DropoutSpecification) -> any InPlaceLayer<Scalar> {
    Dropout(specification, engine: engine)
  }

  /// `Fast.Sigmoid`.
  public func sigmoid(_ specification: SigmoidSpecification) -> any InPlaceLayer<Scalar> {
    Sigmoid(specification, engine: engine)
  }

  /// `Fast.TanH`.
  public func tanh(_ specification: TanHSpecification) -> any InPlaceLayer<Scalar> {
    TanH(specification, engine: engine)
  }

  /// `Fast.Concat`.
  public func concat(_ specification: ConcatSpecification) -> any Layer<Scalar> {
    Concat(specification, engine: engine)
  }

  /// `Fast.Eltwise`.
  public func eltwise(_ specification: EltwiseSpecification) -> any Layer<Scalar> {
    Eltwise(specification, engine: engine)
  }

  /// `Fast.AdaptiveAveragePooling`.
  public func adaptiveAveragePooling(
    _ specification: AdaptiveAveragePoolingSpecification
  ) -> any SingleInputLayer<Scalar> {
    AdaptiveAveragePooling(specification, engine: engine)
  }

  /// `Fast.Softmax`.
  public func softmax(_ specification: SoftmaxSpecification) -> any SingleInputLayer<Scalar> {
    Softmax(specification, engine: engine)
  }

  /// `Fast.SoftmaxWithLoss`.
  public func softmaxWithLoss(
    _ specification: SoftmaxWithLossSpecification
  ) -> any SingleInputLayer<Scalar> {
    SoftmaxWithLoss(specification, engine: engine)
  }

  /// `Fast.Accuracy`.
  public func accuracy(_ specification: AccuracySpecification) -> any SingleInputLayer<Scalar> {
    Accuracy(specification, engine: engine)
  }

  /// The step of `Sources/Fast/SGD.swift`.
  ///
  /// - Complexity: O(count) for a parameter of `count` elements, over the engine's threads;
  ///   allocates nothing.
  public func take(
    _ step: SGDStep, on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>
  ) {
    step.take(on: &parameter, momentumBuffer: &momentumBuffer, gradient: gradient, engine: engine)
  }
}
