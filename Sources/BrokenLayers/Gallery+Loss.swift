import Layers
import Tensors

extension BrokenLayer {
  private static let labels = [0, 4, 2, 1]

  static let losses =
    [
      BrokenLayer(
        "softmax-diagonal-only", SoftmaxSpecification(), Shape(3, 5),
        bug: "only the diagonal of the Jacobian is used, as if the classes were independent",
        code: "dy·p·(1 − p)    instead of    p·(dy − Σ dy·p)",
        expected: .wrongGradient(tensor: "input"),
        double: DiagonalOnly<Double>.self, float: DiagonalOnly<Float>.self)
    ] + [
      BrokenLayer(
        "loss-not-divided", SoftmaxWithLossSpecification(), Shape(4, 5), labels: labels,
        bug: "the gradient is not divided by the number of labels, as the loss is",
        code: "p − onehot    instead of    (p − onehot)/N", kind: .notDivided,
        floatKind: .notDivided),
      BrokenLayer(
        "loss-weight-forgotten", SoftmaxWithLossSpecification(lossWeight: 0.3), Shape(4, 5),
        labels: labels, bug: "the gradient is not multiplied by the loss weight",
        code: "(p − onehot)/N    instead of    lossWeight·(p − onehot)/N", kind: .weightForgotten,
        floatKind: .weightForgotten),
      BrokenLayer(
        "loss-ignored-label-leaks", SoftmaxWithLossSpecification(ignoreLabel: 4), Shape(4, 5),
        labels: labels, bug: "an ignored label has a gradient all the same",
        code: "p/N    instead of    0, where the label is ignored", kind: .ignoredLabelLeaks,
        floatKind: .ignoredLabelLeaks),
      BrokenLayer(
        "loss-divides-by-all", SoftmaxWithLossSpecification(ignoreLabel: 4), Shape(4, 5),
        labels: labels,
        bug: "the gradient is divided by the number of all labels, the loss by that of the counted",
        code: "(p − onehot)/labels.count    instead of    (p − onehot)/counted",
        kind: .dividesByAll, floatKind: .dividesByAll),
      BrokenLayer(
        "loss-subtracts-everywhere", SoftmaxWithLossSpecification(), Shape(4, 5), labels: labels,
        bug: "1 is subtracted from every probability, not just from that of the true class",
        code: "(p − 1)/N    instead of    (p − onehot)/N", kind: .subtractsEverywhere,
        floatKind: .subtractsEverywhere),
    ]
}
