import ArgumentParser
import CaffeTools
import Fast
import Ladder
import Layers
import Networks
import Reference
import Tensors
import Tuned

/// Measures the rungs of the ladder on one convolution of a network.
struct LadderMeasurement {
  var definition: NetworkDefinition
  /// The convolution, by its index.
  var layer: Int
  var pass: Pass
  var batch: Int
  var threads: Int
  var repeats: Int

  /// Runs all rungs in turn, `repeats` times and once before.
  ///
  /// - Throws: `ValidationError` for a layer that no rung computes, `MemoryError` for a batch that is
  ///   too large for this process.
  func report() throws -> LadderReport {
    let plan = try NetworkPlan(definition, batch: batch)
    let planned = plan.layers[layer]
    let (specification, sizes) = try convolution(planned)
    let rungs = pass.rungs.filter { $0.rung.refusal(sizes) == nil }
    // The pieces copy the tensors, and each layer that they are held against has its own output.
    let scratch = (rungs.map { $0.rung.scratchCount(sizes) }.max() ?? 0) * threads
    let numbers = scratch + 6 * (planned.input.count + planned.output.count)
    var need = MemoryNeed(plan, [], threads: threads)
    need.purpose = "the ladder with a batch of \(batch)"
    need.bytes = Double(MemoryLayout<Float>.size) * Double(numbers)
    try need.require()

    var data = LayerTensors(specification, planned, seed: 1)
    guard
      let work = Work(
        specification, input: data.input, parameters: data.parameters,
        outputGradient: data.outputGradient)
    else { preconditionFailure("these sizes were accepted") }
    let versions = versions()
    let progress = Progress(steps: (1 + repeats) * (rungs.count + versions.count) + 1)
    progress.step("Reference")
    var untimed = Measurement()
    let truth = try data.run(ReferenceBackend<Float>(), specification, pass, &untimed)

    var entries = rungs.map { number, rung in
      LadderReport.Entry(number: number, title: rung.title, reason: rung.reason)
    }
    entries += versions.map { LadderReport.Entry(title: $0.name) }
    var times = entries.map { _ in Measurement() }
    for repetition in 0...repeats {
      for index in entries.indices {
        progress.step(entries[index].title)
        var time = Measurement()
        let result: Tensor<Float>
        if index < rungs.count {
          let rung = rungs[index].rung
          let scratch = Scratch(rung, sizes, threads: threads)
          time.time { work.run(rung, pass: pass, scratch: scratch) }
          result = Tensor(truth.shape, work.result(of: pass))
        } else {
          let backend = versions[index - rungs.count].backend
          result = try data.run(backend, specification, pass, &time)
        }
        guard repetition == 0 else {
          times[index].add(time)
          continue
        }
        entries[index].difference = Difference()
        entries[index].difference?.add(result, reference: truth)
      }
    }
    progress.step("the peak")
    let peak = Peak.operationsPerSecond(threads: threads)
    progress.finish()
    let operations = Double(sizes.operations * batch * specification.group)
    for index in entries.indices {
      entries[index].seconds = times[index].median
      entries[index].gigaflops = operations / times[index].median * 1e-9
    }
    return LadderReport(
      network: definition.name, layer: definition.layers[layer].name, pass: pass,
      environment: .current(threads: threads, batch: batch, warmup: 1, repeats: repeats),
      peakGigaflops: peak * 1e-9, entries: entries,
      leftOut: pass.rungs.compactMap { number, rung in
        rung.refusal(sizes).map { "\(number), \(rung.title): \($0)" }
      })
  }

  /// The convolution's specification and its sizes.
  private func convolution(
    _ planned: NetworkPlan.Layer
  ) throws -> (ConvolutionSpecification, Sizes) {
    let name = definition.layers[layer].name
    guard let specification = definition.layers[layer].specification as? ConvolutionSpecification
    else {
      let convolutions = definition.layers.filter { $0.specification is ConvolutionSpecification }
      throw ValidationError(
        "--layer \(name): the ladder computes convolutions, which are here "
          + convolutions.map(\.name).joined(separator: ", ") + ".")
    }
    guard let sizes = Sizes(specification, input: planned.input, output: planned.output) else {
      throw ValidationError(
        "--layer \(name): the ladder computes square kernels that aren't dilated, with one stride "
          + "and one pad for rows and columns.")
    }
    return (specification, sizes)
  }

  /// The versions that are measured below the rungs. Their backward pass has no way to compute the
  /// gradient with respect to the input alone.
  private func versions() -> [(name: String, backend: any Backend<Float>)] {
    guard pass != .input else { return [] }
    let engine = Engine(threads: threads)
    let tuned = TunedBackend(engine: engine)
    return [("Sources/Fast", FastBackend<Float>(engine: engine)), ("Sources/Tuned", tuned)]
  }
}

/// What a convolution reads, and memory for what it writes.
private struct LayerTensors {
  let input, outputGradient: Tensor<Float>
  let parameters: [Tensor<Float>]
  private var output: Tensor<Float>
  private var parameterGradients: [Tensor<Float>]

  /// Numbers as they are inside of a network: inputs after a ReLU, small weights.
  init(_ specification: ConvolutionSpecification, _ planned: NetworkPlan.Layer, seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    var input = Tensor<Float>.normal(planned.input, using: &generator)
    for i in 0..<input.count { input[i] = max(0, input[i]) }
    self.input = input
    parameters = planned.parameters.map {
      .normal($0.shape, deviation: 0.01, using: &generator)
    }
    outputGradient = .normal(planned.output, using: &generator)
    output = Tensor(planned.output)
    parameterGradients = planned.parameters.map { Tensor($0.shape) }
  }

  /// Runs a pass of a version's layer and returns what it computed.
  mutating func run(
    _ backend: any Backend<Float>, _ specification: ConvolutionSpecification, _ pass: Pass,
    _ time: inout Measurement
  ) throws(LayerError) -> Tensor<Float> {
    let layer = backend.convolution(specification)
    return try run(layer, pass, &time)
  }

  private mutating func run<L: SingleInputLayer<Float>>(
    _ layer: L, _ pass: Pass, _ time: inout Measurement
  ) throws(LayerError) -> Tensor<Float> {
    var saved = try layer.makeSaved(for: input.shape)
    guard pass != .forward else {
      var context = RunContext(phase: .testing)
      time.time {
        layer.forward(
          input, parameters: parameters, context: &context, output: &output, saved: &saved)
      }
      return output
    }
    var inputGradient = pass == .input ? Tensor<Float>(input.shape) : nil
    time.time {
      layer.backward(
        outputGradient: outputGradient, input: input, output: output, parameters: parameters,
        saved: saved, inputGradient: &inputGradient,
        parameterGradients: &parameterGradients, accumulating: false)
    }
    return inputGradient ?? parameterGradients[0]
  }
}
