import Tensors
import Testing

@Suite("Arithmetic of tensors")
struct TensorArithmeticTests {
  let a = Tensor<Double>(Shape(2, 2), [1, 2, 3, 4])
  let b = Tensor<Double>(Shape(2, 2), [8, 6, 4, 2])

  @Test("goes element by element")
  func elementwise() {
    #expect((a + b).elements == [9, 8, 7, 6])
    #expect((a - b).elements == [-7, -4, -1, 2])
    #expect((a * b).elements == [8, 12, 12, 8])
    #expect((b / a).elements == [8, 3, 4.0 / 3, 0.5])
    #expect((-a).elements == [-1, -2, -3, -4])
    #expect((a + b).shape == a.shape)
  }

  @Test("takes numbers, literals among them")
  func numbers() {
    #expect((0.5 * a).elements == [0.5, 1, 1.5, 2])
    #expect((a * 0.5) == 0.5 * a)
    #expect((a / 2) == 0.5 * a)
    #expect((a + 1 - 1) == a)
  }

  @Test("works in place")
  func inPlace() {
    var tensor = a
    tensor += b
    tensor -= a
    #expect(tensor == b)
    tensor *= 2
    #expect(tensor == b + b)
  }

  @Test("maps, sums and reshapes")
  func others() {
    #expect(a.map { Float($0 * $0) }.elements == [1, 4, 9, 16] as [Float])
    #expect(a.sum() == 10)
    #expect(Tensor<Float>(Shape(0, 3)).sum() == 0)
    #expect(a.reshaped(to: Shape(4)).shape == Shape(4))
    #expect(a.reshaped(to: Shape(1, 4, 1)).elements == a.elements)
  }

  /// GELU as its paper has it, x/2·(1 + erf(x/√2)), generic over the scalar and with literals.
  static func gelu<S: Scalar>(_ x: S) -> S { 0.5 * x * (1 + .erf(x / .sqrt(2))) }

  @Test("of scalars has literals and the error function, in dual numbers too")
  func scalars() {
    // Φ(1) = 0.841344746068543, from tables of the normal distribution.
    #expect(abs(Self.gelu(1.0) - 0.841344746068543) < 1e-15)
    #expect(abs(Self.gelu(Float(1)) - 0.84134475) < 1e-7)
    // Its derivative is Φ(x) + x·φ(x), φ(1) = 0.241970724519143.
    let dual = Self.gelu(Dual(1.0, derivative: 1))
    #expect(abs(dual.derivative - 1.083315470587686) < 1e-15)
  }

  @Test("stops with a message where shapes don't fit, in a release build too")
  func misfits() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor<Float>(Shape(2, 2), [1, 2, 3])
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("3 elements for shape 2×2"))
    let other = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor<Float>(Shape(2)) + Tensor<Float>(Shape(3))
    }
    let said = String(decoding: try #require(other).standardErrorContent, as: UTF8.self)
    #expect(said.contains("shapes 2 and 3 differ"))
    let negative = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Shape(2, -1)
    }
    let words = String(decoding: try #require(negative).standardErrorContent, as: UTF8.self)
    #expect(words.contains("no extent may be negative"))
  }

  @Test("Caffe's generator serves the standard library")
  func generator() {
    var (words, whole) = (MersenneTwister(seed: 5), MersenneTwister(seed: 5))
    let (lower, upper): (UInt32, UInt32) = (words.next(), words.next())
    #expect(whole.next() == UInt64(upper) << 32 | UInt64(lower))
    let numbers = (0..<1000).map { _ in Double.random(in: 0..<1, using: &whole) }
    #expect(numbers.allSatisfy { (0..<1).contains($0) })
    // The mean of 1000 has a deviation of 0.0091; the seed is fixed, so this never changes.
    #expect(abs(numbers.reduce(0, +) / 1000 - 0.5) < 0.03)
  }
}
