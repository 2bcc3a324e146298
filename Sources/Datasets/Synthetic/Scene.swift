import Tensors

/// Everything about a picture but its pixels.
struct Scene {
  var palette: Palette
  var motif: Motif
  var clutter: Clutter
  var light: Light
  /// The greatest noise, of the range 0 to 1.
  var grain: Float

  init(_ kind: SyntheticClass, using random: inout SplitMix64) {
    palette = Palette(using: &random)
    motif = Motif(kind, using: &random)
    clutter = Clutter(using: &random)
    light = Light(using: &random)
    grain = random.real(0.01...0.12)
  }

  func draw(on canvas: inout Canvas) {
    canvas.fill(palette.ground)
    motif.draw(palette.figures, on: &canvas)
    clutter.draw(on: &canvas)
  }
}

/// What belongs to no class: large soft blobs of colour and short strokes.
struct Clutter {
  struct Item {
    var ink: Ink
    var opacity: Float
    var x: Float
    var y: Float
    var direction: Direction
    var length: Float
    var width: Float
  }

  var blobs: [Item] = []
  var strokes: [Item] = []

  init(using random: inout SplitMix64) {
    for _ in 0..<random.integer(0...3) {
      blobs.append(
        Self.item(opacity: 0.2...0.5, length: 0.2...0.4, width: 0.12...0.3, using: &random))
    }
    for _ in 0..<random.integer(1...4) {
      strokes.append(
        Self.item(opacity: 0.5...0.9, length: 0.04...0.16, width: 0.006...0.016, using: &random))
    }
  }

  private static func item(
    opacity: ClosedRange<Float>, length: ClosedRange<Float>, width: ClosedRange<Float>,
    using random: inout SplitMix64
  ) -> Item {
    let (hue, luminance) = (random.real(0...1), random.real(0.1...0.9))
    return Item(
      ink: Ink(hue: hue, luminance: luminance, using: &random), opacity: random.real(opacity),
      x: random.real(0...1), y: random.real(0...1), direction: Direction(turns: random.real(0...1)),
      length: random.real(length), width: random.real(width))
  }

  func draw(on canvas: inout Canvas) {
    for blob in blobs {
      let reach = max(blob.length, blob.width)
      canvas.paint(blob.ink, opacity: blob.opacity, box: box(blob, reach)) { x, y in
        let u = blob.direction.along(x - blob.x, y - blob.y) / blob.length
        let v = blob.direction.across(x - blob.x, y - blob.y) / blob.width
        let inside = max(1 - u * u - v * v, 0)
        return inside * inside
      }
    }
    let pixel = canvas.pixel
    for stroke in strokes {
      let reach = stroke.length + stroke.width + pixel
      canvas.paint(stroke.ink, opacity: stroke.opacity, box: box(stroke, reach)) { x, y in
        let along = stroke.direction.along(x - stroke.x, y - stroke.y)
        let beyond = max(abs(along) - stroke.length, 0)
        let across = stroke.direction.across(x - stroke.x, y - stroke.y)
        let distance = (beyond * beyond + across * across).squareRoot()
        return Canvas.edge(stroke.width - distance, softness: pixel)
      }
    }
  }

  private func box(_ item: Item, _ reach: Float) -> (ClosedRange<Float>, ClosedRange<Float>) {
    (item.x - reach...item.x + reach, item.y - reach...item.y + reach)
  }
}
