import Foundation
import Layers
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

/// All values of a graph, computed in naive loops.
func run(
  _ graph: ONNXGraph, _ inputs: [String: Tensor<Float>]
) throws -> [String: Tensor<Float>] {
  let backend = ReferenceBackend<Float>()
  var values = inputs
  for operation in graph.operations {
    let input = try #require(values[operation.input.name])
    let parameters = operation.parameters.map { $0.tensor(as: Float.self) }
    func output(_ layer: any SingleInputLayer<Float>) throws -> Tensor<Float> {
      func open(_ layer: some SingleInputLayer<Float>) throws -> Tensor<Float> {
        try layer.forward(input, parameters: parameters).output
      }
      return try open(layer)
    }
    let result =
      switch operation.kind {
      case .convolution(let specification): try output(backend.convolution(specification))
      case .pooling(let specification): try output(backend.pooling(specification))
      case .lrn(let specification): try output(backend.lrn(specification))
      case .innerProduct(let specification): try output(backend.innerProduct(specification))
      case .relu(let specification): try output(backend.relu(specification))
      case .softmax(let specification): try output(backend.softmax(specification))
      case .dropout, .view: Tensor(operation.output.shape, input.elements)
      }
    #expect(result.shape == operation.output.shape)
    values[operation.output.name] = result
  }
  return values
}

/// Compares relative to the largest magnitude.
func expectClose(
  _ actual: Tensor<Float>, _ expected: Tensor<Float>, within tolerance: Double, _ name: String
) {
  #expect(actual.shape == expected.shape, "\(name)")
  guard actual.shape == expected.shape else { return }
  let scale = expected.elements.reduce(0) { max($0, abs(Double($1))) }
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
