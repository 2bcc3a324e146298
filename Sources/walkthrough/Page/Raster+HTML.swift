import Datasets
import Foundation

extension Raster {
  /// What its colours mean, in numbers.
  var range: String {
    switch scale {
    case .colour: "colours from \(Format.value(lower)) to \(Format.value(upper))"
    case .sequential: "\(Format.value(lower)) … \(Format.value(upper))"
    case .diverging: "±\(Format.value(upper))"
    }
  }

  /// An `img` with the picture inside.
  func image(alternative: String, class style: String? = nil) -> HTML {
    (try? picture())?.image(alternative: alternative, class: style) ?? HTML([])
  }
}

extension Picture {
  /// The picture as PNG in a URL.
  var dataURL: String? {
    (try? pngEncoded()).map { "data:image/png;base64," + Data($0).base64EncodedString() }
  }

  /// An `img` with the picture inside. Pixels stay square when it is enlarged.
  func image(alternative: String, class style: String? = nil) -> HTML {
    guard let source = dataURL else { return HTML([]) }
    return element(
      "img",
      [
        "src": source, "alt": alternative,
        "width": String(width), "height": String(height), "class": style, "decoding": "async",
      ])
  }
}

/// Pictures of one size as a single `img`, so that 96 filters are one text to those who listen.
func contactSheet(_ rasters: [Raster], columns: Int, alternative: String) -> HTML {
  (try? Raster.sheet(rasters, columns: columns))?.image(alternative: alternative, class: "sheet")
    ?? HTML([])
}
