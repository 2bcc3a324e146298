import RealModule
import Tensors

/// What the loss means.
struct LossExplanation {
  var loss: Double
  /// What it is made from.
  var scores: Tensor<Float>
  var isTrained: Bool
  var hasLoss: Bool

  /// For a reader.
  var text: String {
    guard hasLoss else {
      return "The network has no loss: it ends with its scores, and there is nothing to go back "
        + "from."
    }
    let classes = Double(scores.count)
    let chance =
      "A network that knows nothing gives each of \(scores.count) classes the probability "
      + "1/\(scores.count), and the loss is ln \(scores.count) = \(Format.value(.log(classes))). "
    guard !isTrained else {
      return chance + "This one has learnt; for this picture and its label the loss is "
        + "\(Format.value(loss)), a probability of \(Format.value(.exp(-loss)))."
    }
    let values = scores.elements.map(Double.init)
    let maximum = values.max() ?? 0
    let normaliser = maximum + .log(values.reduce(0) { $0 + .exp($1 - maximum) })
    let average = normaliser - values.reduce(0, +) / classes
    return chance + "Fresh random weights are near that, but their scores differ by chance: for "
      + "this class the loss is \(Format.value(loss)); averaged over all the classes it could have "
      + "been, \(Format.value(average)). Training has to bring it down from there."
  }
}
