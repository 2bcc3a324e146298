import RealModule
import Tensors

/// A straight way through the point, along which a function is differentiated.
enum Line {
  /// One element moves.
  case element(Int)
  /// All elements of a variable move by the same distance, up or down.
  case direction(Signs)

  /// The derivative along the line of what has this gradient.
  func derivative(_ gradient: Tensor<Double>) -> Double {
    switch self {
    case .element(let position): gradient[position]
    case .direction(let signs): signs.inner(gradient).sum
    }
  }
}

/// A direction whose every component is +size or −size.
///
/// Such a direction reaches every element with the same weight, and a seed is all there is to
/// store of it.
struct Signs {
  /// Where the random signs start; without a seed, all are +.
  let seed: UInt64?
  let size: Double

  /// Adds t·u to each element.
  func move(_ tensor: inout Tensor<Double>, from start: Tensor<Double>, by t: Double) {
    let (up, down) = (t * size, -t * size)
    forEachBlock(of: start.count) { range, bits in
      var bits = bits
      for i in range {
        tensor.elements[i] = start.elements[i] + (bits & 1 == 0 ? up : down)
        bits >>= 1
      }
    }
  }

  /// Σ gᵢ·uᵢ, and √Σ (gᵢ·uᵢ)², the size that the sum has on average.
  func inner(_ gradient: Tensor<Double>) -> (sum: Double, size: Double) {
    var (sum, lost, squares) = (0.0, 0.0, 0.0)
    forEachBlock(of: gradient.count) { range, bits in
      var bits = bits
      var block = 0.0
      for i in range {
        let term = bits & 1 == 0 ? gradient.elements[i] : -gradient.elements[i]
        bits >>= 1
        block += term
        squares += term * term
      }
      // Kahan's compensated sum: the rounding of a million blocks would show.
      let corrected = block - lost
      let next = sum + corrected
      lost = (next - sum) - corrected
      sum = next
    }
    return (sum * size, .sqrt(squares) * size)
  }

  /// The elements in blocks of 64, with a bit for each that tells whether its sign is −.
  private func forEachBlock(of count: Int, _ body: (Range<Int>, UInt64) -> Void) {
    var generator = seed.map { SplitMix64(seed: $0) }
    for first in stride(from: 0, to: count, by: 64) {
      body(first..<min(first + 64, count), generator?.next() ?? 0)
    }
  }

  /// u as a tensor.
  func tensor(_ shape: Shape) -> Tensor<Double> {
    var direction = Tensor<Double>(shape)
    move(&direction, from: Tensor(shape), by: 1)
    return direction
  }
}

/// A function and a line through its point, along which it can be moved to and fro.
///
/// The point is put back by `restore()`.
struct Mover {
  let variable: Int
  let line: Line
  private let start: Tensor<Double>
  private var moved: Tensor<Double>
  /// The element at the point; 0 for a direction.
  let startValue: Double

  init<F: DifferentiableFunction>(_ function: F, _ variable: Int, _ line: Line) {
    self.variable = variable
    self.line = line
    switch line {
    case .element(let position):
      startValue = function.value(of: variable, at: position)
      start = Tensor(Shape(0))
    case .direction:
      startValue = 0
      start = function.values(of: variable)
    }
    moved = start
  }

  /// Moves the function to the point + t·u, and returns the t that rounding has made of it.
  mutating func move<F: DifferentiableFunction>(_ function: inout F, by t: Double) -> Double {
    switch line {
    case .element(let position):
      function.setValue(of: variable, at: position, to: startValue + t)
      return function.value(of: variable, at: position) - startValue
    case .direction(let signs):
      // Giving the start back first leaves `moved` to this line alone: it isn't copied to change.
      function.setValues(of: variable, to: start)
      signs.move(&moved, from: start, by: t)
      function.setValues(of: variable, to: moved)
      return t
    }
  }

  /// Moves the function back to the point.
  func restore<F: DifferentiableFunction>(_ function: inout F) {
    switch line {
    case .element(let position):
      function.setValue(of: variable, at: position, to: startValue)
    case .direction:
      function.setValues(of: variable, to: start)
    }
  }
}
