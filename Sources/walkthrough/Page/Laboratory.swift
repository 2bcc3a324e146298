import Layers
import Reference
import Tensors

/// Things to try: sizes under Caffe's rules, the order of pooling and normalisation, and LRN's
/// curves. Without the script each shows its first state as text.
struct Laboratory {
  let report: TourReport

  /// All of it.
  func html() -> HTML {
    section("laboratory", level: 2, "Try it", class: "laboratory") {
      shapes()
      order()
      curves()
    }
  }

  // MARK: - Shapes

  private func shapes() -> HTML {
    section("shapes", level: 3, "Kernel, stride, pad: what size comes out?") {
      element("p") {
        "A convolution leaves out a last window that doesn't fit: it rounds down. Caffe's pooling "
          + "lets it reach over the border: it rounds up. With padding, pooling drops a last window "
          + "that would begin beyond the input."
      }
      element("div", ["class": "piece", "data-shapes": ""]) {
        element("div", ["class": "controls", "hidden": ""]) {
          element("fieldset") {
            element("legend") { "Layer" }
            radio("operation", "convolution", "convolution", checked: true)
            radio("operation", "pooling", "pooling", checked: false)
          }
          slider("size", "input rows", 1, 64, 27)
          slider("kernel", "kernel", 1, 11, 5)
          slider("stride", "stride", 1, 6, 1)
          slider("pad", "pad", 0, 5, 2)
        }
        element("output", ["class": "answer", "aria-live": "polite"]) {
          "27 = ⌊(27 + 2·2 − 5)/1⌋ + 1"
        }
        element("div", ["class": "drawing"])
      }
      table(
        caption: "The variants of the first layers",
        header: ["input", "what it shows", "convolution 11, stride 4", "then pooling 3, stride 2"],
        rows: [
          variant(227, "Caffe: everything divides, so that no rounding shows"),
          variant(224, "the size in the paper: convolution rounds down, pooling up"),
          variant(225, "another size on which the two rules part"),
        ], textColumns: 2)
    }
  }

  private func variant(_ size: Int, _ why: String) -> [String] {
    let convolution = ConvolutionSpecification(outputChannels: 1, kernel: 11, stride: 4)
    let pooling = PoolingSpecification(.maximum, kernel: 3, stride: 2)
    let middle = try? convolution.outputShape(for: Shape(1, 1, size, size))
    let last = middle.flatMap { try? pooling.outputShape(for: $0) }
    return [String(size), why] + [middle, last].map { $0.map { String($0.height) } ?? "–" }
  }

  // MARK: - LRN before or after pooling

  private func order() -> HTML? {
    let pairs = zip(report.layers, report.layers.dropFirst()).filter { first, second in
      Set([first.kind, second.kind]) == ["pooling", "lrn"]
    }
    guard let (first, second) = pairs.first else { return nil }
    let poolsFirst = first.kind == "pooling"
    let (early, late) = pairs.reduce((0, 0)) { counts, pair in
      (counts.0 + pair.0.input.reduce(1, *), counts.1 + pair.1.output.reduce(1, *))
    }
    return section("order", level: 3, "Normalise before or after pooling?") {
      element("p") {
        "\(report.network) runs \(first.name), then \(second.name). "
          + (poolsFirst
            ? "The paper and bvlc_alexnet normalise first." : "CaffeNet pools first.")
          + " The results differ, as a maximum is taken of normalised or of raw values, and so does "
          + "the work."
      }
      element("div", ["class": "piece", "data-order": ""]) {
        element("div", ["class": "controls", "hidden": ""]) {
          element("fieldset") {
            element("legend") { "Order" }
            radio("order", "after", "pool, then normalise", checked: poolsFirst)
            radio("order", "before", "normalise, then pool", checked: !poolsFirst)
          }
        }
        element(
          "output",
          [
            "class": "answer", "aria-live": "polite", "data-before": Format.grouped(early),
            "data-after": Format.grouped(late),
          ]
        ) { "\(Format.grouped(poolsFirst ? late : early)) values to normalise an image" }
      }
      table(
        caption: "Values that LRN touches, one image",
        header: ["order", "values"],
        rows: [
          ["pool, then normalise (CaffeNet)", Format.grouped(late)],
          ["normalise, then pool (paper, bvlc_alexnet)", Format.grouped(early)],
        ])
      example()
    }
  }

  /// Both orders on a few numbers that can be followed by hand.
  private func example() -> HTML? {
    let rows = [[4.0, 1, 2], [0, 3, 1], [1, 5, 0]]
    let input = Tensor(Shape(1, 3, 1, 3), Array(rows.joined()))
    let pool = Pooling<Double>(
      PoolingSpecification(.maximum, kernel: Extent(height: 1, width: 3)))
    let norm = LRN<Double>(LRNSpecification(localSize: 3, alpha: 3, beta: 0.5))
    guard let after = try? norm.forward(pool.forward(input).output).output,
      let before = try? pool.forward(norm.forward(input).output).output
    else { return nil }
    return table(
      caption: "Three channels of three positions under one pooling window, "
        + "normalised by (1 + Σ in²)^−0.5 over three channels",
      header: ["channel", "its values", "pool, then normalise", "normalise, then pool"],
      rows: rows.enumerated().map { channel, values in
        [
          String(channel), values.map { Format.value($0) }.joined(separator: ", "),
          Format.value(after[channel]), Format.value(before[channel]),
        ]
      }, textColumns: 2)
  }

  // MARK: - LRN's curves

  private func curves() -> HTML {
    section("curves", level: 3, "What k, α and β do") {
      element("p", ["class": "formula"]) {
        element("code") { "out = in · (k + α/n · (in² + neighbours))^−β" }
      }
      element("p") {
        "The curve shows the output for an input from 0 to 200 while the neighbours' squares keep "
          + "their sum. A great α bends it, a great β more so; strong neighbours press it down."
      }
      element("div", ["class": "piece", "data-curves": ""]) {
        element("div", ["class": "controls", "hidden": ""]) {
          slider("k", "k", 0.5, 4, 1, step: 0.5)
          slider("alpha", "log₁₀ α", -5, -1, -4, step: 0.5)
          slider("beta", "β", 0, 1.5, 0.75, step: 0.05)
          slider("n", "n", 1, 11, 5, step: 2)
          slider("neighbours", "neighbours", 0, 200, 50, step: 10)
        }
        element("div", ["class": "drawing"])
        element("output", ["class": "answer", "aria-live": "polite"])
      }
      table(
        caption: "One name, several conventions: out = in · (k + a · Σ in²)^−β",
        header: ["source", "k", "a", "n"],
        rows: [
          ["Caffe", "1", "α/n", "5"], ["the 2012 code", "2", "α/n", "5"],
          ["PyTorch", "1", "α/n", "size"], ["TensorFlow", "1 (bias)", "α", "2·depth_radius + 1"],
        ], textColumns: 4)
    }
  }

  // MARK: - Controls

  private func slider(
    _ name: String, _ label: String, _ least: Double, _ greatest: Double, _ value: Double,
    step: Double = 1
  ) -> HTML {
    element("label", ["class": "slider"]) {
      element("span") { label }
      element(
        "input",
        [
          "type": "range", "name": name, "min": decimal(least), "max": decimal(greatest),
          "step": decimal(step), "value": decimal(value),
        ])
      element("output") { decimal(value) }
    }
  }

  private func radio(_ name: String, _ value: String, _ label: String, checked: Bool) -> HTML {
    element("label") {
      element(
        "input",
        ["type": "radio", "name": name, "value": value, "checked": checked ? "" : nil])
      " " + label
    }
  }
}
