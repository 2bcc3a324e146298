import Tensors

/// Parallel bands that sway a little.
struct Stripes {
  /// Where the stripes follow each other: 0 for upright ones.
  var turns: Float
  var direction: Direction
  /// Bands in the length of a side.
  var frequency: Float
  var phase: Float
  /// How much of the ground the bands cover.
  var share: Float
  /// The width of a band's edge, of the distance from band to band.
  var softness: Float
  var sway: Float
  var swayFrequency: Float
  var swayPhase: Float

  init(turns: Float, using random: inout SplitMix64) {
    self.turns = turns
    direction = Direction(turns: turns)
    frequency = random.real(4...11)
    phase = random.real(0...1)
    share = random.real(0.38...0.62)
    softness = random.real(0...0.4)
    sway = random.real(0...0.016)
    swayFrequency = random.real(0.6...1.3)
    swayPhase = random.real(0...1)
  }

  @inline(__always)
  func coverage(_ x: Float, _ y: Float, _ pixel: Float) -> Float {
    let swaying = sway * wave(direction.across(x, y) * swayFrequency + swayPhase)
    let position = (direction.along(x, y) + swaying) * frequency + phase
    return Canvas.edge(
      band(position, share: share), softness: max(softness, pixel * frequency))
  }
}

/// Rings around a point, or rays from it.
struct Centred {
  var x: Float
  var y: Float
  /// Rings in the length of a side, or rays in a turn.
  var count: Float
  var phase: Float
  var share: Float
  var softness: Float
  var axis: Direction
  /// How much wider than high it is, along the axis.
  var stretch: Float
  /// Turns by which a ray bends in the length of a side.
  var twist: Float

  init(count: Float, using random: inout SplitMix64) {
    self.count = count
    x = random.real(0.25...0.75)
    y = random.real(0.25...0.75)
    phase = random.real(0...1)
    share = random.real(0.38...0.62)
    softness = random.real(0...0.4)
    axis = Direction(turns: random.real(0...1))
    stretch = random.real(1...1.35)
    twist = random.real(-0.09...0.09)
  }

  @inline(__always)
  func ring(_ px: Float, _ py: Float, _ pixel: Float) -> Float {
    let u = axis.along(px - x, py - y) / stretch
    let v = axis.across(px - x, py - y)
    let radius = (u * u + v * v).squareRoot()
    return Canvas.edge(
      band(radius * count + phase, share: share), softness: max(softness, pixel * count))
  }

  @inline(__always)
  func ray(_ px: Float, _ py: Float, _ pixel: Float) -> Float {
    let (dx, dy) = (px - x, py - y)
    let radius = (dx * dx + dy * dy).squareRoot()
    let position = (angle(dx, dy) + twist * radius) * count + phase
    // A pixel is count·pixel/(2π·radius) of the distance from ray to ray.
    let narrow = count * pixel / (6.2831855 * radius + pixel)
    return Canvas.edge(band(position, share: share), softness: max(softness, narrow))
  }
}

/// Discs in rows.
struct Dots {
  var direction: Direction
  /// Discs in the length of a side.
  var frequency: Float
  var phaseX: Float
  var phaseY: Float
  /// The radius, of the distance from disc to disc.
  var radius: Float
  var softness: Float
  /// How far every other row is shifted.
  var shift: Float

  init(using random: inout SplitMix64) {
    direction = Direction(turns: random.real(0...1))
    frequency = random.real(2.6...4.6)
    phaseX = random.real(0...1)
    phaseY = random.real(0...1)
    radius = random.real(0.26...0.4)
    softness = random.real(0...0.18)
    shift = random.chance(0.5) ? 0.5 : 0
  }

  @inline(__always)
  func coverage(_ x: Float, _ y: Float, _ pixel: Float) -> Float {
    let v = direction.across(x, y) * frequency + phaseY
    let row = v.rounded(.down)
    let isOdd = (row * 0.5).rounded(.down) * 2 != row
    let u = direction.along(x, y) * frequency + phaseX + (isOdd ? shift : 0)
    let (du, dv) = (u - u.rounded(.down) - 0.5, v - row - 0.5)
    let distance = (du * du + dv * dv).squareRoot()
    return Canvas.edge(radius - distance, softness: max(softness, pixel * frequency))
  }
}
