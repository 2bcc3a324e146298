import Layers
import Tensors

// What the tour says of the layers that look at single values, or at all of them.

extension InnerProductSpecification {
  func explanation(_ input: Shape) -> Explanation {
    let inputs = inputs(for: input)
    // The tour runs one image.
    let product = "multiply(w, x, into: out"
    return Explanation(
      summary: "Every one of \(Format.grouped(outputs)) outputs is a weighted sum of all "
        + "\(Format.grouped(inputs)) inputs. Each weight is used once an image: many parameters, "
        + "little work.",
      terms: [
        .init(
          "out[k]", "output k", reference: "output[n * outputs + k] = sum",
          fast: "let out = Matrix("),
        .init(" = "),
      ]
        + (hasBias
          ? [
            .init(
              "b[k]", "its bias", reference: "var sum = specification.hasBias",
              fast: "y[image * k + i] = bias"),
            .init(" + "),
          ] : []) + [
          .init(
            "Σ_d<\(inputs)", "over all inputs", reference: "for d in 0..<inputs {", fast: product),
          .init(" "),
          .init(
            "w[k,d]", "a weight, used once an image",
            reference: "sum += weights[k * inputs + d]",
            fast: "let w = Matrix("),
          .init("·"),
          .init(
            "in[d]", "input d", reference: "* input[n * inputs + d]", fast: product),
          .init(",  k < \(outputs)"),
        ],
      arithmetic: [
        input.rank == 4
          ? "inputs: \(inputs) = \(input.channels)·\(input.height)·\(input.width), flattened "
            + "channel by channel"
          : "inputs: \(inputs)",
        "outputs: \(outputs), one for each row of weights",
      ],
      backward: "Each weight's gradient is its output's gradient times its input; each input "
        + "collects gradient × weight from all outputs.")
  }
}

extension ReLUSpecification {
  func explanation(_ input: Shape) -> Explanation {
    let rectified = negativeSlope == 0
    let bend = rectified ? "y[i] = x[i] < 0 ? 0 : x[i]" : "y[i] = x[i] < 0 ? slope"
    return Explanation(
      summary: "Keeps what is positive and sets the rest to 0, in the memory of its input. "
        + "Without a bend between them, two linear layers would be no more than one.",
      terms: [
        .init(
          "out", "the value, if it is positive", reference: "data[i] = rectified(data[i])",
          fast: "x.update(from: y"),
        .init(" = "),
        .init(
          rectified ? "max(in, 0)" : "in ≥ 0 ? in : \(Format.value(negativeSlope))·in",
          "the bend at 0", reference: "if x < 0 {", fast: bend),
      ],
      arithmetic: [Explanation.unchanged(input)],
      backward: "The gradient passes where the output is positive and stops elsewhere.")
  }
}

extension DropoutSpecification {
  func explanation(_ input: Shape) -> Explanation {
    Explanation(
      summary: "In training, sets each value to 0 with probability \(Format.value(ratio)) and "
        + "scales up the rest, so that no unit can rely on another; in testing it does nothing.",
      terms: [
        .init("out", "the value, or 0"), .init(" = "),
        .init(
          "kept ? \(Format.value(scale))·in : 0", "scaled up if it is kept",
          reference: "data[i] = saved.keeps[i] ? data[i] * scale : 0",
          fast: "data[i] = keeps[i] ? data[i] * scale : 0"),
        .init(",  "),
        .init(
          "kept with probability \(Format.value(1 - ratio))", "one random number for each value",
          reference: "context.random.next() <= specification.keepThreshold",
          fast: "keeps[i] = context.random.next() <= threshold"),
      ],
      arithmetic: [Explanation.unchanged(input)],
      backward: "The gradient goes through the same mask and the same scale.")
  }
}

extension SoftmaxSpecification {
  func explanation(_ input: Shape) -> Explanation {
    Explanation(
      summary: "Turns scores into probabilities: positive, with sum 1.",
      terms: [
        .init(
          "p[c]", "the probability of class c",
          reference: "output[start + c * spots.stride] /= sum",
          fast: "p[i] /= sum"),
        .init(" = "),
        .init(
          "e^x[c]", "larger scores, much larger powers", reference: "output[position] = .exp(",
          fast: "p[i] = .exp("),
        .init(" / "),
        .init(
          "Σ e^x[c']", "so that they add up to 1", reference: "sum += output[position]",
          fast: "sum += p[i]"),
        .init(",  c < \(input.channels)"),
      ],
      arithmetic: [Explanation.unchanged(input)],
      backward: "∂L/∂x[c] = p[c]·(∂L/∂p[c] − Σ ∂L/∂p[c']·p[c'])")
  }
}

extension SoftmaxWithLossSpecification {
  func explanation(_ input: Shape) -> Explanation {
    Explanation(
      summary: "Turns the \(input.channels) scores into probabilities and takes the negative "
        + "logarithm of the true class's: small when the network is sure and right.",
      terms: [
        .init(
          "loss", "averaged over the images", reference: "output[0] = sum / Scalar(",
          fast: "output[0] = sum / Scalar("),
        .init(" = "),
        .init(
          "−ln p[label]", "0 for a probability of 1, and the more the smaller it is",
          reference: "sum -= .log(", fast: "sum -= .log("),
        .init(",  "),
        .init(
          "p[c] = e^x[c] / Σ e^x[c']", "softmax", reference: "Softmax<Scalar>().forward(",
          fast: "Softmax<Scalar>(engine: engine).forward("),
        .init(",  c < \(input.channels)"),
      ],
      arithmetic: ["one number for the whole batch"],
      backward: "Softmax and logarithm together leave p − 1 for the true class and p for each "
        + "other one.")
  }
}

extension AccuracySpecification {
  func explanation(_ input: Shape) -> Explanation {
    Explanation(
      summary: "Measures how often the true class is among the \(topK) highest scores.",
      terms: [
        .init(
          "right", "counted for each image", reference: "< specification.topK { right += 1 }",
          fast: "< specification.topK { right += 1 }"),
        .init(" where "),
        .init(
          "fewer than \(topK) other classes score as high", "ties count against it",
          reference: ">= own { rivals += 1 }", fast: "rivals += classes[i] >= own"),
      ],
      arithmetic: ["one number for the whole batch"],
      backward: "Nothing passes back: it isn't differentiated.")
  }
}
