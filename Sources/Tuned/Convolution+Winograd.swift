import Fast
import Tensors

/// Minimal filtering with a layer's tensors.
extension Convolution {
  /// Returns the images whose output isn't finite.
  ///
  /// - Parameter keeps: whether the filters' values are kept for the next pass.
  func forward(
    _ plan: Winograd.Plan, _ input: Tensor<Float>, _ parameters: [Tensor<Float>], keeps: Bool,
    _ output: inout Tensor<Float>
  ) -> Set<Int> {
    switch plan.winograd.scheme {
    case .f43: forward(plan, MinimalFilters.f43, input, parameters, keeps: keeps, &output)
    case .f35: forward(plan, MinimalFilters.f35, input, parameters, keeps: keeps, &output)
    }
  }

  /// Returns the images whose gradient isn't finite, and whether those of the parameters are: only then
  /// these are written.
  func backward(
    _ plan: Winograd.Plan, outputGradient: Tensor<Float>, input: Tensor<Float>,
    parameters: [Tensor<Float>], inputGradient: UnsafeMutablePointer<Float>?,
    parameterGradients: inout [Tensor<Float>], accumulating: Bool
  ) -> (broken: Set<Int>, isFinite: Bool) {
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
  ) -> Set<Int> {
    let filters = WinogradFilters(plan: plan, filter: filter, backwards: false)
    let count = plan.groups * filters.groupCount
    func pack(into packed: UnsafeMutablePointer<Float>) {
      parameters[0].withMemory { weights in
        withoutStride(plan, weights) { filters.pack($0, into: packed, engine: engine) }
      }
    }
    var broken = Set<Int>()
    func run(_ packed: UnsafePointer<Float>) {
      withMemory(ofParameters: parameters) { _, bias in
        input.withMemory { input in
          output.withMutableMemory { output in
            broken = WinogradForward(
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
    return broken
  }

  private func backward<let m: Int, let r: Int, let n: Int>(
    _ plan: Winograd.Plan, _ filter: MinimalFilter<m, r, n>, _ outputGradient: Tensor<Float>,
    _ input: Tensor<Float>, _ parameters: [Tensor<Float>],
    _ inputGradient: UnsafeMutablePointer<Float>?, _ parameterGradients: inout [Tensor<Float>],
    _ accumulating: Bool
  ) -> (broken: Set<Int>, isFinite: Bool) {
    let back = WinogradFilters(plan: plan, filter: filter, backwards: true)
    let packedCount = inputGradient == nil ? 0 : plan.groups * back.groupCount
    let phaseCount = plan.winograd.stride == 1 ? 0 : phaseCount(plan)
    var result = (broken: Set<Int>(), isFinite: true)
    parameters[0].withMemory { weights in
      input.withMemory { input in
        outputGradient.withMemory { outputGradient in
          withMutableMemory(ofGradients: &parameterGradients) { weightGradient, biasGradient in
            engine.lend(packedCount + phaseCount, of: Float.self) { packed in
              let phases = packed + packedCount
              if inputGradient != nil {
                back.pack(weights, into: packed, engine: engine)
              }
              result = WinogradBackward(
                plan: plan, filter: filter, engine: engine, input: input,
                outputGradient: outputGradient,
                inputGradient: inputGradient.map { (UnsafePointer(packed), $0) },
                weightGradient: phaseCount == 0 ? weightGradient : phases,
                biasGradient: biasGradient, accumulating: phaseCount == 0 && accumulating,
                accumulatingBias: accumulating
              ).run()
              guard phaseCount > 0, result.isFinite else { return }
              plan.winograd.forEachPhase(filters: specification.outputChannels) { phase, weight in
                guard let weight else { return }
                weightGradient[weight] = (accumulating ? weightGradient[weight] : 0) + phases[phase]
              }
            }
          }
        }
      }
    }
    return result
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
