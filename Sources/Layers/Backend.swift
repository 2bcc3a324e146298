import Tensors

/// One version of every layer, and of the step that learns. `Reference` and `Fast` each provide one;
/// a layer that is missing in either doesn't compile.
public protocol Backend<Scalar>: Sendable {
  /// The number its layers compute with.
  associatedtype Scalar: Tensors.Scalar

  /// `reference` or `fast`.
  var name: String { get }

  /// A convolution.
  func convolution(_ specification: ConvolutionSpecification) -> any Layer<Scalar>
  /// A rectified linear unit.
  func relu(_ specification: ReLUSpecification) -> any InPlaceLayer<Scalar>
  /// Maximum or average pooling.
  func pooling(_ specification: PoolingSpecification) -> any Layer<Scalar>
  /// Local response normalisation.
  func lrn(_ specification: LRNSpecification) -> any Layer<Scalar>
  /// An inner product, also called fully connected.
  func innerProduct(_ specification: InnerProductSpecification) -> any Layer<Scalar>
  /// Dropout.
  func dropout(_ specification: DropoutSpecification) -> any InPlaceLayer<Scalar>
  /// Softmax over the classes.
  func softmax(_ specification: SoftmaxSpecification) -> any Layer<Scalar>
  /// Softmax and the negative logarithm of the true class's probability.
  func softmaxWithLoss(_ specification: SoftmaxWithLossSpecification) -> any Loss<Scalar>
  /// The share of images whose class is among the highest scores.
  func accuracy(_ specification: AccuracySpecification) -> any Metric<Scalar>

  /// Takes a step of SGD on a parameter: changes it and its momentum buffer, both of the gradient's shape.
  ///
  /// - Complexity: O(count) for a parameter of `count` elements; allocates nothing.
  func take(
    _ step: SGDStep, on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>)
}

/// A backend that has some layers of its own and takes the others from another one.
public protocol DerivedBackend<Scalar>: Backend {
  /// Whose layers it takes where it has none.
  associatedtype Base: Backend<Scalar>

  /// That one.
  var base: Base { get }
}

extension DerivedBackend {
  /// The base's.
  public func convolution(_ specification: ConvolutionSpecification) -> any Layer<Scalar> {
    base.convolution(specification)
  }

  /// The base's.
  public func relu(_ specification: ReLUSpecification) -> any InPlaceLayer<Scalar> {
    base.relu(specification)
  }

  /// The base's.
  public func pooling(_ specification: PoolingSpecification) -> any Layer<Scalar> {
    base.pooling(specification)
  }

  /// The base's.
  public func lrn(_ specification: LRNSpecification) -> any Layer<Scalar> {
    base.lrn(specification)
  }

  /// The base's.
  public func innerProduct(_ specification: InnerProductSpecification) -> any Layer<Scalar> {
    base.innerProduct(specification)
  }

  /// The base's.
  public func dropout(_ specification: DropoutSpecification) -> any InPlaceLayer<Scalar> {
    base.dropout(specification)
  }

  /// The base's.
  public func softmax(_ specification: SoftmaxSpecification) -> any Layer<Scalar> {
    base.softmax(specification)
  }

  /// The base's.
  public func softmaxWithLoss(
    _ specification: SoftmaxWithLossSpecification
  ) -> any Loss<Scalar> {
    base.softmaxWithLoss(specification)
  }

  /// The base's.
  public func accuracy(_ specification: AccuracySpecification) -> any Metric<Scalar> {
    base.accuracy(specification)
  }

  /// The base's.
  ///
  /// - Complexity: O(count) for a parameter of `count` elements; allocates nothing.
  public func take(
    _ step: SGDStep, on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>
  ) {
    base.take(step, on: &parameter, momentumBuffer: &momentumBuffer, gradient: gradient)
  }
}
