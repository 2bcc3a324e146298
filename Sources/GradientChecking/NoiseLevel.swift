import RealModule
import Tensors

/// How much of each output of a function is rounding noise.
///
/// A computed y is the true one plus noise. Over a few points so close together that the true y
/// is all but straight, differences of third order remove the true part and leave noise, whose
/// deviation follows from theirs:
///
///     σ² = (3!)² / 6! · mean (Δ³y)²
///
/// Nothing has to be known of how the function is computed: a sum of ten thousand products, or one
/// computed in `Float` on the way, shows the noise that it has.
///
/// Source: Moré and Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33(3), 2011.
struct NoiseLevel {
  /// The deviation of each output's noise.
  let deviations: [Double]
  /// The least deviation of each output: a number that is rounded to the spacing of its
  /// precision is off by that over √12, on average. Even an output that doesn't seem to move has
  /// this much, as a move too small to see would be rounded away.
  let spacings: [Double]

  /// That of a function without outputs.
  static let none = NoiseLevel(deviations: [], spacings: [])

  private init(deviations: [Double], spacings: [Double]) {
    self.deviations = deviations
    self.spacings = spacings
  }

  /// Measures the noise of the outputs as a variable moves. The function is left as it was.
  init<F: DifferentiableFunction>(
    of function: inout F, movingVariable variable: Int, outputs: [Double], seed: UInt32,
    using generator: inout SplitMix64
  ) throws {
    let precision = function.precision
    spacings = outputs.map { abs($0) * precision / Double.sqrt(12) }
    let count = function.variables[variable].shape.count
    guard count > 0, !outputs.isEmpty else {
      deviations = spacings
      return
    }
    // A scalar loss yields 5 differences a direction: 2 directions give a deviation that is good
    // to about 1/√(2·10) = 22 %. Of a layer's many outputs one direction is enough.
    let directions = max(1, min(2, 10 / outputs.count))
    var squares = [Double](repeating: 0, count: outputs.count)
    var (now, samples) = ([Double](), 0)
    for _ in 0..<directions {
      let moves = Self.smallMoves(of: function, variable, precision, using: &generator)
      var window: [[Double]] = []
      for k in 0..<8 {
        for move in moves {
          function.setValue(
            of: variable, at: move.position, to: move.start + Double(k) * move.step)
        }
        try function.evaluate(into: &now, seed: seed, movedOnly: variable)
        window.append(now)
        guard window.count == 4 else { continue }
        for j in squares.indices {
          let third = window[3][j] - 3 * window[2][j] + 3 * window[1][j] - window[0][j]
          squares[j] += third.isFinite ? third * third : 0
        }
        window.removeFirst()
        samples += 1
      }
      for move in moves { function.setValue(of: variable, at: move.position, to: move.start) }
    }
    let measured = squares.map { Double.sqrt($0 / (20 * Double(samples))) }
    // Five differences of one output can be small by chance, those of all outputs can't.
    let typical = Double.sqrt(measured.reduce(0) { $0 + $1 * $1 } / Double(measured.count))
    deviations = zip(measured, spacings).map { max($0, typical, $1) }
  }

  private struct Move {
    let position: Int
    let start, step: Double
  }

  /// At most 4096 elements, each with a step of some 10⁻⁹ of its value that is a power of two, so
  /// that the points are exact.
  private static func smallMoves<F: DifferentiableFunction>(
    of function: F, _ variable: Int, _ precision: Double, using generator: inout SplitMix64
  ) -> [Move] {
    let count = function.variables[variable].shape.count
    let positions =
      count <= 4096
      ? Array(0..<count) : (0..<4096).map { _ in Int.random(in: 0..<count, using: &generator) }
    var chosen = Set<Int>()
    let distinct = positions.filter { chosen.insert($0).inserted }
    let starts = distinct.map { function.value(of: variable, at: $0) }
    let scale = typicalMagnitude(of: starts)
    // The cube of the relative step has to vanish beside the precision, and the step itself has
    // to be many times the precision: 2⁻³¹ for Double, 2⁻¹⁴ for Float.
    let relativeStep = Double.pow(precision, 0.6)
    return zip(distinct, starts).map { position, start in
      let size = powerOfTwo(below: max(abs(start), 1e-3 * scale) * relativeStep)
      return Move(
        position: position, start: start, step: Bool.random(using: &generator) ? size : -size)
    }
  }
}

/// The root of the mean square of numbers; 1 where that is 0 or not finite.
func typicalMagnitude(of numbers: some Collection<Double>) -> Double {
  let mean = numbers.reduce(0) { $0 + $1 * $1 } / Double(max(numbers.count, 1))
  return mean > 0 && mean.isFinite ? .sqrt(mean) : 1
}

/// The greatest power of two that is not above a positive number.
func powerOfTwo(below number: Double) -> Double {
  number > 0 && number.isFinite ? Double(sign: .plus, exponent: number.exponent, significand: 1) : 1
}
