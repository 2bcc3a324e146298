/// The network to scale: every output a block whose height and depth are its rows and columns and
/// whose thickness is its channels. A grouped convolution is drawn as the parts that it is.
struct NetworkDrawing {
  private let report: TourReport
  /// Units of the drawing for a row, and for a channel.
  private let rowScale, channelScale: Double
  private let middle = 190.0
  private let tallest = 250.0

  init(_ report: TourReport) {
    self.report = report
    let rows = max(report.input[1], 1)
    let channels = report.layers.filter { $0.output[1] == 1 }.map { $0.output[0] }.max() ?? 1
    let thickest = report.layers.map { $0.output[0] }.max() ?? 1
    rowScale = tallest / Double(rows)
    // No block of a small network becomes so thick that the drawing gets too wide to be read.
    channelScale = min(tallest / Double(max(channels, thickest, 1)), 0.4 * rowScale)
  }

  /// An output that has memory of its own, with the layers that write over it.
  private struct Stage {
    var name: String
    var link: String
    var kind: String
    var output: [Int]
    var groups: Int
    var inPlace: [LayerReport] = []
  }

  private func stages() -> [Stage] {
    var stages = [
      Stage(name: "data", link: "image", kind: "data", output: report.input, groups: 1)
    ]
    for layer in report.layers {
      if layer.isInPlace {
        stages[stages.count - 1].inPlace.append(layer)
      } else {
        stages.append(
          Stage(
            name: layer.name, link: layer.anchor, kind: layer.kind, output: layer.output,
            groups: max(layer.groups.count, 1)))
      }
    }
    return stages
  }

  /// The drawing with a link on each block.
  func svg() -> HTML {
    var x = 24.0
    var bodies: [HTML] = []
    var arrows: [HTML] = []
    var previous: (right: Double, centres: [Double])?
    for stage in stages() {
      let size = extents(stage)
      let room = max(size.width + size.depth, 58)
      let left = x + (room - size.width - size.depth) / 2
      let centres = centres(stage, size)
      if let previous {
        arrows += connections(from: previous, to: (left, centres), groups: stage.groups)
      }
      bodies.append(drawn(stage, left: left, size: size, centres: centres, middle: x + room / 2))
      previous = (left + size.width + size.depth, centres)
      x += room + 14
    }
    let height = middle + tallest / 2 + 118
    return element(
      "svg",
      [
        "class": "network", "viewBox": "0 0 \(decimal(x + 10)) \(decimal(height))",
        "width": decimal(x + 10), "height": decimal(height), "role": "group",
        "aria-label": "The network drawn to scale; each block links to its layer",
      ]
    ) {
      element("g", ["class": "wires"]) { arrows }
      bodies
    }
  }

  /// What the lengths mean.
  var caption: String {
    "Drawn to scale: a block's height and depth are its rows and columns, its thickness its "
      + "channels, each drawn \(Int((rowScale / channelScale).rounded())) times thinner than a row. "
      + "Outputs that are a mere vector stand upright. Each block links to its layer."
  }

  private func extents(_ stage: Stage) -> (width: Double, height: Double, depth: Double) {
    let (channels, rows, columns) = (stage.output[0], stage.output[1], stage.output[2])
    if rows == 1 && columns == 1 {
      return (max(rowScale, 3), max(Double(channels) * channelScale, 3), 0)
    }
    return (
      max(Double(channels) / Double(stage.groups) * channelScale, 1.5),
      max(Double(rows) * rowScale, 2), Double(columns) * rowScale * 0.35
    )
  }

  /// The heights on which the parts of an output lie.
  private func centres(_ stage: Stage, _ size: (width: Double, height: Double, depth: Double))
    -> [Double]
  {
    let pitch = size.height + size.depth * 0.5 + 16
    return (0..<stage.groups).map {
      middle + (Double($0) - Double(stage.groups - 1) / 2) * pitch
    }
  }

  private func connections(
    from: (right: Double, centres: [Double]), to: (left: Double, centres: [Double]), groups: Int
  ) -> [HTML] {
    var lines: [HTML] = []
    for (i, start) in from.centres.enumerated() {
      for (j, end) in to.centres.enumerated() where from.centres.count != groups || i == j {
        lines.append(
          element(
            "path",
            [
              "d": "M\(decimal(from.right)) \(decimal(start)) "
                + "L\(decimal(to.left)) \(decimal(end))"
            ]))
      }
    }
    return lines
  }

  private func drawn(
    _ stage: Stage, left: Double, size: (width: Double, height: Double, depth: Double),
    centres: [Double], middle centre: Double
  ) -> HTML {
    let shape =
      stage.output[1] == 1 && stage.output[2] == 1
      ? Format.grouped(stage.output[0]) : stage.output.map(String.init).joined(separator: "×")
    let halves = stage.groups > 1 ? ", in \(stage.groups) groups" : ""
    let base = middle + tallest / 2 + 62
    return element("g", ["class": "stage \(stage.kind)"]) {
      element("a", ["href": "#\(stage.link)", "aria-label": "\(stage.name), \(shape)\(halves)"]) {
        element("title") { "\(stage.name): \(shape)\(halves)" }
        for centre in centres { block(left, centre, size) }
        if stage.kind == "data" { photograph(left + size.width, centres[0], size) }
        label(stage.name, centre, base, "name")
        label(shape, centre, base + 14, "shape")
      }
      for (index, layer) in stage.inPlace.enumerated() {
        element("a", ["href": "#\(layer.anchor)"]) {
          label(layer.name, centre, base + 30 + 14 * Double(index), "in-place")
        }
      }
    }
  }

  /// The picture on the side of its block.
  private func photograph(
    _ x: Double, _ centre: Double, _ size: (width: Double, height: Double, depth: Double)
  ) -> HTML? {
    guard size.depth > 0, let source = (try? report.image.picture.picture())?.dataURL else {
      return nil
    }
    let skew =
      "matrix(1 -0.5 0 1 \(decimal(x)) \(decimal(centre - size.height / 2 + size.depth / 4)))"
    return element(
      "image",
      [
        "href": source, "width": decimal(size.depth), "height": decimal(size.height),
        "preserveAspectRatio": "none", "transform": skew,
      ])
  }

  private func label(_ text: String, _ x: Double, _ y: Double, _ style: String) -> HTML {
    element(
      "text", ["x": decimal(x), "y": decimal(y), "text-anchor": "middle", "class": style]
    ) { text }
  }

  /// A cuboid: front, top and side.
  private func block(
    _ left: Double, _ centre: Double, _ size: (width: Double, height: Double, depth: Double)
  ) -> HTML {
    let (width, height) = (size.width, size.height)
    let (dx, dy) = (size.depth, size.depth * 0.5)
    let (top, bottom) = (centre - height / 2 + dy / 2, centre + height / 2 + dy / 2)
    let right = left + width
    func face(_ style: String, _ points: [(Double, Double)]) -> HTML {
      element(
        "polygon",
        [
          "class": style,
          "points": points.map { "\(decimal($0.0)),\(decimal($0.1))" }.joined(separator: " "),
        ])
    }
    return HTML([
      face("top", [(left, top), (left + dx, top - dy), (right + dx, top - dy), (right, top)]),
      face(
        "side",
        [(right, top), (right + dx, top - dy), (right + dx, bottom - dy), (right, bottom)]),
      face("front", [(left, top), (right, top), (right, bottom), (left, bottom)]),
    ])
  }
}

extension LayerReport {
  /// The id of its section.
  var anchor: String { Self.anchor(name) }

  /// The id of the section of a layer by name.
  static func anchor(_ name: String) -> String { "layer-" + Escaping.identifier(name) }
}
