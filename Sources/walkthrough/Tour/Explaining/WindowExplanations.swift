import Layers
import Tensors

// What the tour says of the layers that look at windows of the input.

extension ConvolutionSpecification {
  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let channels = input.channels / group
    let sees = group == 1 ? "all \(channels) channels" : "the \(channels) channels of its group"
    let grouped =
      group == 1
      ? "" : " Channels and kernels are split into \(group) groups that don't see each other."
    let row = index("y", "i", stride.height, dilation.height, pad.height)
    let column = index("x", "j", stride.width, dilation.width, pad.width)
    let product = "multiply(weights, columns, into: out"
    return Explanation(
      summary: "\(outputChannels) kernels of \(kernel) slide over the image with stride "
        + "\(stride.short). Each looks at \(sees), for one pattern, everywhere.\(grouped)",
      terms: [
        .init(
          "out[k,y,x]", "what kernel k finds at row y, column x",
          reference: "output[position] = sum", fast: "let out = sizes.output("),
        .init(" = "),
      ]
        + (hasBias
          ? [
            .init(
              "b[k]", "the bias of kernel k", reference: "var sum = specification.hasBias",
              fast: "out.row(k).fill(out.columns, with: bias"),
            .init(" + "),
          ] : []) + [
          .init(
            "Σ_c<\(channels)", "over the channels that the kernel sees",
            reference: "for c in 0..<geometry.channelsPerGroup {", fast: product),
          .init(" "),
          .init(
            "Σ_i<\(kernel.height)", "over the rows of the kernel", reference: "for i in rows {",
            fast: product),
          .init(" "),
          .init(
            "Σ_j<\(kernel.width)", "over its columns", reference: "for j in columns {",
            fast: product),
          .init(" "),
          .init(
            "w[k,c,i,j]", "a weight of kernel k", reference: "sum += weights[weightRow + j]",
            fast: "let weights = sizes.weights("),
          .init("·"),
          .init(
            "in[c, \(row), \(column)]", "the input below that weight; 0 in the padding",
            reference: "let inputRow = geometry.inputRow(n, k, c, y, i)",
            fast: "sizes.im2col.fill(columns, from: input"),
        ],
      arithmetic: sides { side, name in
        "\(name): \(side(output.extent)) = ⌊(\(padded(side(input.extent), side(pad))) − "
          + "\(side(span)))/\(side(stride))⌋ + 1"
      } + ["channels: \(outputChannels), one for each kernel"],
      backward: "Each weight collects gradient × input over all positions where it was used; "
        + "each input collects gradient × weight from every window that it lies in.")
  }
}

extension PoolingSpecification {
  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let kernel = kernel(for: input)
    let overlaps = stride.height < kernel.height || stride.width < kernel.width
    let overlap =
      overlaps && self.kernel != nil
      ? " Windows overlap, as the stride \(stride.short) is smaller." : ""
    let row = index("y", "i", stride.height, 1, pad.height)
    let column = index("x", "j", stride.width, 1, pad.width)
    let (open, close) = rounding == .ceiling ? ("⌈", "⌉") : ("⌊", "⌋")
    let isMaximum = method == .maximum
    return Explanation(
      summary: (isMaximum
        ? "Keeps the greatest value of each \(kernel) window of each channel."
        : "Takes the mean of each \(kernel) window of each channel.") + overlap,
      terms: [
        .init(
          "out[c,y,x]", "one value of channel c",
          reference: isMaximum ? "output[position] = best" : "output[position] = sum / Scalar(",
          fast: isMaximum ? "y[output] = best" : "y[output] = sum / Scalar(area)"),
        .init(" = "),
        .init(
          "\(isMaximum ? "max" : "mean")_i<\(kernel.height),j<\(kernel.width)",
          isMaximum ? "the greatest of the window" : "the mean over the window",
          reference: isMaximum
            ? "for column in windows.columns(at: x).onInput {" : "for column in columns.onInput {",
          fast: isMaximum ? "for column in columns {" : "for column in columns { sum +="),
        .init(" "),
        .init(
          "in[c, \(row), \(column)]", "a value of the window",
          reference: isMaximum ? "if input[start + candidate] > best {" : "sum += input[start +",
          fast: isMaximum ? "isGreater = x[candidate] > best" : "sum += x["),
      ],
      arithmetic: sides { side, name in
        "\(name): \(side(output.extent)) = \(open)(\(padded(side(input.extent), side(pad))) − "
          + "\(side(kernel)))/\(side(stride))\(close) + 1"
      } + ["channels: \(output.channels), as in the input"],
      backward: isMaximum
        ? "An output's gradient goes to the one input that was the maximum; where windows share "
          + "a maximum, their gradients add."
        : "An output's gradient is spread evenly over its window.")
  }
}

extension LRNSpecification {
  func explanation(_ input: Shape) -> Explanation {
    let n = localSize
    let (alpha, beta) = (Format.value(alpha), Format.value(beta))
    let isAcross = region == .acrossChannels
    let place = isAcross ? "[c]" : ""
    return Explanation(
      summary: isAcross
        ? "Divides each value by a power of the energy in the \(n) channels around it, so that a "
          + "strong response holds down its neighbours. Later networks leave it out."
        : "Divides each value by a power of the mean energy in the \(n)×\(n) positions around it.",
      terms: [
        .init(
          "out\(place)", "the value, held down by its neighbours",
          reference: "output[position] = input[position] * .pow(",
          fast: "y[i] = x[i] * .pow("),
        .init(" = "), .init("in\(place)", "the value itself"), .init(" · ("),
        .init(
          "\(isAcross ? Format.value(k) : "1") + \(alpha)/\(isAcross ? n : n * n)",
          "k, which keeps the sum from being 0, and α over the number of neighbours",
          reference: "scale[position] = offset + share * energy",
          fast: "s[i] = offset + share * energy["),
        .init(" · "),
        .init(
          isAcross ? "Σ_c'=c−\(n / 2)…c+\(n / 2) in[c']²" : "Σ_\(n)×\(n) in²",
          "the energy: the squares of the neighbours and of the value itself",
          reference: "energy += value * value",
          fast: "let energy = windows.sums(of: squares)"),
        .init(")^−"),
        .init(
          beta, "β", reference: "let exponent = Scalar(-specification.beta)",
          fast: "let exponent = Scalar(-specification.beta)"),
      ],
      arithmetic: [Explanation.unchanged(input)],
      backward: "A value's own output passes its gradient back scaled; through the energy, the "
        + "value also takes a little from every neighbour's output.")
  }
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
