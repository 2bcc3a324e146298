import Fast
import Foundation
import Layers
import Reference
import Tensors
import Tuned

/// The times of every case in the tests' table, forwards and backwards, on each version: where one is slow
/// that shouldn't be, it shows here. `Cases Pooling` lists one type of layer only.
///
/// The shapes are those of tests, many of them tiny: for what a version gains in a network, ask
/// `walkthrough compare`.
@main
struct Cases {
  static func main() throws {
    let type = CommandLine.arguments.dropFirst().first
    let cases = LayerCase.all.filter { type == nil || $0.type == type }
    guard !cases.isEmpty else {
      let types = Set(LayerCase.all.map(\.type)).sorted().joined(separator: ", ")
      FileHandle.standardError.write(
        Data("Cases: no type \(type ?? ""): there are \(types)\n".utf8))
      exit(1)
    }
    let backends: [any Backend<Float>] = [
      ReferenceBackend<Float>(), FastBackend<Float>(), TunedBackend(),
    ]
    print(
      "\(BLASLibrary.version), \(BLASLibrary.kernels), \(Engine.shared.threads) threads; µs, least of several"
    )
    print("forward: \(backends.map(\.name).joined(separator: ", ")); then backward\n")
    for testCase in cases {
      let data = try LayerData<Float>(testCase)
      let times = try backends.map { backend in
        let layer = try testCase.specification.layer(on: backend)
        return try measure(layer, on: data)
      }
      let columns = (times.map(\.forward) + times.map(\.backward)).map {
        String(format: "%10.1f", $0 * 1e6)
      }
      print("\(columns.joined())  \(testCase.testDescription)")
    }
  }

  /// The least seconds of a forward and of a backward pass.
  private static func measure<L: Layer>(
    _ layer: L, on data: LayerData<L.Scalar>
  ) throws -> (forward: Double, backward: Double) {
    let shapes = data.inputs.map(\.shape)
    var output = Tensor<L.Scalar>(data.upstream.shape)
    var saved = try layer.makeSaved(for: shapes)
    var context = RunContext(labels: data.labels)
    var inputGradients: [Tensor<L.Scalar>?] = shapes.map { Tensor($0) }
    var parameterGradients = data.earlier
    let forward = least {
      layer.forward(
        data.inputs, parameters: data.parameters, context: &context, output: &output,
        saved: &saved)
    }
    guard layer.specification.isDifferentiable else { return (forward, 0) }
    let backward = least {
      layer.backward(
        outputGradient: data.upstream, inputs: data.inputs, output: output,
        parameters: data.parameters, saved: saved, inputGradients: &inputGradients,
        parameterGradients: &parameterGradients, accumulating: false)
    }
    return (forward, backward)
  }

  /// The least time of a call among those of a fiftieth of a second, three at least.
  private static func least(_ body: () -> Void) -> Double {
    var (least, total, calls) = (Double.infinity, 0.0, 0)
    while total < 0.02 || calls < 3 {
      let start = ContinuousClock.now
      body()
      let seconds = start.duration(to: .now) / .seconds(1)
      (least, total, calls) = (min(least, seconds), total + seconds, calls + 1)
    }
    return least
  }
}
