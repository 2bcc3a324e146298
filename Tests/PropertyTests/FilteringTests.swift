import Fast
import Layers
import Reference
import Tensors
import Testing

@testable import Tuned

/// Minimal filtering on random shapes, also where it doesn't gain.
@Suite("Minimal filtering of random shapes", .enabled(if: TunedBackend.isSupported))
struct FilteringTests {
  /// On CaffeNet's convolutions the errors are up to 2.5e-6 of the largest output and 5.8e-6 of the largest
  /// gradient (`WinogradErrorTests`). There the largest number is some 5 standard deviations; in small
  /// tensors it may be below 2, which makes 1.5e-5 of it.
  @Test("Errors against Double, and the same bits on any number of threads")
  func errors() throws {
    try forAllSeeds { cases in
      let (specification, shape) = cases.filtering()
      let label = "seed \(cases.seed), \(specification) on \(shape)"
      let x: Tensor<Float> = cases.normal(shape)
      let parameters: [Tensor<Float>] = try specification.parameters(for: shape).map {
        cases.normal($0.shape)
      }
      let upstream: Tensor<Float> = cases.normal(try specification.outputShape(for: shape))
      let expected = try run(
        Reference.Convolution<Double>(specification), x.converted(),
        parameters.map { $0.converted() }, upstream: upstream.converted())
      let results = try [1, 2, 3, 7].map { threads in
        let layer = Tuned.Convolution(
          specification, engine: Engine(threads: threads), filtering: .wherePossible)
        #expect(layer.algorithm(for: shape)?.hasPrefix("Winograd") == true, "\(label)")
        return try run(layer, x, parameters, upstream: upstream)
      }
      func check(_ tensor: Tensor<Float>, _ reference: Tensor<Double>, _ what: String) {
        let largest = reference.elements.reduce(0) { max($0, abs($1)) }
        let error = tensor.converted().largestDifference(to: reference)
        #expect(error <= 1.5e-5 * largest, "\(label), \(what): \(error) of \(largest)")
      }
      check(results[0].output, expected.output, "output")
      check(results[0].gradients.input, expected.gradients.input, "gradient by the input")
      for (a, b) in zip(results[0].gradients.parameters, expected.gradients.parameters) {
        check(a, b, "gradient by a parameter")
      }
      for result in results {
        #expect(
          result.output == results[0].output
            && result.gradients.input == results[0].gradients.input
            && result.gradients.parameters == results[0].gradients.parameters, "\(label)")
      }
    }
  }
}
