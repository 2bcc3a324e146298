import RealModule
import Tensors

/// A straight way through the point, along which a function is differentiated.
enum Line {
  /// One element moves.
  case element(Int)
  /// All elements of a variable move by the same distance, up or down.
  case direction(Signs)
}

/// A direction whose every component is +size or −size.
///
/// Such a direction reaches every element with the same weight, and a seed is all there is to
/// store of it.
struct Signs {
  /// Where the random signs start; without a seed, all are +.
  let seed: UInt64?
  let size: Double

  private struct Source {
    var generator: SplitMix64?
    var bits: UInt64 = 0

    init(_ signs: Signs) { generator = signs.seed.map { SplitMix64(seed: $0) } }

    /// Whether element i goes down; to be asked for one after another.
    mutating func isNegative(_ i: Int) -> Bool {
      if i % 64 == 0 { bits = generator?.next() ?? 0 }
      defer { bits >>= 1 }
      return bits & 1 == 1
    }
  }

  /// Adds t·u to each element.
  func move(_ tensor: inout Tensor<Double>, from start: Tensor<Double>, by t: Double) {
    var source = Source(self)
    let distance = t * size
    for i in 0..<start.count {
      tensor.elements[i] = start.elements[i] + (source.isNegative(i) ? -distance : distance)
    }
  }

  /// Σ gᵢ·uᵢ, and √Σ (gᵢ·uᵢ)², the size that the sum has on average.
  func inner(_ gradient: Tensor<Double>) -> (sum: Double, size: Double) {
    var source = Source(self)
    var (sum, lost, squares) = (0.0, 0.0, 0.0)
    for i in 0..<gradient.count {
      let term = (source.isNegative(i) ? -size : size) * gradient.elements[i]
      // Kahan's compensated sum: the rounding of sixty million additions would show.
      let corrected = term - lost
      let next = sum + corrected
      lost = (next - sum) - corrected
      sum = next
      squares += term * term
    }
    return (sum, .sqrt(squares))
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
