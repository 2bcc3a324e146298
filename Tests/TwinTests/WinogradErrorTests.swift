import Fast
import Foundation
import LayerCases
import Layers
import RealModule
import Tensors
import Testing

@testable import Tuned

/// CaffeNet's convolutions, of four images: a mosaic where there are any.
private let convolutions: [(name: String, specification: ConvolutionSpecification, input: Shape)] =
  [
    ("conv1", .init(outputChannels: 96, kernel: 11, stride: 4), Shape(4, 3, 227, 227)),
    ("conv2", .init(outputChannels: 256, kernel: 5, pad: 2, group: 2), Shape(4, 96, 27, 27)),
    ("conv3", .init(outputChannels: 384, kernel: 3, pad: 1), Shape(4, 256, 13, 13)),
    ("conv4", .init(outputChannels: 384, kernel: 3, pad: 1, group: 2), Shape(4, 384, 13, 13)),
    ("conv5", .init(outputChannels: 256, kernel: 3, pad: 1, group: 2), Shape(4, 384, 13, 13)),
  ]

/// What minimal filtering costs in accuracy, on data that look like those of a trained network. With
/// `PRINT_ERRORS=1` in the environment, a table of it is printed.
@Suite("Errors of minimal filtering", .enabled(if: TunedBackend.isSupported))
struct WinogradErrorTests {
  /// The bounds are some two times what was seen, of the largest magnitude, with this seed and others:
  /// 2.5e-6 of outputs, 5.8e-6 of gradients with respect to the input, 1.6e-6 of those with respect to the
  /// weights. A transform's numbers are up to 3 times (F(4, 3)) or 7 times (F(3, 5)) as large as its
  /// results in each of two dimensions, and the sums over channels between them are 9 to 25 times
  /// shorter than those of the definition. So the root mean square is two or three times that of
  /// direct convolution; 4 times guards the choice of points (those of the books have 5).
  @Test("Against Double, and against direct convolution", arguments: convolutions.indices)
  func errors(_ index: Int) throws {
    let (name, specification, input) = convolutions[index]
    let layer = Convolution(specification)
    #expect(layer.algorithm(for: input)?.hasPrefix("Winograd F(") == true)
    let data = try trainedData(specification, input)
    var double = try LayerData<Double>(specification, input)
    double.inputs = data.inputs.map { $0.converted() }
    double.parameters = data.parameters.map { $0.converted() }
    double.upstream = data.upstream.converted()
    let expected = try run(Fast.Convolution<Double>(specification), on: double)
    let filtered = try run(layer, on: data)
    let direct = try run(Convolution(specification, isExact: true), on: data)
    func check(
      _ tensor: KeyPath<Results<Float>, Tensor<Float>>,
      _ reference: Tensor<Double>, within bound: Double, _ what: String
    ) {
      let (a, b) = (
        error(filtered[keyPath: tensor], reference), error(direct[keyPath: tensor], reference)
      )
      if ProcessInfo.processInfo.environment["PRINT_ERRORS"] == "1" {
        let numbers = [a.largest, a.rootMeanSquare, b.largest, b.rootMeanSquare].map {
          String(format: "%.1e", $0)
        }
        print("| \(name) | \(what) | \(numbers.joined(separator: " | ")) |")
      }
      #expect(a.largest < bound, "\(name), \(what): \(a), direct \(b)")
      #expect(a.rootMeanSquare < 4 * b.rootMeanSquare, "\(name), \(what): \(a), direct \(b)")
    }
    check(\.output, expected.output, within: 4e-6, "output")
    if let gradient = expected.inputGradients[0], specification.stride == 1 {
      check(\.firstInputGradient, gradient, within: 1.2e-5, "input's gradient")
    }
    check(
      \.parameterGradients[0], expected.parameterGradients[0], within: 4e-6, "weights' gradient")
  }

  /// Images of waves and noise; or channels of smooth fields, each with a scale of its own, of which a ReLU
  /// has made 6 of 10 numbers 0. Weights of many magnitudes. Gradients that a ReLU lets through.
  private func trainedData(
    _ specification: ConvolutionSpecification, _ input: Shape
  ) throws -> LayerData<Float> {
    var data = try LayerData<Float>(specification, input)
    var generator = SplitMix64(seed: 21)
    let isImage = input.channels == 3
    for plane in 0..<input.images * input.channels {
      let scale = isImage ? 60 : Double.exp(generator.nextNormal())
      let waves = (0..<3).map { _ in
        (0..<3).map { _ in generator.nextNormal() * 4 / Double(input.height) }
      }
      for y in 0..<input.height {
        for x in 0..<input.width {
          var value = 0.0
          for wave in waves {
            value += Double.cos(wave[0] * Double(y) + wave[1] * Double(x) + 100 * wave[2])
          }
          value += generator.nextNormal() / 3
          let i = plane * input.spatialCount + y * input.width + x
          data.inputs[0][i] = Float(scale * (isImage ? value : max(0, value - 0.3)))
        }
      }
    }
    for i in 0..<data.parameters[0].count {
      data.parameters[0][i] = Float(
        0.01 * generator.nextNormal() * Double.exp(0.7 * generator.nextNormal()))
    }
    for i in 0..<data.upstream.count where generator.next() % 10 < 6 { data.upstream[i] = 0 }
    return data
  }

  /// Relative to the largest magnitude, and to the root mean square.
  private func error(
    _ actual: Tensor<Float>, _ expected: Tensor<Double>
  ) -> (largest: Double, rootMeanSquare: Double) {
    var (largest, squares, magnitude, size) = (0.0, 0.0, 0.0, 0.0)
    for i in 0..<actual.count {
      let difference = abs(Double(actual[i]) - expected[i])
      (largest, squares) = (max(largest, difference), squares + difference * difference)
      (magnitude, size) = (max(magnitude, abs(expected[i])), size + expected[i] * expected[i])
    }
    return (largest / magnitude, (squares / size).squareRoot())
  }
}

extension Results<Float> {
  fileprivate var firstInputGradient: Tensor<Float> { inputGradients[0] ?? output }
}
