import Layers
import Reference
import Tensors

extension BrokenLayer {
  static let pointwise: [BrokenLayer] = [
    BrokenLayer(
      "relu-gated-by-gradient", ReLU(.init()), Shape(2, 3, 3, 3),
      bug: "the gradient passes where the gradient is positive, instead of the input",
      code: "dy > 0 ? dy : 0    instead of    x > 0 ? dy : 0",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      // "Guided backpropagation" does this on purpose, half of it.
      gradients.replaceInput { dx in
        for i in 0..<dx.count { dx[i] = max(pass.outputGradient[i], 0) }
      }
    },
    BrokenLayer(
      "relu-slope-forgotten", ReLU(.init(negativeSlope: 0.1)), Shape(2, 3, 3, 3),
      bug: "the forward pass is leaky, the backward pass isn't",
      code: "x > 0 ? dy : 0    instead of    x > 0 ? dy : slope·dy",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.replaceInput { dx in
        for i in 0..<dx.count where pass.input[i] > 0 { dx[i] = pass.outputGradient[i] }
      }
    },
    BrokenLayer(
      "relu-both-sides-at-zero", ReLU(.init(negativeSlope: 0.25)), Shape(2, 3, 3, 3),
      at: .integers,
      bug: "at exactly 0 both branches are taken: 1.25, where only 0.25 to 1 can be defended",
      code: "if x >= 0 { dx += dy }; if x <= 0 { dx += slope·dy }",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      let slope = pass.specification.negativeSlope
      gradients.replaceInput { dx in
        for i in 0..<dx.count {
          if pass.input[i] >= 0 { dx[i] += pass.outputGradient[i] }
          if pass.input[i] <= 0 { dx[i] += slope * pass.outputGradient[i] }
        }
      }
    },
    BrokenLayer(
      "relu-reads-overwritten-input", ReLU(.init(negativeSlope: -0.5)),
      broken: ReadsOverwrittenInput(right: ReLU(.init(negativeSlope: -0.5))), Shape(2, 3, 3, 3),
      bug: "in place, the backward pass takes the output for the input that it has overwritten",
      code: "y > 0 ? dy : slope·dy    where slope < 0 has made a positive y of a negative x",
      expected: .brokenRule(.inPlaceMatches)),
    BrokenLayer(
      "dropout-not-rescaled", Dropout(.init(ratio: 0.4)), Shape(3, 20),
      bug: "the forward pass divides by 1 − ratio, the backward pass doesn't",
      code: "mask ? dy : 0    instead of    mask ? dy/(1 − ratio) : 0",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.input.update { dx in
        for i in 0..<dx.count { dx[i] /= pass.specification.scale }
      }
    },
    BrokenLayer(
      "dropout-new-mask", Dropout(.init()), Shape(3, 20),
      bug: "the backward pass draws a mask of its own",
      code: "random() <= threshold ? dy/(1 − ratio) : 0    instead of the saved mask",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      var random = MersenneTwister(seed: 4711)
      gradients.replaceInput { dx in
        for i in 0..<dx.count where random.next() <= pass.specification.keepThreshold {
          dx[i] = pass.outputGradient[i] * pass.specification.scale
        }
      }
    },
    BrokenLayer(
      "dropout-unseeded", Dropout(.init()), Shape(3, 30),
      bug: "the mask comes from the system's random numbers: the same seed gives another output",
      code: "SystemRandomNumberGenerator()    instead of    context.random",
      expected: .brokenRule(.isFunctionOfInputAndSeed),
      forward: { right, input, parameters, context, output, saved in
        var own = RunContext(phase: context.phase, seed: .random(in: 0 ... .max))
        right.forward(input, parameters: parameters, context: &own, output: &output, saved: &saved)
      }),
  ]
}

/// In place, the backward pass takes the output for the input, which it has overwritten. With a
/// slope below 0 an output above 0 says nothing of the input's sign.
private struct ReadsOverwrittenInput: InPlaceLayer {
  typealias Scalar = Double
  let right: ReLU<Double>

  var specification: ReLUSpecification { right.specification }

  /// It doesn't know better.
  var inPlaceObstacle: String? { nil }

  func backward(
    outputGradient: Tensor<Double>, input: Tensor<Double>, output: Tensor<Double>,
    parameters: [Tensor<Double>], saved: NothingSaved, inputGradient: inout Tensor<Double>?,
    parameterGradients: inout [Tensor<Double>], accumulating: Bool
  ) {
    right.backward(
      outputGradient: outputGradient, input: input, output: output, parameters: parameters,
      saved: saved, inputGradient: &inputGradient, parameterGradients: &parameterGradients,
      accumulating: accumulating)
  }

  func forward(
    inPlace data: inout Tensor<Double>, context: inout RunContext, saved: inout NothingSaved
  ) {
    right.forward(inPlace: &data, context: &context, saved: &saved)
  }

  func backward(
    inPlace gradient: inout Tensor<Double>, output: Tensor<Double>, saved: NothingSaved
  ) {
    right.backward(inPlace: &gradient, output: output, saved: saved)
  }
}
