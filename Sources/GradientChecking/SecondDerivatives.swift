import Tensors

/// A function whose backward pass runs on dual numbers, so that it knows its second derivatives.
///
/// The gradient of f is a function of the point, too. When the point moves along u, the gradient
/// changes at the rate H·u, where H is the matrix of second derivatives of f, the *Hessian*. A
/// backward pass on dual numbers yields this rate, exact but for rounding. H itself is never formed:
/// of n numbers it would have n² elements.
///
/// Source: Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6(1), 1994.
public protocol TwiceDifferentiable {
  /// The tensors that it depends on.
  var variables: [Variable] { get }

  /// Moves the point.
  ///
  /// - Complexity: O(count) for a variable of `count` elements.
  mutating func setValues(of variable: Int, to values: Tensor<Double>)

  /// H·u, for the Hessian H of Σ upstream·output: how fast the gradient of each variable changes when
  /// all variables move along u.
  ///
  /// - Parameters:
  ///   - directions: u, a tensor for each variable, of its shape.
  ///   - upstream: as many numbers as there are outputs.
  ///   - seed: as for `DifferentiableFunction.evaluate`.
  /// - Complexity: A forward and a backward pass on dual numbers.
  mutating func hessianProduct(
    _ directions: [Tensor<Double>], upstream: [Double], seed: UInt32
  ) throws -> [Tensor<Double>]
}

/// The gradient of Σ upstream·output as a function of its own. Its outputs are the gradients of all
/// variables, one after another. As H is symmetric, the gradient of Σ w·output is H·w.
struct GradientFunction<F: DifferentiableFunction>: DifferentiableFunction {
  private var function: F
  private var exact: any TwiceDifferentiable
  private let upstream: [Double]
  /// The variables that have moved since `exact` was last told.
  private var moved: Set<Int> = []

  init(_ function: F, exact: any TwiceDifferentiable, upstream: [Double]) {
    self.function = function
    self.exact = exact
    self.upstream = upstream
  }

  var variables: [Variable] { function.variables }
  var precision: Double { function.precision }
  func values(of variable: Int) -> Tensor<Double> { function.values(of: variable) }
  func value(of variable: Int, at position: Int) -> Double {
    function.value(of: variable, at: position)
  }

  mutating func setValues(of variable: Int, to values: Tensor<Double>) {
    function.setValues(of: variable, to: values)
    moved.insert(variable)
  }

  mutating func setValue(of variable: Int, at position: Int, to value: Double) {
    function.setValue(of: variable, at: position, to: value)
    moved.insert(variable)
  }

  mutating func evaluate(
    into outputs: inout [Double], seed: UInt32, movedOnly variable: Int?
  ) throws {
    outputs.removeAll(keepingCapacity: true)
    for gradient in try function.gradients(upstream: upstream, seed: seed) {
      outputs += gradient.elements
    }
  }

  mutating func gradients(upstream w: [Double], seed: UInt32) throws -> [Tensor<Double>] {
    for variable in moved {
      exact.setValues(of: variable, to: function.values(of: variable))
    }
    moved = []
    var start = 0
    let directions = variables.map { variable in
      defer { start += variable.shape.count }
      return Tensor(variable.shape, Array(w[start..<start + variable.shape.count]))
    }
    return try exact.hessianProduct(directions, upstream: upstream, seed: seed)
  }
}

/// An eigenvalue of a symmetric matrix, and how well it is known.
public struct Eigenvalue: Sendable {
  /// The Rayleigh quotient λ = uᵀHu.
  public var value: Double
  /// u, of length 1: a tensor for each variable.
  public var vector: [Tensor<Double>]
  /// ‖H·u − λ·u‖. An eigenvalue of H lies no further than this from `value`, since H is symmetric.
  public var residual: Double
  /// How many products H·u it took.
  public var products: Int
}

/// The eigenvalue of largest magnitude, by power iteration: u ← H·u/‖H·u‖, again and again.
///
/// Each product stretches the part of u along each eigenvector by that eigenvalue, so the part of the
/// largest wins. It wins slowly where the second is nearly as large, so look at the residual.
///
///     let largest = try largestEigenvalue(start: u) { directions in
///       try function.hessianProduct(directions, upstream: [1], seed: 1)
///     }
///
/// - Parameters:
///   - start: the first u, of any length but 0. A random one has a part along every eigenvector.
///   - tolerance: the iteration ends when the residual is at most this share of |λ|.
///   - limit: the most products.
///   - product: H·u.
/// - Throws: what `product` throws.
/// - Complexity: At most `limit` products, and O(elements) for each; memory for two vectors.
public func largestEigenvalue(
  start: [Tensor<Double>], tolerance: Double = 0.01, limit: Int = 100,
  product: ([Tensor<Double>]) throws -> [Tensor<Double>]
) rethrows -> Eigenvalue {
  var result = Eigenvalue(value: 0, vector: normalised(start), residual: .infinity, products: 0)
  while result.products < limit {
    let image = try product(result.vector)
    result.products += 1
    result.value = dot(result.vector, image)
    var squares = 0.0
    for (u, hu) in zip(result.vector, image) {
      for (a, b) in zip(u.elements, hu.elements) {
        let rest = b - result.value * a
        squares += rest * rest
      }
    }
    result.residual = squares.squareRoot()
    guard result.residual > tolerance * abs(result.value), result.residual.isFinite else { break }
    result.vector = normalised(image)
  }
  return result
}

/// Σ aᵢ·bᵢ over all elements of all tensors.
func dot(_ a: [Tensor<Double>], _ b: [Tensor<Double>]) -> Double {
  var sum = 0.0
  for (a, b) in zip(a, b) {
    for (x, y) in zip(a.elements, b.elements) { sum += x * y }
  }
  return sum
}

private func normalised(_ vector: [Tensor<Double>]) -> [Tensor<Double>] {
  let length = dot(vector, vector).squareRoot()
  return length > 0 ? vector.map { $0 / length } : vector
}
