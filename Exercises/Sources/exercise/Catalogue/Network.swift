import Exercises
import Layers
import Reference
import Tensors
import Workbench

extension Exercise {
  static let network = Exercise(
    name: "network",
    title: "the layers one after another, and then in reverse",
    file: "Network.swift",
    chapter: "Docs/11-Backpropagation.md",
    twin: nil,
    difference: """
      Sources/Networks/Network.swift does the same with the blobs in an array, and the memory of \
      all tensors is made once.
      """,
    hints: [
      """
      Forward: for step in steps, take blobs[step.bottom], call step.forward, and put the result in \
      blobs[step.top].
      """,
      """
      Backward: only the gradient of a loss is known at first. So the last step goes first: \
      for step in steps.reversed().
      """,
      """
      Gradient: ∂L/∂in of a step comes from step.backward(gradients[step.top]). If another step has \
      read the same blob, its contribution is there already, and by the chain rule both add up.
      """,
      """
      if let before = gradients[step.bottom] { gradients[step.bottom] = sum(before, new) } else \
      { gradients[step.bottom] = new }
      """,
    ],
    parts: [
      Part(name: "forward") { try compareNetworks(backwards: false) },
      Part(name: "backward") { try compareNetworks(backwards: true) },
    ])

  /// A chain of four layers, and a network whose blob `relu` is read by two branches with a loss each.
  private static func steps(isForked: Bool) throws -> [Step<Double>] {
    var generator = SplitMix64(seed: 3)
    var steps: [Step<Double>] = []
    func add<L: SingleInputLayer<Double>>(
      _ layer: L, _ bottom: String, _ top: String, _ input: Shape, labels: [Int] = []
    ) throws {
      let parameters = try layer.specification.parameters(for: input).map {
        Tensor<Double>.normal($0.shape, using: &generator)
      }
      steps.append(
        try Step(
          layer, from: bottom, to: top, input: input, parameters: parameters, labels: labels))
    }
    let convolution = ConvolutionSpecification(outputChannels: 2, kernel: 3)
    try add(Reference.Convolution<Double>(convolution), "data", "conv", Shape(2, 1, 5, 5))
    try add(Reference.ReLU<Double>(ReLUSpecification()), "conv", "relu", Shape(2, 2, 3, 3))
    for branch in isForked ? ["1", "2"] : [""] {
      try add(
        Reference.InnerProduct<Double>(InnerProductSpecification(outputs: 3)), "relu",
        "scores\(branch)", Shape(2, 2, 3, 3))
      try add(
        Reference.SoftmaxWithLoss<Double>(SoftmaxWithLossSpecification()), "scores\(branch)",
        "loss\(branch)", Shape(2, 3), labels: [1, 2])
    }
    return steps
  }

  /// The same by the book, and with the mistake of overwriting.
  private static func right(
    _ steps: [Step<Double>], _ images: Tensor<Double>, overwriting: Bool = false
  ) -> (blobs: [String: Tensor<Double>], gradients: [String: Tensor<Double>]) {
    var blobs = ["data": images]
    for step in steps {
      if let input = blobs[step.bottom] { blobs[step.top] = step.forward(input) }
    }
    var gradients = lossGradients(steps)
    for step in steps.reversed() {
      guard let upstream = gradients[step.top] else { continue }
      let new = step.backward(upstream)
      let before = overwriting ? nil : gradients[step.bottom]
      gradients[step.bottom] = before.map { sum($0, new) } ?? new
    }
    return (blobs, gradients)
  }

  private static func lossGradients(_ steps: [Step<Double>]) -> [String: Tensor<Double>] {
    var gradients: [String: Tensor<Double>] = [:]
    for step in steps where step.top.hasPrefix("loss") {
      gradients[step.top] = Tensor(Shape(1), [1])
    }
    return gradients
  }

  private static func compareNetworks(backwards: Bool) throws -> Finding {
    for isForked in [false, true] {
      var generator = SplitMix64(seed: 4)
      let images = Tensor<Double>.normal(Shape(2, 1, 5, 5), using: &generator)
      let right = right(try steps(isForked: isForked), images)
      let overwritten = Self.right(try steps(isForked: isForked), images, overwriting: true)
      let mine = Exercises.Network(try steps(isForked: isForked))
      let blobs = mine.forward(images)
      let found = backwards ? mine.backward(lossGradients(mine.steps)) : blobs
      let wanted = backwards ? right.gradients : right.blobs
      let description = isForked ? "two branches with a loss each" : "a chain of four layers"
      for name in wanted.keys.sorted() {
        guard let wantedTensor = wanted[name] else { continue }
        guard let tensor = found[name] else {
          return .wrong([
            "\(backwards ? "∂L/∂\(name)" : "blob \"\(name)\"") is missing.",
            "  case: \(description)",
          ])
        }
        guard tensor.shape == wantedTensor.shape else {
          return .wrong([
            "\(name) has the shape \(tensor.shape), and \(wantedTensor.shape) is right.",
            "  case: \(description)",
          ])
        }
        var mistakes: [Comparison.Mistake] = []
        if backwards, isForked, let wrong = overwritten.gradients[name] {
          mistakes = [
            .init(
              name: "the gradient of a blob that two steps read is overwritten: it has to be added",
              result: wrong)
          ]
        }
        let comparison = Comparison(
          name: backwards ? "∂L/∂\(name)" : "blob \"\(name)\"", mine: tensor, right: wantedTensor,
          terms: 40, mistakes: mistakes)
        if let failure = comparison.failure(on: description) { return .wrong(failure) }
      }
    }
    return .right("every \(backwards ? "gradient" : "blob") of a chain and of a fork")
  }
}
