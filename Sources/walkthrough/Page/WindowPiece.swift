import Foundation

extension LayerSection {
  /// The value computed by hand: its window on the input, the numbers in it, and the steps. With
  /// the script the window can be moved.
  func byHand() -> HTML {
    section("\(layer.anchor)-by-hand", level: 4, "One value by hand") {
      element("div", ["class": "by-hand", "data-sliding": slides ? layer.anchor : nil]) {
        if let window = layer.example.window, window.plane.width > 1 {
          figure(window)
          if let map = layer.maps.first(where: { $0.channel == layer.example.output[0] }) {
            figure(map)
          }
        }
        element("div", ["class": "steps"]) {
          element("p") {
            "Output at "
            element("b") { layer.example.position }
          }
          element("ol") {
            for step in layer.example.steps { element("li") { element("code") { step } } }
          }
          element("p", ["class": "result"]) {
            element("code") { "= \(Format.value(layer.example.byHand))" }
            element("span", ["class": "note"]) {
              layer.example.versions.map { "\($0.version.rawValue) \(Format.value($0.value))" }
                .joined(separator: ", ")
            }
          }
        }
        if let window = layer.example.window, hasNumbers(window) { numbers(window) }
        if slides {
          // What the script fills: sliders for the place, and the arithmetic there.
          element("div", ["class": "slider-panel", "hidden": ""])
        }
      }
    }
  }

  /// Whether the window can be moved over what it lies on.
  var slides: Bool {
    guard let window = layer.example.window, !window.inputs.isEmpty else { return false }
    switch layer.type {
    case "Convolution": return window.weights != nil
    case "Pooling": return true
    case "LRN": return window.kind == .channels
    default: return false
    }
  }

  /// A single number stands in the steps already.
  private func hasNumbers(_ window: Example.Window) -> Bool {
    window.inputs.count > 1 || window.inputs.first?.count ?? 0 > 1
  }

  private func figure(_ window: Example.Window) -> HTML {
    figure(
      window.plane, "Channel \(window.channel) of the input",
      caption: "The window on input channel \(window.channel), \(window.plane.range)",
      top: window.top, left: window.left, height: window.height, width: window.width)
  }

  /// The place of the value in its channel of the output.
  private func figure(_ map: FeatureMap) -> HTML {
    figure(
      map.raster, "Channel \(map.channel) of the output",
      caption: "The value in output channel \(map.channel), \(map.raster.range)",
      top: layer.example.output[1], left: layer.example.output[2], height: 1, width: 1)
  }

  /// A plane with a rectangle marked on it.
  private func figure(
    _ plane: Raster, _ name: String, caption: String, top: Int, left: Int, height: Int, width: Int
  ) -> HTML {
    element("figure", ["class": "plane"]) {
      element("div", ["class": "stack"]) {
        plane.image(alternative: "\(name), values \(plane.range)")
        element(
          "svg", ["viewBox": "0 0 \(plane.width) \(plane.height)", "aria-hidden": "true"]
        ) {
          // Dark below bright: seen on every colour of the picture.
          for style in ["below", "above"] {
            element(
              "rect",
              [
                "class": style, "x": String(left), "y": String(top), "width": String(width),
                "height": String(height),
              ])
          }
        }
      }
      element("figcaption") { caption }
    }
  }

  /// The numbers of the window: in tables of rows and columns, or one row of channels.
  private func numbers(_ window: Example.Window) -> HTML {
    let size = "\(window.height)×\(window.width)"
    return element("div", ["class": "numbers"]) {
      switch window.kind {
      case .channels:
        grid(
          window.inputs,
          caption: "The same position in channels "
            + "\(window.firstChannel) to \(window.lastChannel)", first: window.firstChannel)
      case .positions:
        grid(window.inputs, caption: "Input, \(size) of channel \(window.channel)", first: nil)
        if let weights = window.weights {
          element("span", ["class": "times", "aria-hidden": "true"]) { "×" }
          let unit = Unit(of: weights)
          grid(
            weights.map { $0.map { $0 * unit.factor } },
            caption: "Weights for that channel\(unit.name)", first: nil)
        }
      }
    }
  }

  private func grid(_ rows: [[Double?]], caption: String, first: Int?) -> HTML {
    let reach = rows.joined().reduce(0) { max($0, abs($1 ?? 0)) }
    return element(
      "div", ["class": "scroll", "tabindex": "0", "role": "group", "aria-label": caption]
    ) {
      element("table", ["class": "grid"]) {
        element("caption") { caption }
        element("tbody") {
          if let first, let row = rows.first {
            element("tr") {
              for column in row.indices { element("th", ["scope": "col"]) { "\(first + column)" } }
            }
          }
          for row in rows {
            element("tr") {
              for value in row { cell(value, reach) }
            }
          }
        }
      }
    }
  }

  /// A number on a ground that is the stronger the further it is from 0; padding without one.
  private func cell(_ value: Double?, _ reach: Double) -> HTML {
    guard let value else { return element("td", ["class": "padding"]) { "0" } }
    let share = reach > 0 ? abs(value) / reach : 0
    return element("td", ["class": value < 0 ? "negative" : "positive"], share: share) {
      Format.short(value)
    }
  }
}

/// What small numbers are counted in, so that they fit into small cells.
private struct Unit {
  var factor = 1.0
  /// Ends a caption.
  var name = ""

  init(of rows: [[Double]]) {
    let reach = rows.joined().reduce(0) { max($0, abs($1)) }
    if reach > 0 && reach < 0.1 { (factor, name) = (1e3, ", in thousandths") }
    if reach > 0 && reach < 1e-4 { (factor, name) = (1e6, ", in millionths") }
  }
}

extension Format {
  /// Two significant digits, for small cells.
  static func short(_ number: Double) -> String {
    let text = String(format: "%.2g", number)
    // 1e+02 takes more room than 100.
    return text.contains("e+") ? String(format: "%.0f", number) : text
  }
}
