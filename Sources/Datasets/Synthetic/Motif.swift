import Tensors

/// What a picture shows, with its random measures.
enum Motif {
  case stripes(Stripes)
  case crossed(Stripes, Stripes)
  case checkers(Stripes, across: Stripes)
  case rings(Centred)
  case rays(Centred)
  case dots(Dots)
  case figures([Figure])

  init(_ kind: SyntheticClass, using random: inout SplitMix64) {
    switch kind {
    case .uprightStripes:
      self = .stripes(Stripes(turns: random.real(-0.028...0.028), using: &random))
    case .levelStripes:
      self = .stripes(Stripes(turns: 0.25 + random.real(-0.028...0.028), using: &random))
    case .slantedStripes:
      let turns = random.real(0.1...0.15)
      self = .stripes(Stripes(turns: random.chance(0.5) ? turns : -turns, using: &random))
    case .crossedStripes:
      let turns = random.real(0...1)
      var pair = [turns, turns + 0.25].map { Stripes(turns: $0, using: &random) }
      for i in pair.indices {
        pair[i].share = random.real(0.22...0.38)
        pair[i].frequency = 3 + 0.35 * (pair[i].frequency - 4)
        pair[i].softness *= 0.4
      }
      self = .crossed(pair[0], pair[1])
    case .checkers:
      var stripes = Stripes(turns: random.real(0...1), using: &random)
      stripes.frequency = 1.8 + 0.25 * (stripes.frequency - 4)
      stripes.share = 0.5
      stripes.softness *= 0.3
      var across = stripes
      across.direction = Direction(turns: stripes.turns + 0.25)
      across.phase = random.real(0...1)
      across.frequency *= random.real(0.85...1.18)
      self = .checkers(stripes, across: across)
    case .rings: self = .rings(Centred(count: random.real(4...10), using: &random))
    case .rays: self = .rays(Centred(count: Float(random.integer(6...13)), using: &random))
    case .dots: self = .dots(Dots(using: &random))
    case .triangles: self = .figures(Figure.scattered(.triangle, using: &random))
    case .stars: self = .figures(Figure.scattered(.star, using: &random))
    }
  }

  func draw(_ inks: [Ink], on canvas: inout Canvas) {
    let pixel = canvas.pixel
    switch self {
    case .stripes(let stripes):
      canvas.paint(inks[0]) { x, y in stripes.coverage(x, y, pixel) }
    case .crossed(let first, let second):
      canvas.paint(inks[0], opacity: 0.8) { x, y in first.coverage(x, y, pixel) }
      canvas.paint(inks[1], opacity: 0.8) { x, y in second.coverage(x, y, pixel) }
    case .checkers(let first, let second):
      canvas.paint(inks[0]) { x, y in
        let (a, b) = (first.coverage(x, y, pixel), second.coverage(x, y, pixel))
        return a + b - 2 * a * b  // one of the two, not both
      }
    case .rings(let rings):
      canvas.paint(inks[0]) { x, y in rings.ring(x, y, pixel) }
    case .rays(let rays):
      canvas.paint(inks[0]) { x, y in rays.ray(x, y, pixel) }
    case .dots(let dots):
      canvas.paint(inks[0]) { x, y in dots.coverage(x, y, pixel) }
    case .figures(let figures):
      for figure in figures { figure.draw(inks, on: &canvas) }
    }
  }
}
