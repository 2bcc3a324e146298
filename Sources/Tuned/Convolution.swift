import Fast
import Layers
import Tensors

/// Convolution by the first algorithm that takes the shape, or else Fast's.
///
/// Infinity and NaN: where the rows of a tile are different positions, weights that lie in the padding
/// for some of them are multiplied by its zeros, and 0 times infinity or NaN is NaN, as in Caffe's
/// and Fast's columns. Backwards to the input, zeros around the output do the same. For finite numbers
/// it makes no difference, nor for batches that fill the tiles.
///
/// Twin: `Sources/Reference/Convolution.swift`.
public struct Convolution: SingleInputLayer {
  /// What describes this layer.
  public let specification: ConvolutionSpecification
  private let engine: Engine
  private let fallback: Fast.Convolution<Float>

  /// The tuned version of a specification.
  public init(_ specification: ConvolutionSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
    fallback = Fast.Convolution(specification, engine: engine)
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// `direct, NHWC`, or `= fast`.
  ///
  /// - Complexity: O(rank).
  public func algorithm(for input: Shape) -> String? {
    DirectConvolution.Plan(specification, input) == nil ? "= fast" : DirectConvolution.Plan.name
  }

  /// out = bias + weights ∗ in
  ///
  /// - Complexity: O(N·K·C/G·I·J·H'·W') multiply-adds for kernels of I×J and H'×W' output positions,
  ///   over the engine's threads. Of many images, all threads share K·C/G·I·J numbers, and each is
  ///   lent about 2^19 numbers of the output and what they look at; of few, all threads share the
  ///   padded images, and each is lent a panel of filters and its output.
  public func forward(
    _ input: Tensor<Float>, parameters: [Tensor<Float>], context: inout RunContext,
    output: inout Tensor<Float>, saved: inout NothingSaved
  ) {
    guard let plan = DirectConvolution.Plan(specification, input.shape) else {
      return fallback.forward(
        input, parameters: parameters, context: &context, output: &output, saved: &saved)
    }
    requireFit(plan, parameters, output)
    withMemory(ofParameters: parameters) { weights, bias in
      input.withMemory { input in
        output.withMutableMemory { output in
          DirectForward(
            plan: plan, engine: engine, input: input, weights: weights, bias: bias, output: output
          ).run()
        }
      }
    }
  }

  /// ∂L/∂weights, ∂L/∂bias and, if asked for, ∂L/∂in.
  ///
  /// - Complexity: The multiply-adds of forward for the weights, and again for the input unless it is
  ///   left out. All threads share up to 9 times the weights' size, and each is lent a tile's
  ///   images: channels of a group with padding, filters of a group with padding, and channels again.
  public func backward(
    outputGradient: Tensor<Float>, input: Tensor<Float>, output: Tensor<Float>,
    parameters: [Tensor<Float>], saved: NothingSaved,
    inputGradient: inout Tensor<Float>?, parameterGradients: inout [Tensor<Float>],
    accumulating: Bool
  ) {
    guard let plan = DirectConvolution.Plan(specification, input.shape) else {
      return fallback.backward(
        outputGradient: outputGradient, input: input, output: output, parameters: parameters,
        saved: saved, inputGradient: &inputGradient, parameterGradients: &parameterGradients,
        accumulating: accumulating)
    }
    requireFit(plan, parameters, output)
    require(outputGradient, output.count)
    require(parameterGradients, like: parameters, inputGradient, like: input)
    // The gradients of the parameters don't depend on whether the input's is asked for.
    var ownInputGradient = inputGradient.take()
    if !plan.goesBackwards(toInput: ownInputGradient != nil) {
      inputGradient = ownInputGradient.take()
      inputGradient.update {
        fallback.backward(toInput: &$0, outputGradient: outputGradient, parameters: parameters)
      }
    }
    defer { if let ownInputGradient { inputGradient = ownInputGradient } }
    parameters[0].withMemory { weights in
      input.withMemory { input in
        outputGradient.withMemory { outputGradient in
          ownInputGradient.withMutableMemory { inputGradient in
            withMutableMemory(ofGradients: &parameterGradients) { weightGradient, biasGradient in
              DirectBackward(
                plan: plan, engine: engine, input: input, weights: weights,
                outputGradient: outputGradient, inputGradient: inputGradient,
                weightGradient: weightGradient, biasGradient: biasGradient,
                accumulating: accumulating
              ).run()
            }
          }
        }
      }
    }
  }

  /// Stops the program unless tensors have the sizes of a plan; the input gave them.
  private func requireFit(
    _ plan: DirectConvolution.Plan, _ parameters: [Tensor<Float>], _ output: Tensor<Float>
  ) {
    let filters = plan.groups * plan.groupFilters
    require(output, plan.images * filters * plan.positions)
    require(parameters[0], filters * plan.convolution.filters.depth)
    if parameters.count > 1 { require(parameters[1], filters) }
  }
}
