/// A small picture in characters, as a block of equally wide lines.
struct Tile {
  /// Columns.
  var width: Int
  /// Each `width` columns wide, escape sequences not counted.
  var lines: [String]

  /// Characters from nothing to most.
  private static let ramp = Array(" .:-=+*#%@")

  /// Draws a picture, two rows of pixels to a line.
  ///
  /// With colours, each character is the upper half of a block whose background is the lower half.
  /// Without, it is one of ten characters for the mean of both.
  ///
  /// - Parameters:
  ///   - raster: at most as wide as the terminal.
  ///   - frame: pixels that are marked: drawn in a colour that no ramp has, or as brackets.
  ///   - colours: what the terminal understands.
  init(_ raster: Raster, frame: Frame? = nil, colours: Terminal.Colours) {
    width = raster.width
    lines = stride(from: 0, to: raster.height, by: 2).map { row in
      colours == .none
        ? Self.plainLine(raster, row, frame) : Self.colouredLine(raster, row, frame, colours)
    }
  }

  /// A rectangle of pixels, ends included.
  struct Frame: Equatable {
    var top: Int
    var left: Int
    var bottom: Int
    var right: Int

    /// Whether a pixel lies on its border.
    func marks(_ x: Int, _ y: Int) -> Bool {
      (top...bottom).contains(y) && (left...right).contains(x)
        && (y == top || y == bottom || x == left || x == right)
    }
  }

  private static let markColour = Colour(red: 0, green: 230, blue: 90)

  private static func plainLine(_ raster: Raster, _ row: Int, _ frame: Frame?) -> String {
    String(
      (0..<raster.width).map { x -> Character in
        if let frame, row <= frame.bottom, row + 1 >= frame.top {
          if x == frame.left - 1 { return "[" }
          if x == frame.right + 1 { return "]" }
        }
        let levels = [row, row + 1].filter { $0 < raster.height }.map { raster.level(x, $0) }
        let mean = levels.reduce(0, +) / max(levels.count, 1)
        return ramp[mean * (ramp.count - 1) / 255]
      })
  }

  private static func colouredLine(
    _ raster: Raster, _ row: Int, _ frame: Frame?, _ colours: Terminal.Colours
  ) -> String {
    func colour(_ x: Int, _ y: Int) -> Colour {
      frame?.marks(x, y) == true ? markColour : raster.colour(x, y)
    }
    var line = ""
    var last: (upper: Colour, lower: Colour?)?
    for x in 0..<raster.width {
      let upper = colour(x, row)
      let lower = row + 1 < raster.height ? colour(x, row + 1) : nil
      if last.map({ $0.upper != upper || $0.lower != lower }) ?? true {
        line += upper.escape(38, colours) + (lower?.escape(48, colours) ?? "\u{1B}[49m")
        last = (upper, lower)
      }
      line += "▀"
    }
    return line + "\u{1B}[0m"
  }

  /// Tiles side by side with one column between them. No line ends with spaces.
  static func row(_ tiles: [Tile]) -> [String] {
    let height = tiles.map(\.lines.count).max() ?? 0
    return (0..<height).map { line in
      var text = tiles.map { tile in
        tile.lines.indices.contains(line)
          ? tile.lines[line] : String(repeating: " ", count: tile.width)
      }.joined(separator: " ")
      while text.last == " " { text.removeLast() }
      return text
    }
  }

  /// This tile, filled up to a height in lines, with a line of text below it, cut to its width.
  func captioned(_ caption: String, height: Int) -> Tile {
    let filling = String(repeating: " ", count: width)
    return Tile(
      width: width,
      lines: lines + Array(repeating: filling, count: max(height - lines.count, 0))
        + [Format.padded(String(caption.prefix(width)), width)])
  }

  private init(width: Int, lines: [String]) {
    self.width = width
    self.lines = lines
  }
}

extension Colour {
  /// The escape sequence that makes this the colour of characters (38) or their background (48).
  fileprivate func escape(_ layer: Int, _ colours: Terminal.Colours) -> String {
    switch colours {
    case .none: ""
    case .palette: "\u{1B}[\(layer);5;\(paletteIndex)m"
    case .full: "\u{1B}[\(layer);2;\(red);\(green);\(blue)m"
    }
  }
}

extension Raster {
  /// The level of a pixel, for one colour only: the brightness of a coloured one.
  fileprivate func level(_ x: Int, _ y: Int) -> Int {
    scale == .colour ? colour(x, y).brightness : Int(pixels[y * width + x])
  }
}
