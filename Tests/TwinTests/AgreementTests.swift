import Fast
import LayerCases
import Layers
import Reference
import Tensors
import Testing
import Tuned

/// On how many threads the bits have to be the same.
let threadCounts = [1, 2, 3, 7]

/// The versions that are held against Reference in `Float`.
let floatVersions: [@Sendable (Engine) -> any Backend<Float>] = [
  { FastBackend<Float>(engine: $0) }, { TunedBackend(engine: $0) },
]

/// The versions that are held against Reference in `Double`.
let doubleVersions: [@Sendable (Engine) -> any Backend<Double>] = [
  { FastBackend<Double>(engine: $0) }
]

@Suite("Reference, Fast and Tuned agree")
struct AgreementTests {
  @Test(arguments: LayerCase.all)
  func agree(_ testCase: LayerCase) throws {
    try compare(testCase, ReferenceBackend<Float>(), floatVersions)
    try compare(testCase, ReferenceBackend<Double>(), doubleVersions)
  }

  /// On numbers that round and on whole ones, overwriting and accumulating, with and without the inputs'
  /// gradients, in both phases: each version gives what Reference gives, and the same bits on any number
  /// of threads.
  private func compare<Scalar: Tensors.Scalar>(
    _ testCase: LayerCase, _ reference: any Backend<Scalar>,
    _ versions: [@Sendable (Engine) -> any Backend<Scalar>]
  ) throws {
    for whole in testCase.dividesByInputs ? [false] : [false, true] {
      let data = try LayerData<Scalar>(testCase, whole: whole)
      let rounded = try testCase.tolerance()
      let exact = whole && testCase.isExactOnWholeNumbers ? Tolerance.none : rounded
      // Minimal filtering rounds whole numbers as well, and its errors are larger: see `WinogradErrorTests`.
      var filtered = rounded
      filtered.growth = 4
      for options in PassOptions.all {
        let layer = try testCase.specification.layer(on: reference)
        let expected = try run(layer, on: data, options)
        for version in versions {
          let results = try threadCounts.map { threads in
            let layer = try testCase.specification.layer(on: version(Engine(threads: threads)))
            return try run(layer, on: data, options)
          }
          let name = version(.shared).name
          let isFiltered = name == "tuned" && testCase.tunedAlgorithm?.hasPrefix("Winograd") == true
          let tolerance = isFiltered ? filtered : exact
          let label = "\(name), \(testCase.testDescription), \(options)"
          expectAgreement(expected, results[0], tolerance, label)
          for (threads, result) in zip(threadCounts, results) {
            #expect(result == results[0], "\(label): other bits on \(threads) threads")
          }
        }
      }
    }
  }

  @Test("in place", arguments: LayerCase.all.filter { $0.specification.inPlaceObstacle == nil })
  func agreeInPlace(_ testCase: LayerCase) throws {
    try compareInPlace(testCase, ReferenceBackend<Float>(), floatVersions)
    try compareInPlace(testCase, ReferenceBackend<Double>(), doubleVersions)
  }

  private func compareInPlace<Scalar: Tensors.Scalar>(
    _ testCase: LayerCase, _ reference: any Backend<Scalar>,
    _ versions: [@Sendable (Engine) -> any Backend<Scalar>]
  ) throws {
    let data = try LayerData<Scalar>(testCase)
    func results(_ backend: any Backend<Scalar>, _ options: PassOptions) throws -> Results<Scalar> {
      let made = try testCase.specification.layer(on: backend)
      let layer = try #require(made as? any InPlaceLayer<Scalar>)
      return try runInPlace(layer, on: data, options)
    }
    for phase in Phase.allCases {
      let options = PassOptions(phase: phase)
      let expected = try results(reference, options)
      for version in versions {
        for threads in threadCounts {
          let backend = version(Engine(threads: threads))
          expectAgreement(
            expected, try results(backend, options), .none,
            "\(backend.name), \(testCase.testDescription), in place, \(phase)")
        }
      }
    }
  }

  /// The versions would agree by another algorithm too, so a case that is about one asks for it.
  @Test(
    "A case about an algorithm runs it", .enabled(if: TunedBackend.isSupported),
    arguments: LayerCase.all.filter { $0.tunedAlgorithm != nil })
  func algorithm(_ testCase: LayerCase) throws {
    let layer = try testCase.specification.layer(on: TunedBackend())
    #expect(layer.algorithm(for: testCase.inputs) == testCase.tunedAlgorithm)
  }
}
