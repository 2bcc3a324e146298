import Foundation
import Layers
import Networks
import Reference
import Tensors
import Training

/// The figures of Docs. Their numbers are those of the worked examples, which tests compare with the layers,
/// or are computed here.
enum Figures {
  /// Each figure's file name, without its ending, and how it is drawn.
  static let all: [(name: String, draw: @Sendable () throws -> FigureDrawing)] = [
    ("00-network", network), ("01-crop", crop), ("02-convolution", convolution),
    ("02-gradient", convolutionGradient), ("03-groups", groups), ("04-relu", relu),
    ("05-max-pooling", maxPooling), ("06-lrn", lrn), ("07-inner-product", innerProduct),
    ("08-dropout", dropout), ("09-softmax", softmax), ("10-accuracy", accuracy),
    ("11-chain", chain), ("12-difference-quotient", differenceQuotient), ("13-im2col", im2col),
    ("14-momentum", momentum), ("15-deviation", deviation), ("16-rates", rates),
    ("17-varint", varint), ("18-minimal-filter", minimalFilter), ("19-speed", speed),
    ("20-joins", joins),
  ]

  private typealias Frame = (x: Double, y: Double, width: Double, height: Double)

  /// Rows of a tensor's last two axes, as text.
  private static func rows(_ tensor: Tensor<Double>, columns: Int? = nil) -> [[String]] {
    let columns = columns ?? tensor.shape.dimensions.last ?? 1
    return stride(from: 0, to: tensor.count, by: columns).map { start in
      (start..<start + columns).map { number(tensor[$0]) }
    }
  }

  private static func number(_ value: Double) -> String {
    let text = value == value.rounded() ? String(Int(value)) : String(value)
    return text.replacingOccurrences(of: "-", with: "−")
  }

  // MARK: - The network

  @Sendable private static func network() throws -> FigureDrawing {
    var figure = FigureDrawing(
      760, 250, "AlexNet's blobs: height and width shrink from 227 to 6 while channels grow to 256")
    let plan = try NetworkPlan(caffenet())
    let names = ["data", "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"]
    var x = 20.0
    for name in names {
      let blob = plan.blobs.first { $0.name == name }
      guard let shape = blob?.shape else { continue }
      // Rows to scale; a channel is a fifth of a pixel wide, three channels are seen as two pixels.
      let (height, width) = (Double(shape.height) * 0.7, max(4, Double(shape.channels) * 0.18))
      let colour: FigureDrawing.Colour =
        name.hasPrefix("conv") ? .first : name.hasPrefix("pool") ? .third : .faint
      figure.rectangle(x, 120 - height / 2, width, height, colour)
      figure.rectangle(x, 120 - height / 2, width, height, .ink, filled: false)
      figure.text(name, x + width / 2, 226, size: 11)
      figure.text(
        "\(shape.channels)×\(shape.height)²", x + width / 2, 241, size: 10, .faint)
      x += max(width, 46) + 12
    }
    for name in ["fc6", "fc7", "fc8"] {
      guard let shape = plan.blobs.first(where: { $0.name == name })?.shape else { continue }
      let height = Double(shape.count) * 0.034
      figure.rectangle(x, 120 - height / 2, 9, height, .second)
      figure.rectangle(x, 120 - height / 2, 9, height, .ink, filled: false)
      figure.text(name, x + 5, 226, size: 11)
      figure.text("\(shape.count)", x + 5, 241, size: 10, .faint)
      x += 46
    }
    return figure
  }

  // MARK: - Layers

  @Sendable private static func crop() throws -> FigureDrawing {
    var figure = FigureDrawing(
      460, 230, "A window of 227 by 227 pixels, cut from 256 by 256 and mirrored")
    figure.rectangle(20, 30, 180, 180)
    figure.text("256 × 256", 24, 22, "start", size: 12)
    let side = 180 * 227 / 256.0
    figure.rectangle(34, 38, side, side, .first)
    figure.rectangle(34, 38, side, side, .first, filled: false)
    figure.text("227 × 227", 34 + side / 2, 56, size: 12, .first)
    for (x, mirrored) in [(34.0, false), (280.0, true)] {
      // A letter that shows which way it is turned.
      let points = [(0.35, 0.75), (0.35, 0.3), (0.65, 0.3), (0.65, 0.5), (0.35, 0.5)]
      figure.line(
        points.map { (x + (mirrored ? 1 - $0.0 : $0.0) * side, 38 + $0.1 * side) }, .second)
    }
    figure.line([(206, 118), (270, 118)], arrow: true)
    figure.text("mirrored", 238, 110, size: 12)
    figure.rectangle(280, 38, side, side, .first, filled: false)
    return figure
  }

  @Sendable private static func convolution() throws -> FigureDrawing {
    let example = try Example(.convolution)
    let (input, weights) = (try example("in"), try example("weights"))
    let (output, bias) = (try example("out"), try example("bias"))
    var figure = FigureDrawing(
      560, 190, "A kernel of 2 by 2 weights over the first window of 3 by 3 inputs gives one output"
    )
    figure.grid(rows(input), x: 20, y: 40, title: "in") { y, x in y < 2 && x < 2 ? .first : nil }
    figure.text("⊙", 152, 80, size: 20)
    figure.grid(rows(weights), x: 176, y: 40, title: "weights") { _, _ in .second }
    figure.text("+ \(number(bias[0]))", 290, 80)
    figure.line([(320, 75), (372, 75)], arrow: true)
    figure.grid(rows(output), x: 388, y: 40, title: "out") { y, x in y == 0 && x == 0 ? .first : nil
    }
    let terms = (0..<4).map { "\(number(input[$0 / 2 * 3 + $0 % 2]))·(\(number(weights[$0])))" }
    figure.text(
      terms.joined(separator: " + ") + " + \(number(bias[0])) = \(number(output[0]))", 20, 172,
      "start")
    return figure
  }

  @Sendable private static func convolutionGradient() throws -> FigureDrawing {
    let example = try Example(.convolution)
    let (upstream, weights, gradient) = (
      try example("∂out"), try example("weights"), try example("∂in")
    )
    var figure = FigureDrawing(
      640, 190,
      "The gradient of the input is the output's gradient, padded, under the kernel turned by 180 degrees"
    )
    let padded = (0..<4).map { y in
      (0..<4).map { x in
        (1...2).contains(y) && (1...2).contains(x)
          ? number(upstream[(y - 1) * 2 + x - 1]) : "0"
      }
    }
    figure.grid(padded, x: 20, y: 40, title: "∂L/∂out with a border of zeros") { y, x in
      (1...2).contains(y) && (1...2).contains(x) ? .first : nil
    }
    figure.text("⊙", 190, 112, size: 20)
    let turned = [3, 2, 1, 0].map { number(weights[$0]) }
    figure.grid(
      [Array(turned[0..<2]), Array(turned[2..<4])], x: 240, y: 74, title: "kernel, turned by 180°"
    ) { _, _ in .second }
    figure.line([(360, 108), (412, 108)], arrow: true)
    figure.grid(rows(gradient), x: 436, y: 56, title: "∂L/∂in") { y, x in
      y == 1 && x == 1 ? .first : nil
    }
    return figure
  }

  @Sendable private static func groups() throws -> FigureDrawing {
    let plan = try NetworkPlan(caffenet())
    let layer = plan.layers.first { $0.name == "conv2" }
    let (channels, kernels) = ((layer?.input.channels ?? 0) / 2, (layer?.output.channels ?? 0) / 2)
    var figure = FigureDrawing(
      520, 190, "conv2 in two lanes: each half of the kernels sees half of the channels")
    for group in 0..<2 {
      let (y, colour) = (40 + Double(group) * 75, group == 0 ? FigureDrawing.Colour.first : .second)
      figure.rectangle(30, y, 150, 55, colour)
      figure.text("channels \(group * channels)…\((group + 1) * channels - 1)", 105, y + 32)
      figure.line([(188, y + 28), (292, y + 28)], colour, arrow: true)
      figure.text("\(channels)×5×5 weights", 240, y + 20, size: 11)
      figure.rectangle(300, y, 190, 55, colour)
      figure.text("kernels \(group * kernels)…\((group + 1) * kernels - 1)", 395, y + 32)
    }
    figure.text("in", 30, 30, "start")
    figure.text("out", 300, 30, "start")
    return figure
  }

  @Sendable private static func relu() throws -> FigureDrawing {
    var figure = FigureDrawing(520, 220, "ReLU beside the sigmoid, and their slopes")
    for (index, title) in ["the function", "its slope"].enumerated() {
      let frame: Frame = (30 + Double(index) * 250, 40, 210, 150)
      figure.rectangle(frame.x, frame.y, frame.width, frame.height, .faint, filled: false)
      figure.text(title, frame.x, 28, "start")
      let points = (0...120).map { Double($0) / 10 - 6 }
      let range = index == 0 ? 6.0 : 1.2
      func scaled(_ value: Double) -> Double { value / range }
      figure.curve(
        points.map { (($0 + 6) / 12, scaled(index == 0 ? max(0, $0) : $0 > 0 ? 1 : 0)) }, in: frame,
        .first)
      figure.curve(
        points.map { x in
          let sigmoid = 1 / (1 + exp(-x))
          return ((x + 6) / 12, scaled(index == 0 ? sigmoid : sigmoid * (1 - sigmoid)))
        }, in: frame, .second)
      figure.text("in from −6 to 6", frame.x + frame.width, 206, "end", size: 11, .faint)
    }
    figure.text("ReLU", 400, 62, "start", size: 12, .first)
    figure.text("sigmoid: at most ¼", 290, 152, "start", size: 12, .second)
    return figure
  }

  @Sendable private static func maxPooling() throws -> FigureDrawing {
    let example = try Example(.maxPooling)
    let (positions, upstream) = (try example.integers("position"), try example("∂out"))
    var figure = FigureDrawing(
      680, 230, "Four windows of 3 by 3: the place of each maximum, and what comes back to it")
    let chosen = Set(positions)
    figure.grid(rows(try example("in")), x: 20, y: 40, title: "in, maxima marked") { y, x in
      chosen.contains(y * 5 + x) ? .first : y < 3 && x < 3 ? .faint : nil
    }
    figure.line([(200, 108), (236, 108)], arrow: true)
    figure.grid(rows(try example("out")), x: 250, y: 74, title: "out") { _, _ in .first }
    figure.grid(rows(upstream), x: 370, y: 74, title: "∂L/∂out") { _, _ in .second }
    figure.line([(446, 108), (482, 108)], .second, arrow: true)
    figure.grid(rows(try example("∂in")), x: 496, y: 40, title: "∂L/∂in") { y, x in
      chosen.contains(y * 5 + x) ? .second : nil
    }
    return figure
  }

  @Sendable private static func lrn() throws -> FigureDrawing {
    let example = try Example(.lrn)
    let (input, s, output) = (try example("in"), try example("s"), try example("out"))
    var figure = FigureDrawing(
      520, 240, "Four channels at one place: each is divided by a power of what its neighbours hold"
    )
    figure.rectangle(30, 34, 330, 190, .faint)
    figure.text("the window of channel 1", 36, 26, "start", size: 12, .faint)
    for c in 0..<4 {
      let x = 60 + Double(c) * 110
      figure.text("channel \(c)", x + 25, 50, size: 11, .faint)
      for (offset, value, colour) in [
        (0.0, input[c], FigureDrawing.Colour.first), (26, output[c], .second),
      ] {
        let height = value * 30
        figure.rectangle(x + offset, height > 0 ? 130 - height : 130, 22, abs(height), colour)
      }
      figure.line([(x - 8, 130), (x + 58, 130)])
      figure.text("s = \(number(s[c]))", x + 25, 186, size: 12)
      figure.text(number(input[c]), x + 8, 206, size: 12, .first)
      figure.text(number(output[c]), x + 44, 206, size: 12, .second)
    }
    figure.text("in", 396, 26, "start", size: 12, .first)
    figure.text("out = in · s^−¾", 416, 26, "start", size: 12, .second)
    return figure
  }

  @Sendable private static func innerProduct() throws -> FigureDrawing {
    let example = try Example(.innerProduct)
    let (input, weights) = (try example("in"), try example("weights"))
    let (inputs, outputs) = (weights.shape.dimensions[1], weights.shape.dimensions[0])
    var figure = FigureDrawing(
      240 + Double(inputs) * 40, 90 + Double(max(inputs, outputs)) * 36,
      "A row of the weights and all inputs give one output")
    figure.grid(rows(weights, columns: inputs), x: 20, y: 44, title: "weights, K×D") { k, _ in
      k == 0 ? .second : nil
    }
    let x = 40 + Double(inputs) * 34
    figure.grid((0..<inputs).map { [number(input[$0])] }, x: x, y: 44, title: "in") { _, _ in
      .first
    }
    figure.text("+ b", x + 58, 44 + Double(outputs) * 17 + 4)
    figure.line(
      [(x + 76, 44 + Double(outputs) * 17), (x + 110, 44 + Double(outputs) * 17)], arrow: true)
    let output = try example("out")
    figure.grid((0..<outputs).map { [number(output[$0])] }, x: x + 122, y: 44, title: "out") {
      k, _ in
      k == 0 ? .second : nil
    }
    return figure
  }

  @Sendable private static func dropout() throws -> FigureDrawing {
    let example = try Example(.dropout)
    let kept = try example.integers("kept")
    var figure = FigureDrawing(
      520, 220, "A mask drops half of the values and doubles the others")
    for (index, name) in ["in", "kept", "out"].enumerated() {
      figure.grid(
        rows(try example(name)), x: 120, y: 24 + Double(index) * 62, cell: 44
      ) { _, i in kept[i] == 0 ? .faint : index == 0 ? .first : index == 1 ? .third : .second }
      figure.text(
        name == "kept" ? "mask" : name, 100, 50 + Double(index) * 62, "end")
    }
    figure.text("· 1/(1 − ½)", 400, 112, "start", size: 12)
    return figure
  }

  @Sendable private static func softmax() throws -> FigureDrawing {
    let example = try Example(.softmaxLoss)
    let (p, labels) = (try example("p"), try example.integers("label"))
    var figure = FigureDrawing(
      560, 356, "For two images: the probabilities, the true class, and their difference")
    for n in 0..<2 {
      for (part, title) in ["p", "onehot", "p − onehot"].enumerated() {
        let (left, base) = (40 + Double(part) * 175, 120 + Double(n) * 150)
        figure.text("\(title), image \(n)", left, base - 92, "start", size: 12)
        figure.line([(left, base), (left + 140, base)])
        for c in 0..<3 {
          let target = labels[n] == c ? 1.0 : 0
          let value = part == 0 ? p[n * 3 + c] : part == 1 ? target : p[n * 3 + c] - target
          let height = value * 70
          figure.rectangle(
            left + Double(c) * 48 + 6, height > 0 ? base - height : base, 30, abs(height),
            value < 0 ? .second : part == 1 ? .third : .first)
          figure.text(
            number((value * 1e4).rounded() / 1e4), left + Double(c) * 48 + 21,
            height >= 0 ? base + 14 : base - 4, size: 10)
        }
      }
    }
    figure.text(
      "∂L/∂scores = (p − onehot)/N: up where a class should gain, down where it should lose",
      40, 348, "start", size: 12, .faint)
    return figure
  }

  @Sendable private static func accuracy() throws -> FigureDrawing {
    var figure = FigureDrawing(
      500, 200, "Eight scores in order; the label's is third: wrong for top-1, right for top-5")
    let scores = [0.92, 0.78, 0.71, 0.55, 0.47, 0.38, 0.2, 0.1]
    for (rank, score) in scores.enumerated() {
      let x = 30 + Double(rank) * 56
      figure.rectangle(x, 150 - score * 110, 40, score * 110, rank == 2 ? .second : .faint)
      figure.text("\(rank + 1).", x + 20, 168, size: 12)
    }
    figure.text("label", 162, 60, size: 12, .second)
    for (count, y) in [(1, 20.0), (5, 36.0)] {
      figure.line([(30, y), (30 + Double(count) * 56 - 16, y)], .first)
      figure.text("top-\(count)", 36 + Double(count) * 56, y + 4, "start", size: 12, .first)
    }
    return figure
  }

  // MARK: - Networks and numbers

  @Sendable private static func chain() throws -> FigureDrawing {
    var figure = FigureDrawing(
      640, 150, "Values go forwards from layer to layer, gradients go back the same way")
    let names = ["f₁", "f₂", "f₃", "loss"]
    for (index, name) in names.enumerated() {
      let x = 90 + Double(index) * 140
      figure.rectangle(x, 50, 60, 50, .faint)
      figure.text(name, x + 30, 80)
      figure.line([(x - 72, 62), (x - 6, 62)], .first, arrow: true)
      figure.text("x\(["₀", "₁", "₂", "₃"][index])", x - 40, 54, size: 12, .first)
      figure.line([(x - 6, 90), (x - 72, 90)], .second, arrow: true)
      figure.text("∂L/∂x\(["₀", "₁", "₂", "₃"][index])", x - 40, 110, size: 12, .second)
      if index < 3 {
        figure.line([(x + 30, 100), (x + 30, 124)], .third, arrow: true)
        figure.text("∂L/∂θ\(["₁", "₂", "₃"][index])", x + 30, 140, size: 12, .third)
      }
    }
    return figure
  }

  /// The error of both quotients for e^x at 1 in `Double`.
  @Sendable private static func differenceQuotient() throws -> FigureDrawing {
    var figure = FigureDrawing(
      540, 270, "The error of difference quotients falls with h, and rises again by rounding")
    let frame: Frame = (60, 30, 440, 190)
    figure.rectangle(frame.x, frame.y, frame.width, frame.height, .faint, filled: false)
    let right = exp(1.0)
    func points(_ quotient: (Double) -> Double) -> [(Double, Double)] {
      stride(from: -14.0, through: 0, by: 0.25).map { exponent in
        let error = abs(quotient(pow(10, exponent)) - right) / right
        return ((exponent + 14) / 14, (log10(max(error, 1e-13)) + 13) / 14)
      }
    }
    figure.curve(points { (exp(1 + $0) - exp(1)) / $0 }, in: frame, .second)
    figure.curve(points { (exp(1 + $0) - exp(1 - $0)) / (2 * $0) }, in: frame, .first)
    for exponent in [-12, -8, -4, 0] {
      let x = frame.x + Double(exponent + 14) / 14 * frame.width
      figure.text("h = 10^\(exponent)".replacingOccurrences(of: "-", with: "−"), x, 238, size: 11)
    }
    for exponent in [-12, -8, -4, 0] {
      let y = frame.y + (1 - Double(exponent + 13) / 14) * frame.height
      figure.text(
        "10^\(exponent)".replacingOccurrences(of: "-", with: "−"), 54, y + 4, "end", size: 11)
    }
    figure.text("relative error of the derivative of eˣ at 1", 60, 20, "start", size: 12)
    figure.text("one-sided", 360, 92, "start", size: 12, .second)
    figure.text("symmetric", 430, 150, "start", size: 12, .first)
    return figure
  }

  @Sendable private static func im2col() throws -> FigureDrawing {
    let example = try Example(.columns)
    var figure = FigureDrawing(
      600, 210, "Each window of the image becomes a column of the matrix")
    figure.grid(rows(try example("in")), x: 20, y: 50, title: "in: the second window") { y, x in
      y < 2 && x >= 1 ? .first : nil
    }
    figure.line([(140, 102), (186, 102)], arrow: true)
    figure.grid(rows(try example("columns")), x: 200, y: 40, title: "columns") { _, x in
      x == 1 ? .first : nil
    }
    figure.text("·", 356, 108, size: 20)
    let weights = try example("weights")
    figure.text("weights · columns = product", 352, 66, "start", size: 12)
    figure.grid([(0..<4).map { number(weights[$0]) }], x: 352, y: 78, title: "") { _, _ in .second }
    figure.grid(rows(try example("product")), x: 352, y: 134, title: "") { _, x in
      x == 1 ? .first : nil
    }
    return figure
  }

  /// Steps in a valley whose curvature is 1 along and 100 across.
  @Sendable private static func momentum() throws -> FigureDrawing {
    var figure = FigureDrawing(
      540, 250, "Forty steps in a narrow valley, with and without momentum")
    let frame: Frame = (20, 30, 500, 190)
    for level in 1...5 {
      let points = (0...72).map { step -> (Double, Double) in
        let (angle, radius) = (Double(step) / 36 * .pi, Double(level) * 2)
        return (radius * cos(angle), radius / 10 * sin(angle))
      }
      figure.line(points.map { place($0, frame) }, .faint)
    }
    for (momentum, colour) in [(0.0, FigureDrawing.Colour.second), (0.9, .first)] {
      let step = SGDStep(rate: momentum == 0 ? 0.018 : 0.01, momentum: momentum)
      var w = Tensor<Double>(Shape(2), [-9, 1.2])
      var buffer = Tensor<Double>(Shape(2))
      var path = [(w[0], w[1])]
      for _ in 0..<40 {
        let gradient = Tensor<Double>(Shape(2), [w[0], 100 * w[1]])
        ReferenceBackend<Double>().take(step, on: &w, momentumBuffer: &buffer, gradient: gradient)
        path.append((w[0], w[1]))
      }
      figure.line(path.map { place($0, frame) }, colour)
    }
    figure.text("rate 0.018, no momentum", 24, 22, "start", size: 12, .second)
    figure.text("rate 0.01, momentum 0.9", 200, 22, "start", size: 12, .first)
    figure.text("loss = ½·(x² + 100·y²)", 516, 240, "end", size: 12, .faint)
    return figure
  }

  private static func place(_ point: (Double, Double), _ frame: Frame) -> (x: Double, y: Double) {
    (frame.x + (point.0 + 10.5) / 21 * frame.width, frame.y + (2.2 - point.1) / 4.4 * frame.height)
  }

  /// The deviation of activations behind each of ten layers of 256 units with ReLU, for weights that are
  /// half, as large as, and twice as large as He et al. propose.
  @Sendable private static func deviation() throws -> FigureDrawing {
    var figure = FigureDrawing(
      600, 260, "How large activations are after each of ten layers, for three sizes of weights")
    let frame: Frame = (60, 30, 440, 190)
    figure.rectangle(frame.x, frame.y, frame.width, frame.height, .faint, filled: false)
    let units = 256
    for (factor, colour) in [(0.5, FigureDrawing.Colour.second), (1, .first), (2, .third)] {
      var generator = SplitMix64(seed: 1)
      var x = (0..<units).map { _ in generator.nextNormal() }
      var points: [(Double, Double)] = []
      for layer in 0...10 {
        let size = (x.map { $0 * $0 }.reduce(0, +) / Double(units)).squareRoot()
        points.append((Double(layer) / 10, (log10(size) + 4) / 8))
        let deviation = factor * (2 / Double(units)).squareRoot()
        x = (0..<units).map { _ in
          max(0, x.reduce(0) { $0 + $1 * generator.nextNormal() * deviation })
        }
      }
      figure.curve(points, in: frame, colour)
      figure.text(
        "\(number(factor)) × He", 506, frame.y + (1 - points[10].1) * frame.height + 4,
        "start", size: 11, colour)
    }
    for exponent in [-4, -2, 0, 2, 4] {
      figure.text(
        "10^\(exponent)".replacingOccurrences(of: "-", with: "−"), 54,
        frame.y + (1 - Double(exponent + 4) / 8) * frame.height + 4, "end", size: 11)
    }
    for layer in [0, 5, 10] {
      figure.text("layer \(layer)", frame.x + Double(layer) / 10 * frame.width, 238, size: 11)
    }
    figure.text("root mean square of the activations", 60, 20, "start", size: 12)
    return figure
  }

  /// Gradient descent on ½·c·x², for rates as parts of 1/c.
  @Sendable private static func rates() throws -> FigureDrawing {
    var figure = FigureDrawing(
      600, 260, "The loss by iteration for four rates: too small, good, at the edge, too large")
    let frame: Frame = (60, 30, 440, 190)
    figure.rectangle(frame.x, frame.y, frame.width, frame.height, .faint, filled: false)
    for (rate, colour) in [
      (0.1, FigureDrawing.Colour.third), (0.6, .first), (1.8, .ink), (2.1, .second),
    ] {
      var (x, points) = (1.0, [(Double, Double)]())
      for iteration in 0...20 {
        points.append((Double(iteration) / 20, min(1, (log10(max(x * x, 1e-4)) + 4) / 7)))
        x -= rate * x
      }
      figure.curve(points, in: frame, colour)
      figure.text(
        "η·c = \(number(rate))", 506, frame.y + (1 - points[20].1) * frame.height + 4, "start",
        size: 11, colour)
    }
    figure.text(
      "loss on a logarithmic scale, 20 iterations; c is the curvature", 60, 20, "start", size: 12)
    return figure
  }

  @Sendable private static func varint() throws -> FigureDrawing {
    var figure = FigureDrawing(
      540, 170, "300 as a varint: seven bits a byte, the lowest first, a leading 1 for more to come"
    )
    let value = 300
    let bytes = [UInt8(value & 0x7F) | 0x80, UInt8(value >> 7)]
    for (index, byte) in bytes.enumerated() {
      let bits = (0..<8).map { String((byte >> (7 - $0)) & 1) }
      figure.grid(
        [bits], x: 30 + Double(index) * 250, y: 50, cell: 26,
        title: String(format: "byte 0x%02X", byte)
      ) { _, column in
        column == 0 ? .second : .first
      }
    }
    figure.text("more to come: 1, the last: 0", 30, 104, "start", size: 12, .second)
    figure.text(
      "\(value) = \(value >> 7)·128 + \(value & 0x7F)", 30, 130, "start", .first)
    return figure
  }

  // MARK: - Beyond one layer

  /// F(2, 3) on the numbers of chapter 18.
  @Sendable private static func minimalFilter() throws -> FigureDrawing {
    var figure = FigureDrawing(
      640, 270, "Two outputs of a filter of three taps: six products by the definition, or four")
    let (d, g) = ([1.0, 2, 3, 5], [2.0, -1, 4])
    let y = (0..<2).map { i in (0..<3).reduce(0) { $0 + d[i + $1] * g[$1] } }
    let factors = [
      (d[0] - d[2], g[0]), (d[1] + d[2], (g[0] + g[1] + g[2]) / 2),
      (d[2] - d[1], (g[0] - g[1] + g[2]) / 2), (d[1] - d[3], g[2]),
    ]
    let m = factors.map { $0 * $1 }
    guard m[0] + m[1] + m[2] == y[0], m[1] - m[2] - m[3] == y[1] else {
      throw Example.Malformed(description: "four products don't give the two outputs")
    }
    figure.grid([d.map(number)], x: 20, y: 40, title: "d") { _, _ in .first }
    figure.grid([g.map(number)], x: 20, y: 104, title: "g") { _, _ in .second }
    let sums = [
      ("d₀ − d₂", "g₀"), ("d₁ + d₂", "½(g₀ + g₁ + g₂)"), ("d₂ − d₁", "½(g₀ − g₁ + g₂)"),
      ("d₁ − d₃", "g₂"),
    ]
    for row in m.indices {
      let middle = 48 + Double(row) * 48
      figure.text(sums[row].0, 250, middle + 4, "end", size: 12, .first)
      figure.text(number(factors[row].0), 276, middle + 4, "middle", .first)
      figure.text("·", 296, middle + 4)
      figure.text(number(factors[row].1), 316, middle + 4, "middle", .second)
      figure.text(sums[row].1, 336, middle + 4, "start", size: 12, .second)
      figure.grid([[number(m[row])]], x: 452, y: middle - 20, cell: 40) { _, _ in .third }
    }
    figure.text("m₁ + m₂ + m₃", 508, 84, "start", size: 12)
    figure.text("y₀ = \(number(y[0]))", 508, 104, "start")
    figure.text("m₂ − m₃ − m₄", 508, 156, "start", size: 12)
    figure.text("y₁ = \(number(y[1]))", 508, 176, "start")
    figure.text("6 products by the definition, 4 here", 20, 250, "start", size: 12, .faint)
    return figure
  }

  /// The prediction that chapter 19 prints, at 10 Gbit/s.
  @Sendable private static func speed() throws -> FigureDrawing {
    var figure = FigureDrawing(
      600, 270, "Images a second on up to 16 machines, with a link of 10 Gbit/s, 256 images a step")
    let model = ScalingModel(try NetworkPlan(caffenet()))
    guard
      let machine = ScalingModel.Machine(
        seconds: 0.393, forImages: 16, seconds: 1.336, forImages: 64)
    else { throw Example.Malformed(description: "the two times make no line") }
    let link = ScalingModel.Link(bytesPerSecond: 10e9 / 8)
    let frame: Frame = (60, 30, 400, 200)
    figure.rectangle(frame.x, frame.y, frame.width, frame.height, .faint, filled: false)
    let greatest = 800.0
    for images in [0.0, 200, 400, 600, 800] {
      let y = frame.y + (1 - images / greatest) * frame.height
      figure.text(number(images), 54, y + 4, "end", size: 11, .faint)
    }
    for machines in [1, 4, 8, 12, 16] {
      figure.text(
        String(machines), frame.x + Double(machines - 1) / 15 * frame.width, 246, size: 11, .faint)
    }
    figure.text("images a second", 60, 20, "start", size: 12)
    figure.text("machines", 260, 262, size: 12)
    for (method, name, colour) in [
      (ScalingModel.Method.dataParallel, "data parallel", FigureDrawing.Colour.second),
      (.overlapped, "overlapped", .first), (.hybrid, "hybrid", .third),
    ] {
      let speeds = (1...16).map { machines in
        256
          / model.stepSeconds(
            method, machines: machines, images: 256, machine: machine, link: link)
      }
      figure.curve(
        speeds.enumerated().map { (Double($0) / 15, $1 / greatest) }, in: frame, colour)
      figure.text(
        "\(name): \(Int(speeds[15].rounded()))", 466,
        frame.y + (1 - speeds[15] / greatest) * frame.height + 4, "start", size: 12, colour)
    }
    return figure
  }

  @Sendable private static func joins() throws -> FigureDrawing {
    var figure = FigureDrawing(
      620, 250, "The gradients of a product's two inputs, and of a maximum's")
    let (product, maximum) = (try Example(.product), try Example(.maximum))
    for (number, (title, example)) in [("product", product), ("maximum", maximum)].enumerated() {
      let x = 20 + Double(number) * 310
      let names = ["a", "b", "out", "∂out", "∂a", "∂b"]
      figure.text(title, x, 20, "start", size: 14)
      for (row, name) in names.enumerated() {
        let colour: FigureDrawing.Colour =
          row == 0 || row == 4 ? .first : row == 1 || row == 5 ? .second : .faint
        figure.grid(
          rows(try example(name)), x: x + 50, y: 30 + Double(row) * 36, cell: 32
        ) { _, _ in colour }
        figure.text(name, x + 44, 51 + Double(row) * 36, "end")
      }
    }
    figure.text("∂a = b·∂out, ∂b = a·∂out", 170, 150, "start", size: 12)
    figure.text("to the larger one", 480, 150, "start", size: 12)
    return figure
  }
}
