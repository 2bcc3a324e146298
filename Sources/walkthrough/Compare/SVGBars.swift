import Foundation

/// Horizontal bars in groups, on a logarithmic scale.
struct SVGBars {
  struct Bar {
    var series: String
    var value: Double
    var label: String
  }

  struct Group {
    var name: String
    var bars: [Bar]
  }

  var title: String
  var subtitle: String
  var groups: [Group]
  /// What stands at a line of the scale.
  var axis: (Double) -> String = Format.seconds

  func document() -> String {
    let (width, left, right, barHeight, gap, top) = (900, 90, 150, 13, 8, 74)
    let values = groups.flatMap { $0.bars.map(\.value) }.filter { $0 > 0 }
    let (least, greatest) = (values.min() ?? 1, values.max() ?? 1)
    // Scales start at a power of ten below the least value.
    let start = pow(10, floor(log10(least)))
    let decades = max(log10(greatest / start), 1e-9)
    let room = Double(width - left - right)
    func x(_ value: Double) -> Double { Double(left) + room * log10(value / start) / decades }

    var series: [String] = []
    var body = ""
    var y = top
    for group in groups where !group.bars.isEmpty {
      let middle = y + group.bars.count * barHeight / 2 + 4
      body += SVG.text(group.name, x: Double(left - 8), y: Double(middle), anchor: "end")
      for bar in group.bars where bar.value > 0 {
        if !series.contains(bar.series) { series.append(bar.series) }
        let index = series.firstIndex(of: bar.series) ?? 0
        let colour = SVG.colours[index % SVG.colours.count]
        let length = max(x(bar.value) - Double(left), 1)
        body +=
          "<rect x=\"\(left)\" y=\"\(y)\" width=\"\(SVG.number(length))\" "
          + "height=\"\(barHeight - 2)\" fill=\"\(colour)\"/>\n"
        body += SVG.text(bar.label, x: Double(left) + length + 5, y: Double(y + barHeight - 3))
        y += barHeight
      }
      y += gap
    }
    var grid = ""
    var decade = start
    while decade <= greatest * 1.0001 {
      grid +=
        "<line x1=\"\(SVG.number(x(decade)))\" x2=\"\(SVG.number(x(decade)))\" y1=\"\(top - 6)\" "
        + "y2=\"\(y)\" stroke=\"#9ca3af\" stroke-width=\"0.5\"/>\n"
      grid += SVG.text(axis(decade), x: x(decade), y: Double(y + 14), anchor: "middle")
      decade *= 10
    }
    var legend = ""
    for (index, name) in series.enumerated() {
      let start = Double(left + 120 * index)
      legend +=
        "<rect x=\"\(SVG.number(start))\" y=\"50\" width=\"12\" height=\"11\" "
        + "fill=\"\(SVG.colours[index % SVG.colours.count])\"/>\n"
      legend += SVG.text(name, x: start + 18, y: 60)
    }
    return SVG.document(
      title: title, subtitle: subtitle, width: width, height: y + 24, left: left,
      body: legend + grid + body)
  }
}
