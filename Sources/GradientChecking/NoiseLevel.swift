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
    let measured = try Self.deviations(
      of: &function, movingVariable: variable, count: outputs.count,
      directions: max(1, min(2, 10 / outputs.count)), isExact: true, using: &generator
    ) { function, values in
      try function.evaluate(into: &values, seed: seed, movedOnly: variable)
    }
    // Five differences of one output can be small by chance, those of half of the outputs can't. The
    // mean would let a jump of one output, as of a rounded one, pass for noise of all.
    let typical = 2 * measured.sorted()[measured.count / 2]
    deviations = zip(measured, spacings).map { max($0, typical, $1) }
  }

  /// The deviation of the noise of each of the numbers that a function has at its point, while a
  /// variable moves. The function is left as it was.
  ///
  /// - Parameters:
  ///   - count: how many numbers there are.
  ///   - directions: along how many the variable moves; each takes 8 evaluations.
  ///   - isExact: whether steps are powers of two. Sums of numbers of equal size then round alike at
  ///     each point, as they also do when the difference quotients are taken.
  ///   - evaluate: replaces its second argument by the numbers at the present point.
  static func deviations<F: DifferentiableFunction>(
    of function: inout F, movingVariable variable: Int, count: Int, directions: Int,
    isExact: Bool, using generator: inout SplitMix64,
    _ evaluate: (inout F, inout [Double]) throws -> Void
  ) throws -> [Double] {
    var squares = [Double](repeating: 0, count: count)
    var (now, samples) = ([Double](), 0)
    for _ in 0..<directions {
      let moves = smallMoves(of: function, variable, isExact: isExact, using: &generator)
      var window: [[Double]] = []
      for k in 0..<8 {
        for move in moves {
          function.setValue(
            of: variable, at: move.position, to: move.start + Double(k) * move.step)
        }
        try evaluate(&function, &now)
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
    return squares.map { Double.sqrt($0 / (20 * Double(samples))) }
  }

  private struct Move {
    let position: Int
    let start, step: Double
  }

  /// At most 4096 elements, each with a step of some 10⁻⁹ of its value.
  private static func smallMoves<F: DifferentiableFunction>(
    of function: F, _ variable: Int, isExact: Bool, using generator: inout SplitMix64
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
    let relativeStep = Double.pow(function.precision, 0.6)
    return zip(distinct, starts).map { position, start in
      let exact = powerOfTwo(below: max(abs(start), 1e-3 * scale) * relativeStep)
      let size = isExact ? exact : exact * .random(in: 1...2, using: &generator)
      return Move(
        position: position, start: start, step: Bool.random(using: &generator) ? size : -size)
    }
  }
}

/// The root of the mean square of numbers; 1 where that is 0 or not finite.
func typicalMagnitude(of numbers: some Collection<Double>) -> Double {
  let mean = rootMeanSquare(numbers)
  return mean > 0 && mean.isFinite ? mean : 1
}

/// √(Σ x² / n); 0 of no numbers.
func rootMeanSquare(_ numbers: some Collection<Double>) -> Double {
  .sqrt(numbers.reduce(0) { $0 + $1 * $1 } / Double(max(numbers.count, 1)))
}

/// The greatest power of two that is not above a positive number.
func powerOfTwo(below number: Double) -> Double {
  number > 0 && number.isFinite ? Double(sign: .plus, exponent: number.exponent, significand: 1) : 1
}
