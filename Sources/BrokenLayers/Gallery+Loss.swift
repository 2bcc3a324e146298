import Layers
import Reference
import Tensors

extension BrokenLayer {
  private static let labels = [0, 4, 2, 1]

  static let losses: [BrokenLayer] = [
    BrokenLayer(
      "softmax-diagonal-only", Softmax(), Shape(3, 5),
      bug: "only the diagonal of the Jacobian is used, as if the classes were independent",
      code: "dy·p·(1 − p)    instead of    p·(dy − Σ dy·p)",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      // The sigmoid's derivative.
      gradients.replaceInput { dx in
        for i in 0..<dx.count {
          dx[i] = pass.outputGradient[i] * pass.output[i] * (1 - pass.output[i])
        }
      }
    },
    loss(
      "loss-not-divided", .init(),
      bug: "the gradient is not divided by the number of labels, as the loss is",
      code: "p − onehot    instead of    (p − onehot)/N"
    ) { gradients, pass in
      gradients.forEachScore { dx, _, _ in dx *= pass.divisor }
    },
    loss(
      "loss-weight-forgotten", .init(lossWeight: 0.3),
      bug: "the gradient is not multiplied by the loss weight",
      code: "(p − onehot)/N    instead of    lossWeight·(p − onehot)/N"
    ) { gradients, pass in
      pass.run(&gradients, outputGradient: Tensor(pass.output.shape, repeating: 1))
    },
    loss(
      "loss-ignored-label-leaks", .init(ignoreLabel: 4),
      bug: "an ignored label has a gradient all the same",
      code: "p/N    instead of    0, where the label is ignored"
    ) { gradients, pass in
      let p = pass.saved.probabilities
      gradients.forEachScore { dx, n, c in
        if pass.isIgnored(n) { dx = pass.outputGradient[0] / pass.divisor * p[n * 5 + c] }
      }
    },
    loss(
      "loss-divides-by-all", .init(ignoreLabel: 4),
      bug: "the gradient is divided by the number of all labels, the loss by that of the counted",
      code: "(p − onehot)/labels.count    instead of    (p − onehot)/counted"
    ) { gradients, pass in
      gradients.forEachScore { dx, _, _ in dx *= pass.divisor / Double(labels.count) }
    },
    loss(
      "loss-subtracts-everywhere", .init(),
      bug: "1 is subtracted from every probability, not just from that of the true class",
      code: "(p − 1)/N    instead of    (p − onehot)/N"
    ) { gradients, pass in
      gradients.forEachScore { dx, n, c in
        if c != labels[n] { dx -= pass.outputGradient[0] / pass.divisor }
      }
    },
  ]

  /// A loss on the scores of 4 images and 5 classes.
  private static func loss(
    _ name: String, _ specification: SoftmaxWithLossSpecification, bug: String, code: String,
    spoil: @escaping Broken<SoftmaxWithLoss<Double>>.Spoil
  ) -> BrokenLayer {
    BrokenLayer(
      name, SoftmaxWithLoss(specification), Shape(4, 5), labels: labels, bug: bug, code: code,
      expected: .wrongGradient(tensor: "scores"), spoil: spoil)
  }
}

extension PassGradients {
  /// Changes the gradient of each image's score of each of 5 classes, if it is needed.
  fileprivate mutating func forEachScore(_ body: (_ dx: inout Double, _ n: Int, _ c: Int) -> Void) {
    input.update { dx in
      for i in 0..<dx.count { body(&dx[i], i / 5, i % 5) }
    }
  }
}

extension BackwardPass where Right == SoftmaxWithLoss<Double> {
  /// What the loss is divided by.
  fileprivate var divisor: Double {
    specification.divisor(labels: saved.labels, scores: input.shape)
  }

  fileprivate func isIgnored(_ n: Int) -> Bool { saved.labels[n] == specification.ignoreLabel }
}
