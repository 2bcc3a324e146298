import Layers
import RealModule
import Reference
import Tensors

/// Only the diagonal of the Jacobian is used, p·(1 − p): the sigmoid's derivative.
struct DiagonalOnly<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Softmax<Scalar>
  init(_ specification: SoftmaxSpecification) { right = Softmax(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      for i in 0..<gradient.count {
        gradient[i] = pass.outputGradient[i] * pass.output[i] * (1 - pass.output[i])
      }
    }
  }
}

/// A loss with a bug in its gradient.
struct BrokenLoss<Scalar: Tensors.Scalar>: Broken {
  /// What is wrong.
  enum Bug: Sendable {
    /// The gradient is not divided by what the loss is divided by.
    case notDivided
    /// The gradient is not multiplied by the output's gradient, which holds the loss weight.
    case weightForgotten
    /// An ignored label has a gradient all the same, as if its class were none.
    case ignoredLabelLeaks
    /// The gradient is divided by the number of all labels, the loss by that of the counted ones.
    case dividesByAll
    /// 1 is subtracted from every probability, instead of from that of the true class.
    case subtractsEverywhere
  }

  let right: SoftmaxWithLoss<Scalar>
  let bug: Bug

  init(_ specification: SoftmaxWithLossSpecification, _ bug: Bug) {
    right = SoftmaxWithLoss(specification)
    self.bug = bug
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: SoftmaxWithLoss<Scalar>.Saved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let outputGradient =
      bug == .weightForgotten ? Tensor(output.shape, repeating: 1) : outputGradient
    right.backward(
      outputGradient: outputGradient, input: input, output: output, parameters: parameters,
      saved: saved, inputGradient: &inputGradient, parameterGradients: &parameterGradients,
      accumulating: accumulating)
    inputGradient.update { spoil(&$0, outputGradient[0], saved) }
  }

  private func spoil(
    _ gradient: inout Tensor<Scalar>, _ lossGradient: Scalar, _ saved: Saved
  ) {
    let (shape, labels) = (gradient.shape, saved.labels)
    let divisor = specification.divisor(labels: labels, scores: shape)
    let factor: Double
    switch bug {
    case .notDivided: factor = divisor
    case .dividesByAll: factor = divisor / Double(labels.count)
    case .weightForgotten, .ignoredLabelLeaks, .subtractsEverywhere: factor = 1
    }
    let weight = lossGradient / Scalar(divisor)
    for i in 0..<gradient.count {
      let spot = i / (shape.channels * shape.spatialCount) * shape.spatialCount
      let label = labels[spot + i % shape.spatialCount]
      let c = i / shape.spatialCount % shape.channels
      gradient[i] *= Scalar(factor)
      if bug == .ignoredLabelLeaks, label == specification.ignoreLabel {
        gradient[i] = weight * saved.probabilities[i]
      }
      if bug == .subtractsEverywhere, label != specification.ignoreLabel, c != label {
        gradient[i] -= weight
      }
    }
  }
}
