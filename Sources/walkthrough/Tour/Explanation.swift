import Layers
import Networks
import Tensors

/// What the tour says of a layer before anything is computed.
struct Explanation {
  /// What the layer does, in a sentence or two.
  var summary: String
  /// The formula with the layer's numbers put in.
  var formula: String
  /// How the output's shape follows from the input's.
  var arithmetic: [String]
  /// What the backward pass does, in a sentence.
  var backward: String

  /// Explains an operation on a shape.
  init(_ operation: LayerOperation, input: Shape, output: Shape) {
    self =
      switch operation {
      case .convolution(let specification): specification.explanation(input, output)
      case .relu(let specification): specification.explanation(input)
      case .pooling(let specification): specification.explanation(input, output)
      case .lrn(let specification): specification.explanation(input)
      case .innerProduct(let specification): specification.explanation(input)
      case .dropout(let specification): specification.explanation(input)
      case .softmax(let specification): specification.explanation(input)
      case .softmaxWithLoss(let specification): specification.explanation(input)
      case .accuracy(let specification): specification.explanation(input)
      }
  }

  fileprivate init(summary: String, formula: String, arithmetic: [String], backward: String) {
    self.summary = summary
    self.formula = formula
    self.arithmetic = arithmetic
    self.backward = backward
  }
}

extension ConvolutionSpecification {
  fileprivate func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let channels = input.channels / group
    let sees = group == 1 ? "all \(channels) channels" : "the \(channels) channels of its group"
    let grouped =
      group == 1
      ? "" : " Channels and kernels are split into \(group) groups that don't see each other."
    let row = index("y", "i", stride.height, dilation.height, pad.height)
    let column = index("x", "j", stride.width, dilation.width, pad.width)
    return Explanation(
      summary: "\(outputChannels) kernels of \(kernel) slide over the image with stride "
        + "\(stride.short). Each looks at \(sees), for one pattern, everywhere.\(grouped)",
      formula: "out[k,y,x] = \(hasBias ? "b[k] + " : "")Σ_c<\(channels) Σ_i<\(kernel.height) "
        + "Σ_j<\(kernel.width) w[k,c,i,j]·in[c, \(row), \(column)]",
      arithmetic: sides { side, name in
        "\(name): \(side(output.extent)) = ⌊(\(padded(side(input.extent), side(pad))) − "
          + "\(side(span)))/\(side(stride))⌋ + 1"
      } + ["channels: \(outputChannels), one for each kernel"],
      backward: "Each weight collects gradient × input over all positions where it was used; "
        + "each input collects gradient × weight from every window that it lies in.")
  }
}

extension PoolingSpecification {
  fileprivate func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let kernel = kernel(for: input)
    let overlaps = stride.height < kernel.height || stride.width < kernel.width
    let overlap =
      overlaps && self.kernel != nil
      ? " Windows overlap, as the stride \(stride.short) is smaller." : ""
    let row = index("y", "i", stride.height, 1, pad.height)
    let column = index("x", "j", stride.width, 1, pad.width)
    let (open, close) = rounding == .ceiling ? ("⌈", "⌉") : ("⌊", "⌋")
    return Explanation(
      summary: (method == .maximum
        ? "Keeps the greatest value of each \(kernel) window of each channel."
        : "Takes the mean of each \(kernel) window of each channel.") + overlap,
      formula: "out[c,y,x] = \(method == .maximum ? "max" : "mean")_i<\(kernel.height),"
        + "j<\(kernel.width) in[c, \(row), \(column)]",
      arithmetic: sides { side, name in
        "\(name): \(side(output.extent)) = \(open)(\(padded(side(input.extent), side(pad))) − "
          + "\(side(kernel)))/\(side(stride))\(close) + 1"
      } + ["channels: \(output.channels), as in the input"],
      backward: method == .maximum
        ? "An output's gradient goes to the one input that was the maximum; where windows share "
          + "a maximum, their gradients add."
        : "An output's gradient is spread evenly over its window.")
  }
}

extension LRNSpecification {
  fileprivate func explanation(_ input: Shape) -> Explanation {
    let n = localSize
    let (alpha, beta) = (Format.value(alpha), Format.value(beta))
    let isAcross = region == .acrossChannels
    return Explanation(
      summary: isAcross
        ? "Divides each value by a power of the energy in the \(n) channels around it, so that a "
          + "strong response holds down its neighbours. Later networks leave it out."
        : "Divides each value by a power of the mean energy in the \(n)×\(n) positions around it.",
      formula: isAcross
        ? "out[c] = in[c] · (\(Format.value(k)) + \(alpha)/\(n) · "
          + "Σ_c'=c−\(n / 2)…c+\(n / 2) in[c']²)^−\(beta)"
        : "out = in · (1 + \(alpha)/\(n * n) · Σ_\(n)×\(n) in²)^−\(beta)",
      arithmetic: [unchanged(input)],
      backward: "A value's own output passes its gradient back scaled; through the energy, the "
        + "value also takes a little from every neighbour's output.")
  }
}

extension InnerProductSpecification {
  fileprivate func explanation(_ input: Shape) -> Explanation {
    let inputs = inputs(for: input)
    return Explanation(
      summary: "Every one of \(Format.grouped(outputs)) outputs is a weighted sum of all "
        + "\(Format.grouped(inputs)) inputs. Each weight is used once an image: many parameters, "
        + "little work.",
      formula: "out[k] = \(hasBias ? "b[k] + " : "")Σ_d<\(inputs) w[k,d]·in[d],  k < \(outputs)",
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
  fileprivate func explanation(_ input: Shape) -> Explanation {
    Explanation(
      summary: "Keeps what is positive and sets the rest to 0, in the memory of its input. "
        + "Without a bend between them, two linear layers would be no more than one.",
      formula: negativeSlope == 0
        ? "out = max(in, 0)" : "out = in ≥ 0 ? in : \(Format.value(negativeSlope))·in",
      arithmetic: [unchanged(input)],
      backward: "The gradient passes where the output is positive and stops elsewhere.")
  }
}

extension DropoutSpecification {
  fileprivate func explanation(_ input: Shape) -> Explanation {
    Explanation(
      summary: "In training, sets each value to 0 with probability \(Format.value(ratio)) and "
        + "scales up the rest, so that no unit can rely on another; in testing it does nothing.",
      formula: "out = kept ? \(Format.value(scale))·in : 0,  kept with probability "
        + Format.value(1 - ratio),
      arithmetic: [unchanged(input)],
      backward: "The gradient goes through the same mask and the same scale.")
  }
}

extension SoftmaxSpecification {
  fileprivate func explanation(_ input: Shape) -> Explanation {
    Explanation(
      summary: "Turns scores into probabilities: positive, with sum 1.",
      formula: "p[c] = e^x[c] / Σ e^x[c'],  c < \(input.channels)",
      arithmetic: [unchanged(input)],
      backward: "∂L/∂x[c] = p[c]·(∂L/∂p[c] − Σ ∂L/∂p[c']·p[c'])")
  }
}

extension SoftmaxWithLossSpecification {
  fileprivate func explanation(_ input: Shape) -> Explanation {
    Explanation(
      summary: "Turns the \(input.channels) scores into probabilities and takes the negative "
        + "logarithm of the true class's: small when the network is sure and right.",
      formula: "loss = −ln p[label],  p[c] = e^x[c] / Σ e^x[c'],  c < \(input.channels)",
      arithmetic: ["one number for the whole batch"],
      backward: "Softmax and logarithm together leave p − 1 for the true class and p for each "
        + "other one.")
  }
}

extension AccuracySpecification {
  fileprivate func explanation(_ input: Shape) -> Explanation {
    Explanation(
      summary: "Measures how often the true class is among the \(topK) highest scores.",
      formula: "right where fewer than \(topK) other classes score as high",
      arithmetic: ["one number for the whole batch"],
      backward: "Nothing passes back: it isn't differentiated.")
  }
}

private func unchanged(_ input: Shape) -> String {
  "the shape stays: "
    + input.dimensions.dropFirst().map(String.init).joined(separator: "×")
}

/// The input position of a window's element, for example `4y+i−2`.
private func index(
  _ position: String, _ offset: String, _ stride: Int, _ dilation: Int, _ pad: Int
) -> String {
  (stride == 1 ? "" : "\(stride)") + position + "+" + (dilation == 1 ? "" : "\(dilation)") + offset
    + (pad == 0 ? "" : "−\(pad)")
}

private func padded(_ size: Int, _ pad: Int) -> String {
  pad == 0 ? "\(size)" : "\(size) + 2·\(pad)"
}

/// A line for rows and columns together where they agree, else one for each.
private func sides(_ line: ((Extent) -> Int, String) -> String) -> [String] {
  let both = "rows and columns"
  return line({ $0.height }, both) == line({ $0.width }, both)
    ? [line({ $0.height }, both)]
    : [line({ $0.height }, "rows"), line({ $0.width }, "columns")]
}

extension Extent {
  /// `2` for a square, else `2×3`.
  fileprivate var short: String { height == width ? String(height) : description }
}

extension Shape {
  fileprivate var extent: Extent { Extent(height: height, width: width) }
}
