// The pictures of a layer, and the window of its hand-computed value.

extension TourText {
  /// Feature maps, a row for each group.
  func maps(_ layer: LayerReport) -> [String] {
    let groups = Set(layer.maps.map(\.group)).sorted()
    return groups.flatMap { group in
      let members = layer.maps.filter { $0.group == group }
      let label = groups.count == 1 ? "maps" : "group \(group + 1)"
      return pictures(
        label, members.map { ($0.raster, "ch \($0.channel)") }, side: tileSide)
    }
  }

  /// Weights, or their gradients, in colour.
  func filters(_ filters: [Raster], _ label: String) -> [String] {
    guard !filters.isEmpty else { return [] }
    return pictures(
      label, filters.enumerated().map { ($1, "k \($0)") }, side: min(tileSide, 11))
  }

  /// The parts of pictures that excite maps most.
  func peaks(_ layer: LayerReport) -> [String] {
    let found = layer.maps.filter { $0.peak != nil }
    guard !found.isEmpty else { return [] }
    let patches = found.compactMap { map in
      map.peak.map { (raster: $0.patch, caption: "ch \(map.channel)") }
    }
    return pictures("excited by", patches, side: min(tileSide, 15))
  }

  /// One value, computed by hand: where, from what, how, and what the versions have.
  func byHand(_ example: Example) -> [String] {
    var lines = row("by hand", example.position)
    if let window = example.window, window.kind == .positions, window.plane.width > 1 {
      lines += row("", drawing(window))
      lines += numbers("in", window.inputs, channel: window.channel)
      if let weights = window.weights {
        lines += numbers("w", weights.map { $0.map(Optional.some) }, channel: window.channel)
      }
    } else if let window = example.window, window.kind == .channels {
      lines += numbers("in", window.inputs, channel: nil)
    }
    for step in example.steps { lines += row("", step) }
    return lines + row("", "= \(Format.value(example.byHand)) (\(list(example.versions)))")
  }

  /// The input channel around the window, the window marked in it.
  private func drawing(_ window: Example.Window) -> [String] {
    // Three windows wide, so that it is seen where in its surroundings it lies.
    let side = min(max(3 * max(window.height, window.width), 24), 48)
    let plane = window.plane
    let top = min(max(window.top + window.height / 2 - side / 2, 0), max(plane.height - side, 0))
    let left = min(max(window.left + window.width / 2 - side / 2, 0), max(plane.width - side, 0))
    let part = plane.cropped(top: top, left: left, side: side)
    let room = max(min(terminal.width - indent, side), 8)
    let picture = part.shrunk(toFit: room)
    func scaled(_ position: Int, _ from: Int, _ to: Int) -> Int {
      min(max(position, 0), from - 1) * to / max(from, 1)
    }
    let frame = Tile.Frame(
      top: scaled(window.top - top, part.height, picture.height),
      left: scaled(window.left - left, part.width, picture.width),
      bottom: scaled(window.top + window.height - 1 - top, part.height, picture.height),
      right: scaled(window.left + window.width - 1 - left, part.width, picture.width))
    return Tile(picture, frame: frame, colours: terminal.colours).lines
  }

  /// Numbers in rows, if they fit; "·" for padding.
  private func numbers(_ name: String, _ rows: [[Double?]], channel: Int?) -> [String] {
    let cells = rows.map { $0.map { $0.map(Format.value) ?? "·" } }
    let width = cells.joined().map(\.count).max() ?? 0
    let columns = cells.first?.count ?? 0
    guard columns > 0, cells.count <= 7, columns > 1 || cells.count > 1,
      columns * (width + 1) <= terminal.width - indent
    else { return [] }
    return row("", channel.map { "\(name), channel \($0):" } ?? "\(name):")
      + row(
        "",
        cells.map { line in
          line.map { Format.padded($0, width, left: true) }.joined(separator: " ")
        })
  }
}
