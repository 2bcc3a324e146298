import Foundation
import Layers
import Networks
import NumPyFiles
import ONNXFiles
import Reference
import Tensors
import Testing

/// A file of `Tests/Fixtures/interop`.
func fixture(_ path: String) -> URL {
  URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/interop").appending(path: path)
}

/// What a `cases.json` lists.
struct Case: Decodable, CustomTestStringConvertible {
  struct Run: Decodable {
    var inputs: [String: [Int]]
    var outputs: [String: [Int]]
  }

  var name: String
  var file: String?
  var support: String?
  var verdict: String?
  var messageShouldName: [String]?
  var runs: [Run]?
  var testDescription: String { name }

  /// The cases of a folder; none if it can't be read, which a test notices.
  static func all(_ folder: String) -> [Case] {
    struct List: Decodable { var cases: [Case] }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let data = try? Data(contentsOf: fixture("\(folder)/cases.json")) else { return [] }
    return (try? decoder.decode([Case].self, from: data))
      ?? (try? decoder.decode(List.self, from: data).cases) ?? []
  }
}

/// All values of a graph.
func run<Scalar>(
  _ graph: ONNXNetwork, _ inputs: [String: Tensor<Scalar>],
  on backend: some Backend<Scalar>
) throws -> [String: Tensor<Scalar>] {
  let images = try #require(inputs[graph.definition.data])
  let network = try Network(
    graph.definition, backend: backend, batch: images.shape.images, gradients: .none,
    phase: .testing, parameters: graph.tensors())
  try network.load(images: images, labels: [])
  for input in graph.definition.otherInputs {
    try network.load(try #require(inputs[input.name]), into: input.name)
  }
  try network.forward()
  var values: [String: Tensor<Scalar>] = [:]
  for blob in network.plan.blobs { values[blob.name] = network.blob(blob.name) }
  return values
}

/// All values of a graph, computed in naive loops.
func run(
  _ graph: ONNXNetwork, _ inputs: [String: Tensor<Float>]
) throws -> [String: Tensor<Float>] {
  try run(graph, inputs, on: ReferenceBackend<Float>())
}

/// Compares relative to the largest magnitude.
func expectClose<Scalar>(
  _ actual: Tensor<Scalar>, _ expected: Tensor<Scalar>, within tolerance: Double, _ name: String
) {
  #expect(actual.shape == expected.shape, "\(name)")
  guard actual.shape == expected.shape else { return }
  let scale = expected.elements.reduce(0) { max($0, abs($1.doubleValue)) }
  let difference = actual.largestDifference(to: expected)
  #expect(difference <= tolerance * scale, "\(name): \(difference) of \(scale)")
}

/// Numbers by formula: those of the golden files that are in no file.
///
/// The state of SplitMix64 is FNV-1a-64 of the tag; u = (the top 24 bits)/2²⁴.
func pixels(_ tag: String, _ shape: Shape) -> Tensor<Float> {
  let state = tag.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
    ($0 ^ UInt64($1)) &* 0x100_0000_01B3
  }
  var generator = SplitMix64(seed: state)
  return Tensor(shape, (0..<shape.count).map { _ in Float(generator.next() >> 56) })
}
