import Tensors

/// What a wrong gradient does under changed circumstances: it tells causes apart that look alike.
struct Experiments {
  /// Gradients with more elements than this aren't experimented on.
  static let sizeLimit = 100_000
  /// A backward pass is run for each output, if there are no more than these.
  private static let outputLimit = 1000

  /// Whether the gradient for −v is minus that for v, as for anything linear in v.
  let isLinear: Bool
  /// The outputs that depend on the variable and yet have no influence on its gradient.
  let silentOutputs: [Int]
  /// The gradient by each output.
  let upstream: [Double]
  /// The terms that gradients are sums of, where there aren't too many.
  let jacobians: Jacobians?
  /// The gradient at a point where another variable has been rearranged.
  let rearranged: [(change: String, gradient: Tensor<Double>)]

  init<F: DifferentiableFunction>(
    _ function: inout F, upstream: [Double], _ variable: Int, _ gradient: Tensor<Double>,
    seed: UInt32
  ) throws {
    let opposite = try function.gradients(upstream: upstream.map { -$0 }, seed: seed)[variable]
    isLinear = zip(gradient.elements, opposite.elements).allSatisfy {
      abs($0 + $1) <= 1e-6 * abs($0)
    }

    self.upstream = upstream
    silentOutputs =
      upstream.count > 1 && upstream.count <= Self.outputLimit
      ? try Self.silentOutputs(&function, upstream, variable, seed: seed) : []

    jacobians = try Jacobians(&function, upstream: upstream, variable, seed: seed)

    var rearranged: [(String, Tensor<Double>)] = []
    for other in function.variables.indices where other != variable {
      let values = function.values(of: other)
      defer { function.setValues(of: other, to: values) }
      for (name, changed) in Self.rearrangements(of: values) {
        function.setValues(of: other, to: changed)
        let found = try function.gradients(upstream: upstream, seed: seed)[variable]
        rearranged.append(("\(name) \(function.variables[other].name)", found))
      }
    }
    self.rearranged = rearranged
  }

  private static func silentOutputs<F: DifferentiableFunction>(
    _ function: inout F, _ upstream: [Double], _ variable: Int, seed: UInt32
  ) throws -> [Int] {
    var mover = Mover(function, variable, .direction(Signs(seed: 1, size: 1)))
    var (here, there) = ([Double](), [Double]())
    try function.evaluate(into: &here, seed: seed, movedOnly: nil)
    _ = mover.move(&function, by: typicalMagnitude(of: here) * 1e-6)
    try function.evaluate(into: &there, seed: seed, movedOnly: nil)
    mover.restore(&function)
    var single = [Double](repeating: 0, count: upstream.count)
    return try upstream.indices.filter { output in
      guard here[output] != there[output] else { return false }
      single[output] = 1
      defer { single[output] = 0 }
      return try function.gradients(upstream: single, seed: seed)[variable].elements
        .allSatisfy { $0 == 0 }
    }
  }

  private static func rearrangements(of tensor: Tensor<Double>) -> [(String, Tensor<Double>)] {
    let shape = tensor.shape
    guard shape.rank >= 2 else { return [] }
    let (height, width) = (shape.dimensions[shape.rank - 2], shape.dimensions[shape.rank - 1])
    let area = height * width
    guard area > 1 else { return [] }
    func reading(_ source: (_ y: Int, _ x: Int) -> Int) -> Tensor<Double> {
      var result = tensor
      for i in 0..<tensor.count {
        let inside = i % area
        result[i] = tensor[i - inside + source(inside / width, inside % width)]
      }
      return result
    }
    var found: [(String, Tensor<Double>)] = []
    if height == width { found.append(("the transposed", reading { y, x in x * width + y })) }
    found.append(
      (
        "the rotated (by 180°)",
        reading { y, x in (height - 1 - y) * width + width - 1 - x }
      ))
    return found
  }
}
