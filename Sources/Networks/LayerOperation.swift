import Layers
import Tensors

/// What a layer of a network does: one case for each kind of layer.
public enum LayerOperation: Hashable, Sendable {
  /// A convolution.
  case convolution(ConvolutionSpecification)
  /// A rectified linear unit.
  case relu(ReLUSpecification)
  /// Maximum or average pooling.
  case pooling(PoolingSpecification)
  /// Local response normalisation.
  case lrn(LRNSpecification)
  /// An inner product.
  case innerProduct(InnerProductSpecification)
  /// Dropout.
  case dropout(DropoutSpecification)
  /// Softmax.
  case softmax(SoftmaxSpecification)
  /// Softmax with loss.
  case softmaxWithLoss(SoftmaxWithLossSpecification)
  /// Accuracy.
  case accuracy(AccuracySpecification)

  /// The layer's hyper-parameters.
  public var specification: any LayerSpecification {
    switch self {
    case .convolution(let specification): specification
    case .relu(let specification): specification
    case .pooling(let specification): specification
    case .lrn(let specification): specification
    case .innerProduct(let specification): specification
    case .dropout(let specification): specification
    case .softmax(let specification): specification
    case .softmaxWithLoss(let specification): specification
    case .accuracy(let specification): specification
    }
  }

  /// Caffe's name of the type, for example `InnerProduct`.
  public var typeName: String { type(of: specification).typeName }

  /// Whether the layer compares scores with labels, its second bottom.
  public var takesLabels: Bool {
    switch self {
    case .softmaxWithLoss, .accuracy: true
    default: false
    }
  }

  /// Why the layer can't write over its input; `nil` where it can.
  public var inPlaceObstacle: String? {
    switch self {
    case .relu(let specification): specification.inPlaceObstacle
    case .dropout: nil
    default: "a \(typeName) layer can't work in place"
    }
  }
}
