import Fast
import Foundation
import GradientChecking
import Layers
import Reference
import Tensors

/// The versions under check, in Double.
let versions: [any Backend<Double>] = [ReferenceBackend<Double>(), FastBackend<Double>()]

/// The naive layers on dual numbers: they yield exact derivatives for all versions.
let exactVersion = ReferenceBackend<Dual<Double>>()

extension Backend {
  /// This version of a layer.
  func layer(_ specification: any SingleInputSpecification) throws -> any SingleInputLayer<Scalar> {
    switch specification {
    case let specification as ConvolutionSpecification: convolution(specification)
    case let specification as ReLUSpecification: relu(specification)
    case let specification as PoolingSpecification: pooling(specification)
    case let specification as LRNSpecification: lrn(specification)
    case let specification as InnerProductSpecification: innerProduct(specification)
    case let specification as DropoutSpecification: dropout(specification)
    case let specification as SoftmaxSpecification: softmax(specification)
    default: throw CheckError(reason: "no layer for \(specification)")
    }
  }
}

/// Whether the thread sanitizer watches, under which every access takes tens of times as long.
let isWatchedForRaces = ProcessInfo.processInfo.environment["SANITIZER"] == "thread"
