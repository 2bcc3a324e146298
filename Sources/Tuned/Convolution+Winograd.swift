import Fast
import Tensors

/// Minimal filtering with a layer's tensors.
extension Convolution {
  /// Returns whether all of the output is finite.
  ///
  /// - Parameter keeps: whether the filters' values are kept for the next pass.
  func forward(
    _ plan: Winograd.Plan, _ input: Tensor<Float>, _ parameters: [Tensor<Float>], keeps: Bool,
    _ output: inout Tensor<Float>
  ) -> Bool {
    switch plan.winograd.scheme {
    case .f43: forward(plan, MinimalFilters.f43, input, parameters, keeps: keeps, &output)
    case .f35: forward(plan, MinimalFilters.f35, input, parameters, keeps: keeps, &output)
    }
  }

  /// Gradients of the parameters are only written if what comes out is finite.
  func backward(
    _ plan: Winograd.Plan, outputGradient: Tensor<Float>, input: Tensor<Float>,
    parameters: [Tensor<Float>], inputGradient: UnsafeMutablePointer<Float>?,
    parameterGradients: inout [Tensor<Float>], accumulating: Bool
  ) -> (input: Bool, parameters: Bool) {
    switch plan.winograd.scheme {
    case .f43:
      backward(
        plan, MinimalFilters.f43, outputGradient, input, parameters, inputGradient,
        &parameterGradients, accumulating)
    case .f35:
      backward(
        plan, MinimalFilters.f35, outputGradient, input, parameters, inputGradient,
        &parameterGradients, accumulating)
    }
  }

  private func forward<let m: Int, let r: Int, let n: Int>(
    _ plan: Winograd.Plan, _ filter: MinimalFilter<m, r, n>, _ input: Tensor<Float>,
    _ parameters: [Tensor<Float>], keeps: Bool, _ output: inout Tensor<Float>
  ) -> Bool {
    let filters = WinogradFilters(plan: plan, filter: filter, backwards: false)
    let count = plan.groups * filters.groupCount
    func pack(into packed: UnsafeMutablePointer<Float>) {
      parameters[0].withMemory { weights in
        withoutStride(plan, weights) { filters.pack($0, into: packed, engine: engine) }
      }
    }
    var isFinite = true
    func run(_ packed: UnsafePointer<Float>) {
      withMemory(ofParameters: parameters) { _, bias in
        input.withMemory { input in
          output.withMutableMemory { output in
            isFinite = WinogradForward(
              plan: plan, filter: filter, engine: engine, input: input, packed: packed, bias: bias,
              output: output
            ).run()
          }
        }
      }
    }
    if keeps {
      kept.withFilters(of: parameters[0], count: count, pack: pack, run)
    } else {
      kept.forget()
      engine.lend(count, of: Float.self) { packed in
        pack(into: packed)
        run(packed)
      }
    }
    return isFinite
  }

  private func backward<let m: Int, let r: Int, let n: Int>(
    _ plan: Winograd.Plan, _ filter: MinimalFilter<m, r, n>, _ outputGradient: Tensor<Float>,
    _ input: Tensor<Float>, _ parameters: [Tensor<Float>],
    _ inputGradient: UnsafeMutablePointer<Float>?, _ parameterGradients: inout [Tensor<Float>],
    _ accumulating: Bool
  ) -> (input: Bool, parameters: Bool) {
    let back = WinogradFilters(plan: plan, filter: filter, backwards: true)
    let packedCount = inputGradient == nil ? 0 : plan.groups * back.groupCount
    let phaseCount = plan.winograd.stride == 1 ? 0 : phaseCount(plan)
    var finite = (input: true, parameters: true)
    parameters[0].withMemory { weights in
      input.withMemory { input in
        outputGradient.withMemory { outputGradient in
          withMutableMemory(ofGradients: &parameterGradients) { weightGradient, biasGradient in
            engine.lend(packedCount + phaseCount, of: Float.self) { packed in
              let phases = packed + packedCount
              if inputGradient != nil {
                back.pack(weights, into: packed, engine: engine)
              }
              let result = WinogradBackward(
                plan: plan, filter: filter, engine: engine, input: input,
                outputGradient: outputGradient,
                inputGradient: inputGradient.map { (UnsafePointer(packed), $0) },
                weightGradient: phaseCount == 0 ? weightGradient : phases,
                biasGradient: biasGradient, accumulating: phaseCount == 0 && accumulating,
                accumulatingBias: accumulating
              ).run()
              finite = (result.input, result.parameters)
              guard phaseCount > 0, finite.parameters else { return }
              plan.winograd.forEachPhase(filters: specification.outputChannels) { phase, weight in
                guard let weight else { return }
                weightGradient[weight] = (accumulating ? weightGradient[weight] : 0) + phases[phase]
              }
            }
          }
        }
      }
    }
    return finite
  }

  /// Calls `body` with the weights of a convolution without the stride: (K, C·s², r, r).
  private func withoutStride(
    _ plan: Winograd.Plan, _ weights: UnsafePointer<Float>, _ body: (UnsafePointer<Float>) -> Void
  ) {
    guard plan.winograd.stride > 1 else { return body(weights) }
    engine.lend(phaseCount(plan), of: Float.self) { phases in
      plan.winograd.forEachPhase(filters: specification.outputChannels) { phase, weight in
        phases[phase] = weight.map { weights[$0] } ?? 0
      }
      body(phases)
    }
  }

  private func phaseCount(_ plan: Winograd.Plan) -> Int {
    specification.outputChannels * plan.winograd.channels * plan.winograd.r * plan.winograd.r
  }
}
