import Fast
import Layers
import Tensors

/// Convolution by the first algorithm that takes the shape, or else Fast's: minimal filtering, direct
/// convolution.
///
/// Infinity and NaN: minimal filtering would spread them over whole tiles. Images whose result isn't
/// finite are computed again by the next algorithm, and so are the weights' gradients. In direct convolution, where the rows of a tile are
/// different positions, weights that lie in the padding for some of them are multiplied by its zeros, and
/// 0 times infinity or NaN is NaN, as in Caffe's and Fast's columns. For finite numbers it makes no
/// difference, nor for batches that fill the tiles.
///
/// Twin: `Sources/Reference/Convolution.swift`.
public struct Convolution: SingleInputLayer {
  /// What describes this layer.
  public let specification: ConvolutionSpecification
  let engine: Engine
  let kept = KeptFilters()
  private let filtering: Filtering
  private let fallback: Fast.Convolution<Float>

  /// Which shapes minimal filtering is used for.
  enum Filtering {
    case whereItPays, never
    /// All that it can be used for.
    case wherePossible
  }

  /// The tuned version of a specification.
  ///
  /// - Parameters:
  ///   - specification: what describes it.
  ///   - engine: whose threads it runs on.
  ///   - isExact: whether minimal filtering is left out.
  public init(
    _ specification: ConvolutionSpecification, engine: Engine = .shared, isExact: Bool = false
  ) {
    self.init(specification, engine: engine, filtering: isExact ? .never : .whereItPays)
  }

  init(
    _ specification: ConvolutionSpecification, engine: Engine = .shared, filtering: Filtering
  ) {
    self.specification = specification
    self.engine = engine
    self.filtering = filtering
    fallback = Fast.Convolution(specification, engine: engine)
  }

  /// `Winograd F(4×4, 3×3)`, `direct, NHWC`, or `= fast`.
  ///
  /// - Complexity: O(rank).
  public func algorithm(for input: Shape) -> String? {
    winogradPlan(input)?.name
      ?? (DirectConvolution.Plan(specification, input) == nil
        ? "= fast" : DirectConvolution.Plan.name)
  }

  private func winogradPlan(_ input: Shape) -> Winograd.Plan? {
    guard filtering != .never else { return nil }
    return Winograd.Plan(specification, input, always: filtering == .wherePossible)
  }

  /// out = bias + weights ∗ in
  ///
  /// - Complexity: O(N·K·C/G·I·J·H'·W') multiply-adds for kernels of I×J and H'×W' output positions, of
  ///   which minimal filtering saves a constant factor, over the engine's threads. Each is lent about
  ///   2^19 numbers of the output and what they look at; all threads share the weights in the
  ///   algorithm's order, up to 4 times as many. In the phase of testing these are kept until the
  ///   weights change.
  public func forward(
    _ input: Tensor<Float>, parameters: [Tensor<Float>], context: inout RunContext,
    output: inout Tensor<Float>, saved: inout NothingSaved
  ) {
    if let plan = winogradPlan(input.shape) {
      requireFit(input, parameters, output)
      // → Winograd+Forward.swift
      // → Winograd+Steps.swift
      // → Winograd+Filters.swift
      // ← out
      let broken = forward(plan, input, parameters, keeps: context.phase == .testing, &output)
      if broken.count < input.shape.images {
        let exact = Convolution(specification, engine: engine, isExact: true)
        for image in broken {
          var own = output.image(image, of: input.shape.images)
          exact.forward(
            input.image(image, of: input.shape.images), parameters: parameters, context: &context,
            output: &own, saved: &saved)
          output.replace(image, by: own)
        }
        return
      }
    }
    guard let plan = DirectConvolution.Plan(specification, input.shape) else {
      return fallback.forward(
        input, parameters: parameters, context: &context, output: &output, saved: &saved)
    }
    requireFit(input, parameters, output)
    withMemory(ofParameters: parameters) { weights, bias in
      input.withMemory { input in
        output.withMutableMemory { output in
          // → DirectConvolution.swift
          // ← out
          DirectForward(
            plan: plan, engine: engine, input: input, weights: weights, bias: bias, output: output
          ).run()
        }
      }
    }
  }

  /// ∂L/∂weights, ∂L/∂bias and, if asked for, ∂L/∂in.
  ///
  /// The gradients of the parameters don't depend on whether the input's is asked for. That of the input
  /// is Fast's where an algorithm doesn't have it, or where what isn't finite would spread.
  ///
  /// - Complexity: The multiply-adds of forward for the weights, and again for the input unless it is
  ///   left out. All threads share up to 9 times the weights' size and some 2^22 numbers, and each is lent
  ///   some images' channels of a group with padding, filters of a group with padding, and channels again.
  public func backward(
    outputGradient: Tensor<Float>, input: Tensor<Float>, output: Tensor<Float>,
    parameters: [Tensor<Float>], saved: NothingSaved,
    inputGradient: inout Tensor<Float>?, parameterGradients: inout [Tensor<Float>],
    accumulating: Bool
  ) {
    requireFit(input, parameters, output)
    require(outputGradient, output.count)
    require(parameterGradients, like: parameters, inputGradient, like: input)
    var isWanted = inputGradient != nil
    func fastInputGradient() {
      inputGradient.update {
        fallback.backward(toInput: &$0, outputGradient: outputGradient, parameters: parameters)
      }
      isWanted = false
    }

    if let plan = winogradPlan(input.shape) {
      if isWanted && !plan.goesBackwardsToInput { fastInputGradient() }
      var (broken, isFinite) = (Set<Int>(), true)
      inputGradient.withMutableMemory { inputGradient in
        // → Winograd+Backward.swift
        // → PanelProduct.swift
        // ← ∂w ∂L/∂w; ∂b ∂L/∂b; ∂in ∂L/∂in
        (broken, isFinite) = backward(
          plan, outputGradient: outputGradient, input: input, parameters: parameters,
          inputGradient: isWanted ? inputGradient : nil, parameterGradients: &parameterGradients,
          accumulating: accumulating)
      }
      if broken.count == input.shape.images { fastInputGradient() }
      inputGradient.update { gradient in
        for image in broken where isWanted {
          var own = gradient.image(image, of: input.shape.images)
          fallback.backward(
            toInput: &own, outputGradient: outputGradient.image(image, of: input.shape.images),
            parameters: parameters)
          gradient.replace(image, by: own)
        }
      }
      isWanted = false
      if isFinite { return }
    }
    guard let plan = DirectConvolution.Plan(specification, input.shape) else {
      var own = isWanted ? inputGradient.take() : nil
      fallback.backward(
        outputGradient: outputGradient, input: input, output: output, parameters: parameters,
        saved: saved, inputGradient: &own, parameterGradients: &parameterGradients,
        accumulating: accumulating)
      if isWanted { inputGradient = own }
      return
    }
    // The zeros around the output's gradient would make NaN of weights that aren't finite.
    if isWanted && !(plan.goesBackwards(toInput: true) && parameters[0].isFinite) {
      fastInputGradient()
    }
    parameters[0].withMemory { weights in
      input.withMemory { input in
        outputGradient.withMemory { outputGradient in
          inputGradient.withMutableMemory { inputGradient in
            withMutableMemory(ofGradients: &parameterGradients) { weightGradient, biasGradient in
              // → DirectConvolution+Backward.swift
              // → DirectConvolution+WeightGradient.swift
              // → Microkernel.swift
              // ← ∂w ∂L/∂w; ∂b ∂L/∂b; ∂in ∂L/∂in
              DirectBackward(
                plan: plan, engine: engine, input: input, weights: weights,
                outputGradient: outputGradient, inputGradient: isWanted ? inputGradient : nil,
                weightGradient: weightGradient, biasGradient: biasGradient,
                accumulating: accumulating
              ).run()
            }
          }
        }
      }
    }
  }

  /// Stops the program unless tensors have the sizes that the specification gives them; the input gave
  /// its own.
  private func requireFit(
    _ input: Tensor<Float>, _ parameters: [Tensor<Float>], _ output: Tensor<Float>
  ) {
    let shape = try? specification.outputShape(for: input.shape)
    require(output, shape?.count ?? 0)
    require(
      parameters[0],
      specification.outputChannels * (input.shape.channels / specification.group)
        * specification.kernel.area)
    if parameters.count > 1 { require(parameters[1], specification.outputChannels) }
  }
}

extension Tensor<Float> {
  /// One of some images: (1, …).
  fileprivate func image(_ n: Int, of images: Int) -> Tensor {
    let size = count / images
    return Tensor(
      Shape(1, shape.channels, shape.height, shape.width),
      Array(elements[n * size..<(n + 1) * size]))
  }

  /// Sets one of some images.
  fileprivate mutating func replace(_ n: Int, by image: Tensor) {
    elements.replaceSubrange(n * image.count..<(n + 1) * image.count, with: image.elements)
  }

  /// Whether none of the elements is infinite or NaN.
  fileprivate var isFinite: Bool {
    var zeros: Float = 0
    withMemory { memory in
      var sums = Vector(repeating: 0)
      let whole = count / 16 * 16
      for i in stride(from: 0, to: whole, by: 16) {
        sums.addProduct(Vector(repeating: 0), memory.vector(at: i))
      }
      zeros = sums.sum()
      for i in whole..<count { zeros += 0 * memory[i] }
    }
    return zeros == 0
  }
}
