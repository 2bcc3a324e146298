import Tensors

/// One version of every built-in layer, and of the step that learns. A layer that is missing in a
/// backend doesn't compile, unless it is a `DerivedBackend`.
public protocol Backend<Scalar>: Sendable {
  /// The number its layers compute with.
  associatedtype Scalar: Tensors.Scalar

  /// `reference`, `fast` or `tuned`.
  var name: String { get }

  /// A convolution.
  func convolution(_ specification: ConvolutionSpecification) -> any SingleInputLayer<Scalar>
  /// A rectified linear unit.
  func relu(_ specification: ReLUSpecification) -> any InPlaceLayer<Scalar>
  /// Maximum or average pooling.
  func pooling(_ specification: PoolingSpecification) -> any SingleInputLayer<Scalar>
  /// Local response normalisation.
  func lrn(_ specification: LRNSpecification) -> any SingleInputLayer<Scalar>
  /// An inner product, also called fully connected.
  func innerProduct(_ specification: InnerProductSpecification) -> any SingleInputLayer<Scalar>
  /// Dropout.
  func dropout(_ specification: DropoutSpecification) -> any InPlaceLayer<Scalar>
  /// The logistic sigmoid.
  func sigmoid(_ specification: SigmoidSpecification) -> any InPlaceLayer<Scalar>
  /// The hyperbolic tangent.
  func tanh(_ specification: TanHSpecification) -> any InPlaceLayer<Scalar>
  /// Inputs one behind the other.
  func concat(_ specification: ConcatSpecification) -> any Layer<Scalar>
  /// Sum, product or maximum of inputs.
  func eltwise(_ specification: EltwiseSpecification) -> any Layer<Scalar>
  /// Average pooling to a given size.
  func adaptiveAveragePooling(
    _ specification: AdaptiveAveragePoolingSpecification
  ) -> any SingleInputLayer<Scalar>
  /// Softmax over the classes.
  func softmax(_ specification: SoftmaxSpecification) -> any SingleInputLayer<Scalar>
  /// Softmax and the negative logarithm of the true class's probability.
  func softmaxWithLoss(
    _ specification: SoftmaxWithLossSpecification
  ) -> any SingleInputLayer<Scalar>
  /// The share of images whose class is among the highest scores.
  func accuracy(_ specification: AccuracySpecification) -> any SingleInputLayer<Scalar>

  /// Takes a step of SGD on a parameter: changes it and its momentum buffer, both of the
  /// gradient's shape.
  ///
  /// - Complexity: O(count) for a parameter of `count` elements; allocates nothing.
  func take(
    _ step: SGDStep, on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>)
}

/// A backend that has some layers of its own and takes the others from another one.
public protocol DerivedBackend<Scalar>: Backend {
  /// The other backend's type.
  associatedtype Base: Backend where Base.Scalar == Scalar

  /// Where the layers come from that this backend has none of.
  var base: Base { get }
}

extension DerivedBackend {
  /// The base backend's version of this layer, unless a backend has its own.
  public func convolution(
    _ specification: ConvolutionSpecification
  ) -> any SingleInputLayer<Scalar> { base.convolution(specification) }

  /// The base backend's version of this layer, unless a backend has its own.
  public func relu(_ specification: ReLUSpecification) -> any InPlaceLayer<Scalar> {
    base.relu(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  public func pooling(_ specification: PoolingSpecification) -> any SingleInputLayer<Scalar> {
    base.pooling(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  public func lrn(_ specification: LRNSpecification) -> any SingleInputLayer<Scalar> {
    base.lrn(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  public func innerProduct(
    _ specification: InnerProductSpecification
  ) -> any SingleInputLayer<Scalar> { base.innerProduct(specification) }

  /// The base backend's version of this layer, unless a backend has its own.
  public func dropout(_ specification: DropoutSpecification) -> any InPlaceLayer<Scalar> {
    base.dropout(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  public func sigmoid(_ specification: SigmoidSpecification) -> any InPlaceLayer<Scalar> {
    base.sigmoid(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  public func tanh(_ specification: TanHSpecification) -> any InPlaceLayer<Scalar> {
    base.tanh(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  public func concat(_ specification: ConcatSpecification) -> any Layer<Scalar> {
    base.concat(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  public func eltwise(_ specification: EltwiseSpecification) -> any Layer<Scalar> {
    base.eltwise(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  public func adaptiveAveragePooling(
    _ specification: AdaptiveAveragePoolingSpecification
  ) -> any SingleInputLayer<Scalar> { base.adaptiveAveragePooling(specification) }

  /// The base backend's version of this layer, unless a backend has its own.
  public func softmax(_ specification: SoftmaxSpecification) -> any SingleInputLayer<Scalar> {
    base.softmax(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  public func softmaxWithLoss(
    _ specification: SoftmaxWithLossSpecification
  ) -> any SingleInputLayer<Scalar> { base.softmaxWithLoss(specification) }

  /// The base backend's version of this layer, unless a backend has its own.
  public func accuracy(_ specification: AccuracySpecification) -> any SingleInputLayer<Scalar> {
    base.accuracy(specification)
  }

  /// The base backend's version of this layer, unless a backend has its own.
  ///
  /// - Complexity: O(count) for a parameter of `count` elements.
  public func take(
    _ step: SGDStep, on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>
  ) {
    base.take(step, on: &parameter, momentumBuffer: &momentumBuffer, gradient: gradient)
  }
}
