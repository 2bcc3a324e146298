import Tensors

/// A tensor that a function depends on: an input or a parameter.
public struct Variable: Hashable, Sendable {
  /// For example `input`, `weights`, or `conv1 weights` in a network.
  public let name: String
  /// Its extents.
  public let shape: Shape

  /// A variable by name and shape.
  public init(name: String, shape: Shape) {
    self.name = name
    self.shape = shape
  }
}

/// Something whose gradient can be checked: a point, a function there, and the gradient it claims.
///
/// `LayerFunction` makes one of a layer or a loss, `PlainFunction` of closures.
/// Conform a type of your own where those don't fit: a whole network, for example.
///
/// Everything is handed over in `Double`. A function that computes in another precision rounds on
/// the way in, says so in `precision`, and the checker allows for it.
public protocol DifferentiableFunction {
  /// The tensors that it depends on, each of which is checked.
  var variables: [Variable] { get }

  /// The distance from 1 to the next number in the precision that it computes in: 2⁻⁵² for
  /// `Double`.
  var precision: Double { get }

  /// A variable at the present point.
  ///
  /// - Complexity: O(count) for a variable of `count` elements, which are copied.
  func values(of variable: Int) -> Tensor<Double>

  /// Moves the present point.
  ///
  /// - Complexity: O(count) for a variable of `count` elements.
  mutating func setValues(of variable: Int, to values: Tensor<Double>)

  /// One element of a variable, by row-major position.
  ///
  /// - Complexity: As little as possible, best O(1): it is asked for each element that is checked.
  func value(of variable: Int, at position: Int) -> Double

  /// Moves one element; the value that it then has may be a rounded one.
  ///
  /// - Complexity: As little as possible, best O(1): it is called 5 times or more for each element
  ///   that is checked.
  mutating func setValue(of variable: Int, at position: Int, to value: Double)

  /// Computes all outputs at the present point, one after another, into `outputs`.
  ///
  /// The same point and seed must give the same bits.
  ///
  /// - Parameters:
  ///   - outputs: replaced; its memory may be used again.
  ///   - seed: where all randomness starts.
  ///   - variable: if given, only this variable has moved since the last evaluation for `nil`, and
  ///     only it between the two. Whatever doesn't depend on it needn't be computed again.
  /// - Complexity: That of the function: it dominates every check. With `movedOnly`, that of what
  ///   depends on the variable.
  mutating func evaluate(
    into outputs: inout [Double], seed: UInt32, movedOnly variable: Int?) throws

  /// For each variable, the gradient of Σ upstream·output that the function claims.
  ///
  /// - Parameters:
  ///   - upstream: as many numbers as there are outputs.
  ///   - seed: as for `evaluate`.
  /// - Complexity: One forward and one backward pass; called once for a check, and more often to
  ///   find the cause of a failure.
  mutating func gradients(upstream: [Double], seed: UInt32) throws -> [Tensor<Double>]
}

extension DifferentiableFunction {
  /// That of `Double`.
  public var precision: Double { 0x1p-52 }
}

/// A function that knows its exact derivative along a direction, from dual numbers.
public protocol ExactlyDifferentiable {
  /// J·u: the rate at which each output changes when the variable moves along `direction`.
  ///
  /// - Parameters:
  ///   - variable: the one that moves.
  ///   - direction: u, of the variable's shape.
  ///   - seed: as for `DifferentiableFunction.evaluate`.
  /// - Complexity: One forward pass on dual numbers.
  mutating func derivative(
    alongVariable variable: Int, _ direction: Tensor<Double>, seed: UInt32
  ) throws -> [Double]
}
