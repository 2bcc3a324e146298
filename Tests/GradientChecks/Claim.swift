import GradientChecking
import RealModule
import Tensors
import Testing

/// A function with a claimed gradient.
struct Claim: Sendable, CustomTestStringConvertible {
  /// Where functions of each element are checked. No element is a binary fraction.
  static let point = (0..<20).map { 1.5 * Double.sin(1.7 * Double($0) + 0.3) }

  let name: String
  private let make: @Sendable () -> PlainFunction

  var function: PlainFunction { make() }

  var testDescription: String { name }

  /// A function of each element of the point, and its claimed derivative.
  init(
    _ name: String, _ f: @escaping @Sendable (Double) -> Double,
    _ derivative: @escaping @Sendable (Double) -> Double
  ) {
    self.name = name
    make = { elementwise(at: Self.point, f, derivative) }
  }

  /// A function of a bias that is 0 at the point, and its gradient.
  init(
    _ name: String, biases: Int, value: @escaping @Sendable ([Double]) -> [Double],
    gradient: @escaping @Sendable (_ bias: [Double], _ upstream: [Double]) -> [Double]
  ) {
    self.name = name
    make = {
      let shape = Shape(biases)
      return PlainFunction(
        at: ["bias": Tensor(shape)],
        value: {
          let y = value($0["bias"]?.elements ?? [])
          return ["y": Tensor(Shape(y.count), y)]
        },
        gradient: { point, upstream in
          let bias = point["bias"]?.elements ?? []
          return ["bias": Tensor(shape, gradient(bias, upstream["y"]?.elements ?? []))]
        })
    }
  }
}

/// y = f(x), element by element, with a claimed derivative.
func elementwise(
  at x: [Double], _ f: @escaping (Double) -> Double, _ derivative: @escaping (Double) -> Double
) -> PlainFunction {
  let shape = Shape(x.count)
  return PlainFunction(
    at: ["x": Tensor(shape, x)],
    value: { ["y": Tensor(shape, ($0["x"]?.elements ?? []).map(f))] },
    gradient: { point, upstream in
      let pairs = zip(point["x"]?.elements ?? [], upstream["y"]?.elements ?? [])
      return ["x": Tensor(shape, pairs.map { derivative($0) * $1 })]
    })
}
