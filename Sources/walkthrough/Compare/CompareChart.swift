/// A comparison as a picture: a bar for each version of each layer, on a logarithmic scale.
struct CompareChart {
  var report: CompareReport

  /// The chart as an SVG document with its numbers written beside the bars.
  func svg() -> String {
    let bars = report.layers.map { layer in
      SVGBars.Group(
        name: layer.name,
        bars: [
          ("naive", total(layer.naiveForwardSeconds, layer.naiveBackwardSeconds)),
          ("optimized", total(layer.fastForwardSeconds, layer.fastBackwardSeconds)),
        ].compactMap { name, seconds in
          seconds.map { SVGBars.Bar(series: name, value: $0, label: Format.seconds($0)) }
        })
    }
    return SVGBars(
      title: "\(report.network): forward and backward time of each layer, logarithmic",
      subtitle: report.environment.caption(),
      groups: bars
    ).document()
  }

  private func total(_ forward: Double?, _ backward: Double?) -> Double? {
    forward.flatMap { forward in backward.map { forward + $0 } }
  }
}
