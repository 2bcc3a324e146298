import Datasets
import Foundation

extension Raster {
  /// The picture in colours; `nil` for one without pixels.
  var picture: Picture? {
    let ramp: [Colour]
    switch scale {
    case .colour: return try? Picture(height: height, width: width, bytes: pixels)
    case .sequential: ramp = Ramp.sequential
    case .diverging: ramp = Ramp.diverging
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(3 * pixels.count)
    for level in pixels {
      let colour = ramp[Int(level)]
      bytes += [colour.red, colour.green, colour.blue]
    }
    return try? Picture(height: height, width: width, bytes: bytes)
  }

  /// What its colours mean, in numbers.
  var range: String {
    switch scale {
    case .colour: "colours from \(Format.value(lower)) to \(Format.value(upper))"
    case .sequential, .diverging: "\(Format.value(lower)) … \(Format.value(upper))"
    }
  }

  /// An `img` with the picture inside.
  func image(alternative: String, class style: String? = nil) -> HTML {
    picture?.image(alternative: alternative, class: style) ?? HTML([])
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
  guard let sheet = try? Picture.grid(rasters.compactMap(\.picture), columns: columns, gap: 1)
  else { return HTML([]) }
  return sheet.image(alternative: alternative, class: "sheet")
}
