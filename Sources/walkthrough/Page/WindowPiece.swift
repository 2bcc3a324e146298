import Foundation

extension LayerSection {
  /// The value computed by hand: its window on the input, the numbers in it, and the steps. With
  /// the script the window can be moved.
  func byHand() -> HTML {
    section("\(layer.anchor)-by-hand", level: 4, "One value by hand") {
      element("div", ["class": "by-hand", "data-sliding": slides ? layer.name : nil]) {
        if let window = layer.example.window, window.plane.width > 1 { figure(window) }
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
              "naive \(Format.value(layer.example.naive))"
                + (layer.example.fast.map { ", optimized \(Format.value($0))" } ?? "")
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
    let plane = window.plane
    return element("figure", ["class": "plane"]) {
      element("div", ["class": "stack"]) {
        plane.image(alternative: "Channel \(window.channel) of the input, values \(plane.range)")
        element(
          "svg",
          ["viewBox": "0 0 \(plane.width) \(plane.height)", "aria-hidden": "true"]
        ) {
          element(
            "rect",
            [
              "x": String(window.left), "y": String(window.top), "width": String(window.width),
              "height": String(window.height),
            ])
        }
      }
      element("figcaption") {
        "The window on input channel \(window.channel), \(plane.range)"
      }
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
          grid(weights, caption: "Weights for that channel", first: nil)
        }
      }
    }
  }

  private func grid(_ rows: [[Double?]], caption: String, first: Int?) -> HTML {
    let reach = rows.joined().reduce(0) { max($0, abs($1 ?? 0)) }
    return element(
      "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption]
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
    return element(
      "td",
      [
        "class": value < 0 ? "negative" : "positive",
        "style": "--share:\(decimal(share))",
      ]
    ) { Format.short(value) }
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
