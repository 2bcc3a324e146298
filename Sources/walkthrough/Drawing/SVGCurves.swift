import Foundation

/// Curves over iterations in one frame.
struct SVGCurves {
  struct Curve {
    var name: String
    /// Iteration and value; values that no `Float` can be are left out.
    var points: [(iteration: Int, value: Double)]
    /// A thin, pale line for values that jump about.
    var isFaint = false
    /// Which colour, counted from 0.
    var colour: Int
  }

  var title: String
  var subtitle: String
  var curves: [Curve]
  /// The least and the greatest value; what the curves need where `nil`.
  var range: ClosedRange<Double>?
  /// What stands beside a line of the grid.
  var label: (Double) -> String = Format.value

  /// Of the drawing, in units of a pixel.
  var width = 760

  private static let (height, right, bottom) = (400, 20, 40)
  private var left: Int { width < 600 ? 52 : 70 }

  /// The chart at another width.
  func drawn(width: Int) -> String {
    var chart = self
    chart.width = width
    return chart.document()
  }

  func document() -> String {
    let finite = curves.map { curve in curve.points.filter { Float($0.value).isFinite } }
    let last = Double(max(finite.joined().map(\.iteration).max() ?? 1, 1))
    let legend = Legend(curves.map(\.name), left: left, right: width - Self.right)
    let values = finite.joined().map(\.value)
    let step = Self.gridStep(
      (range?.lowerBound ?? min(values.min() ?? 0, 0))...(range?.upperBound ?? values.max() ?? 1))
    let lower = range?.lowerBound ?? 0
    let upper = max(range?.upperBound ?? ceil((values.max() ?? 1) / step) * step, lower + step)
    func x(_ iteration: Double) -> Double {
      Double(left) + iteration / last * Double(width - left - Self.right)
    }
    func y(_ value: Double) -> Double {
      let share = (min(max(value, lower), upper) - lower) / (upper - lower)
      return Double(Self.height - Self.bottom)
        - share * (Double(Self.height - Self.bottom) - legend.bottom)
    }

    var body = ""
    for index in 0...Int(((upper - lower) / step).rounded()) {
      let value = lower + Double(index) * step
      body += line(x(0), y(value), x(last), y(value))
      body += SVG.text(label(value), x: Double(left - 8), y: y(value) + 4, anchor: "end")
    }
    for iteration in stride(from: 0, through: last, by: max(Self.gridStep(0...last, parts: 2), 1)) {
      body += SVG.text(
        Format.grouped(Int(iteration)), x: x(iteration), y: Double(Self.height - Self.bottom + 18),
        anchor: "middle")
    }
    body += SVG.text(
      "iterations", x: x(last / 2), y: Double(Self.height - 6), anchor: "middle", colour: "#4b5563")
    for (place, (curve, points)) in zip(legend.places, zip(curves, finite)) {
      let colour = SVG.colours[curve.colour % SVG.colours.count]
      let path = points.map { "\(SVG.number(x(Double($0.iteration)))),\(SVG.number(y($0.value)))" }
      body +=
        "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(curve.isFaint ? 0.7 : 2)\" "
        + "stroke-opacity=\"\(curve.isFaint ? 0.4 : 1)\" "
        + "points=\"\(path.joined(separator: " "))\"/>\n"
      body +=
        "<rect x=\"\(SVG.number(place.x))\" y=\"\(SVG.number(place.y - 7))\" width=\"18\" "
        + "height=\"\(curve.isFaint ? 2 : 5)\" fill=\"\(colour)\" "
        + "fill-opacity=\"\(curve.isFaint ? 0.4 : 1)\"/>\n"
      body += SVG.text(curve.name, x: place.x + 24, y: place.y)
    }
    return SVG.document(
      title: title, subtitle: subtitle, width: width, height: Self.height, left: left, body: body)
  }

  /// Where the names of curves stand, below one another where they don't fit side by side.
  private struct Legend {
    private(set) var places: [(x: Double, y: Double)] = []
    /// Where the curves may begin.
    private(set) var bottom = 74.0

    init(_ names: [String], left: Int, right: Int) {
      var x = Double(left)
      for name in names {
        let room = 44 + 6.2 * Double(name.count)
        if x > Double(left) && x + room - 20 > Double(right) {
          x = Double(left)
          bottom += 16
        }
        places.append((x, bottom - 15))
        x += room
      }
    }
  }

  /// A distance of 1, 2 or 5 times a power of ten that cuts a range into so many parts, or up to 2½
  /// times as many.
  private static func gridStep(_ range: ClosedRange<Double>, parts: Double = 4) -> Double {
    let extent = max(range.upperBound - range.lowerBound, 1e-9)
    let power = pow(10, floor(log10(extent / parts)))
    return [5, 2, 1].map { $0 * power }.first { extent / $0 >= parts } ?? power
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<line x1=\"\(SVG.number(x1))\" y1=\"\(SVG.number(y1))\" x2=\"\(SVG.number(x2))\" "
      + "y2=\"\(SVG.number(y2))\" stroke=\"#9ca3af\" stroke-width=\"0.5\"/>\n"
  }
}

extension SVGCurves {
  /// Means of neighbouring values, so that a curve of jumping values can be followed: at most
  /// `count` of them, each at the middle of the iterations that it is of: at their end, it would lag behind
  /// the curve by half of them.
  static func smoothed(_ values: [Float], to count: Int = 60) -> [(iteration: Int, value: Double)] {
    let parts = min(max(count, 1), values.count)
    return (0..<parts).map { index in
      let part = values[index * values.count / parts..<(index + 1) * values.count / parts]
      return (
        (part.startIndex + 1 + part.endIndex) / 2,
        part.reduce(0.0) { $0 + Double($1) } / Double(part.count)
      )
    }
  }
}
