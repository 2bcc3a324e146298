import Layers
import Tensors
import Testing

/// A layer on inputs of some shapes: a row of the one table of cases that drives the tests of shapes,
/// agreement, gradients and threads, and the timing.
public struct LayerCase: Sendable, CustomTestStringConvertible {
  /// What the inputs are drawn from where a gradient is checked.
  public enum Point: Sendable {
    /// Normal numbers of deviation 1.
    case normal
    /// The same, times a factor.
    case scaled(Double)
    /// Whole numbers from −2 to 2, so that windows hold equal values and a ReLU meets 0.
    case integers
    /// The same number everywhere.
    case constant(Double)
  }

  /// What is special about it.
  public let title: String
  /// The layer.
  public let specification: any LayerSpecification
  /// The shapes of its inputs.
  public let inputs: [Shape]
  /// Where its gradient is checked.
  public let point: Point
  /// In which phase its gradient is checked.
  public let phase: Phase
  /// The labels, for a layer that takes some.
  public let labels: [Int]
  /// The algorithm that Tuned has to run forwards, for a case that is about an algorithm: without
  /// this, the case could silently test another one.
  public let tunedAlgorithm: String?

  /// A case.
  public init(
    _ title: String, _ specification: any LayerSpecification, _ inputs: Shape...,
    at point: Point = .normal, phase: Phase = .training, labels: [Int] = [],
    tuned tunedAlgorithm: String? = nil
  ) {
    self.init(
      title, specification, inputs, at: point, phase: phase, labels: labels, tuned: tunedAlgorithm)
  }

  /// A case.
  public init(
    _ title: String, _ specification: any LayerSpecification, _ inputs: [Shape],
    at point: Point = .normal, phase: Phase = .training, labels: [Int] = [],
    tuned tunedAlgorithm: String? = nil
  ) {
    self.title = title
    self.specification = specification
    self.inputs = inputs
    self.point = point
    self.phase = phase
    self.labels = labels
    self.tunedAlgorithm = tunedAlgorithm
  }

  /// Caffe's name of the layer's type.
  public var type: String { Swift.type(of: specification).typeName }

  /// The layer, what is special about the case, and the shapes of its inputs.
  public var testDescription: String {
    "\(type), \(title), on \(inputs.map(\.description).joined(separator: " and "))"
  }

  /// All cases, layer by layer.
  public static let all: [LayerCase] =
    convolution + pooling + adaptiveAveragePooling + lrn + innerProduct + relu + sigmoid + tanh
    + dropout + concat + eltwise + softmax + softmaxWithLoss + accuracy
}

extension LayerCase {
  /// The inputs at which the gradient is checked.
  public func point(seed: UInt64) -> [Tensor<Double>] {
    var generator = SplitMix64(seed: seed)
    return inputs.map { shape in
      switch point {
      case .normal: return .normal(shape, using: &generator)
      case .scaled(let factor): return .normal(shape, deviation: factor, using: &generator)
      case .integers:
        return Tensor(
          shape, (0..<shape.count).map { _ in Double(Int.random(in: -2...2, using: &generator)) })
      case .constant(let value): return Tensor(shape, repeating: value)
      }
    }
  }

  /// How many numbers a check of every element would move.
  public func elementCount() throws -> Int {
    let parameters = try specification.parameters(for: inputs)
    return (inputs + parameters.map(\.shape)).map(\.count).reduce(0, +)
  }
}
