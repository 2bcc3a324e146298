import Layers
import Tensors

/// Every layer in naive loops.
public struct ReferenceBackend<Scalar: Tensors.Scalar>: Backend {
  /// The naive layers.
  public init() {}

  /// `reference`.
  public var name: String { "reference" }

  /// `Reference.Convolution`.
  public func convolution(_ specification: ConvolutionSpecification) -> any SingleInputLayer<Scalar>
  {
    Convolution(specification)
  }

  /// `Reference.ReLU`.
  public func relu(_ specification: ReLUSpecification) -> any InPlaceLayer<Scalar> {
    ReLU(specification)
  }

  /// `Reference.Pooling`.
  public func pooling(_ specification: PoolingSpecification) -> any SingleInputLayer<Scalar> {
    Pooling(specification)
  }

  /// `Reference.LRN`.
  public func lrn(_ specification: LRNSpecification) -> any SingleInputLayer<Scalar> {
    LRN(specification)
  }

  /// `Reference.InnerProduct`.
  public func innerProduct(_ specification: InnerProductSpecification) -> any SingleInputLayer<
    Scalar
  > {
    InnerProduct(specification)
  }

  /// `Reference.Dropout`.
  public func dropout(_ specification: DropoutSpecification) -> any InPlaceLayer<Scalar> {
    Dropout(specification)
  }

  /// `Reference.Sigmoid`.
  public func sigmoid(_ specification: SigmoidSpecification) -> any InPlaceLayer<Scalar> {
    Sigmoid(specification)
  }

  /// `Reference.TanH`.
  public func tanh(_ specification: TanHSpecification) -> any InPlaceLayer<Scalar> {
    TanH(specification)
  }

  /// `Reference.Concat`.
  public func concat(_ specification: ConcatSpecification) -> any Layer<Scalar> {
    Concat(specification)
  }

  /// `Reference.Eltwise`.
  public func eltwise(_ specification: EltwiseSpecification) -> any Layer<Scalar> {
    Eltwise(specification)
  }

  /// `Reference.AdaptiveAveragePooling`.
  public func adaptiveAveragePooling(
    _ specification: AdaptiveAveragePoolingSpecification
  ) -> any SingleInputLayer<Scalar> {
    AdaptiveAveragePooling(specification)
  }

  /// `Reference.Softmax`.
  public func softmax(_ specification: SoftmaxSpecification) -> any SingleInputLayer<Scalar> {
    Softmax(specification)
  }

  /// `Reference.SoftmaxWithLoss`.
  public func softmaxWithLoss(
    _ specification: SoftmaxWithLossSpecification
  ) -> any SingleInputLayer<Scalar> {
    SoftmaxWithLoss(specification)
  }

  /// `Reference.Accuracy`.
  public func accuracy(_ specification: AccuracySpecification) -> any SingleInputLayer<Scalar> {
    Accuracy(specification)
  }

  /// The step of `Sources/Reference/SGD.swift`.
  ///
  /// - Complexity: O(count) for a parameter of `count` elements; allocates nothing.
  public func take(
    _ step: SGDStep, on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>
  ) {
    step.take(on: &parameter, momentumBuffer: &momentumBuffer, gradient: gradient)
  }
}
