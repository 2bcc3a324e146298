import GradientChecking
import Layers
import Networks
import Tensors
import Testing
import Training

extension Example {
  /// Runs the small network that the example prints, forwards and backwards.
  func checkNetwork(_ backend: some Backend<Double>) throws {
    var net = NetworkBuilder(name: "paper", channels: 1, height: 2, width: 2)
    let conv1 = net.convolutionReLU(
      "1", net.data, kernel: 2, outputs: 2, weights: .constant(0), bias: 0)
    let fc = net.fullyConnected("fc", conv1, outputs: 2, weights: .constant(0), bias: 0)
    net.softmaxWithLoss("loss", fc)

    let network = try Network(
      net.definition, backend: backend, gradients: .parametersAndInput,
      parameters: [
        [try self("conv1 weights"), try self("conv1 bias")], [],
        [try self("fc weights"), try self("fc bias")], [],
      ])
    try network.load(images: try self("data"), labels: try integers("label"))
    try network.forward()
    network.backward()
    expect("loss", Tensor(Shape(1), [network.loss]))
    for name in ["conv1", "fc"] { expect(name, try #require(network.blob(name))) }
    for name in ["fc", "conv1", "data"] {
      expect("∂" + name, try #require(network.gradient(of: name)))
    }
    for (name, layer) in [("conv1", 0), ("fc", 2)] {
      expect("∂\(name) weights", network.parameterGradients[layer][0])
      expect("∂\(name) bias", network.parameterGradients[layer][1])
    }
  }

  /// Multiplies dual numbers.
  func checkDual() throws {
    let start = try self("x")
    let x = Dual(start[0], derivative: start[1])
    for (name, value) in [("x·x", x * x), ("x·x·x", x * x * x)] {
      expect(name, Tensor(Shape(2), [value.value, value.derivative]))
    }
  }

  /// Takes the steps that the example prints.
  func checkMomentum(_ backend: some Backend<Double>) throws {
    let gradients = try self("gradient")
    var parameter = Tensor<Double>(Shape(1), repeating: try self("w before")[0])
    var momentumBuffer = Tensor<Double>(Shape(1))
    var (before, steps, after) = (Tensor<Double>(gradients.shape), gradients, gradients)
    let step = SGDStep(rate: 0.1, momentum: 0.9, decay: 0.01)
    for i in 0..<gradients.count {
      before[i] = parameter[0]
      backend.take(
        step, on: &parameter, momentumBuffer: &momentumBuffer,
        gradient: Tensor(Shape(1), repeating: gradients[i]))
      (steps[i], after[i]) = (momentumBuffer[0], parameter[0])
    }
    expect("w before", before)
    expect("h", steps)
    expect("w after", after)
  }

  /// CaffeNet's learning rates.
  func checkStepPolicy() throws {
    let policy = LearningRatePolicy.step(gamma: 0.1, stepSize: 100_000)
    let rates = try integers("iteration").map { Double(policy.rate(base: 0.01, iteration: $0)) }
    expect("rate", Tensor(Shape(rates.count), rates))
  }

  /// Fills conv2's weights and measures what came out.
  func checkFillers() throws {
    let shape = Shape(256, 48, 5, 5)
    expect("fan-in", Tensor(Shape(1), [Double(shape.count / shape[0])]))
    // Of 307,200 even numbers the greatest is within 1e-5 of its bound; the deviation of as many
    // normal ones is good to 1/√(2·307,200), a 780th. Both are finer than what is printed.
    let even: Tensor<Double> = Filler.xavier().fill(shape, seed: 1)
    expect("xavier bound", Tensor(Shape(1), [even.largestMagnitude]))
    let normal: Tensor<Double> = Filler.msra().fill(shape, seed: 1)
    let deviation = (normal.squaredNorm / Double(normal.count)).squareRoot()
    expect("msra deviation", Tensor(Shape(1), [deviation]))
  }
}
