import Tensors

/// All derivatives of all outputs with respect to all elements of a variable, as claimed and as measured.
///
/// The gradient is one row of numbers in which everything has been added up. Here the terms lie
/// apart, which tells what is missing from the sum.
struct Jacobians {
  /// Larger ones than this aren't made: each element takes four evaluations.
  private static let sizeLimit = 250_000

  /// What the backward pass gives for each output alone: `claimed[j][i]` is ∂y_j/∂x_i.
  let claimed: [[Double]]
  /// The same by difference quotients, good to eight digits or so where the function is smooth.
  let measured: [[Double]]
  /// The outputs at the point.
  let outputs: [Double]
  /// The elements at the point.
  let values: [Double]
  /// The largest magnitude in `measured`.
  let scale: Double

  /// Both matrices at the function's present point; `nil` when they would be too large.
  init?<F: DifferentiableFunction>(
    _ function: inout F, upstream: [Double], _ variable: Int, seed: UInt32
  ) throws {
    let point = function.values(of: variable)
    guard upstream.count > 1, upstream.count * point.count <= Self.sizeLimit else { return nil }
    var outputs = [Double]()
    try function.evaluate(into: &outputs, seed: seed, movedOnly: nil)

    var single = [Double](repeating: 0, count: upstream.count)
    claimed = try upstream.indices.map { output in
      single[output] = 1
      defer { single[output] = 0 }
      return try function.gradients(upstream: single, seed: seed)[variable].elements
    }

    var measured = upstream.map { _ in [Double](repeating: 0, count: point.count) }
    let step = 1e-3 * powerOfTwo(below: typicalMagnitude(of: point.elements))
    for i in 0..<point.count {
      let full = try Self.quotients(&function, variable, i, step, seed)
      let half = try Self.quotients(&function, variable, i, step / 2, seed)
      // One step of Richardson's extrapolation.
      for j in upstream.indices { measured[j][i] = (4 * half[j] - full[j]) / 3 }
    }
    self.measured = measured
    self.outputs = outputs
    values = point.elements
    scale = measured.joined().reduce(0) { max($0, abs($1)) }
  }

  private static func quotients<F: DifferentiableFunction>(
    _ function: inout F, _ variable: Int, _ element: Int, _ step: Double, _ seed: UInt32
  ) throws -> [Double] {
    var mover = Mover(function, variable, .element(element))
    defer { mover.restore(&function) }
    var (above, below) = ([Double](), [Double]())
    let up = mover.move(&function, by: step)
    try function.evaluate(into: &above, seed: seed, movedOnly: variable)
    let down = mover.move(&function, by: -step)
    try function.evaluate(into: &below, seed: seed, movedOnly: variable)
    return zip(above, below).map { ($0 - $1) / (up - down) }
  }

  /// Whether two derivatives are the same as far as quotients can tell.
  func agree(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-8 * scale }
}
