import AlexNet
import Foundation

/// Something that should have been true.
struct Surprise: Error {
  var description: String
}

func require(_ condition: Bool, _ description: @autoclosure () -> String) throws {
  if !condition { throw Surprise(description: description()) }
}

/// `mini` for small pictures, with a PReLU in the place of its first ReLU, between conv1 and pool1.
func miniWithPReLU() throws -> NetworkDefinition {
  var net = mini(inputSize: 67)
  net.layers[try net.index(of: "relu1")] = LayerDefinition(
    name: "prelu1", specification: PReLUSpecification(), bottoms: ["conv1"], top: "prelu1")
  net.layers[try net.index(of: "pool1")].bottoms = ["prelu1"]
  return net
}

/// A residual block with batch normalisation and GELU, and a classifier on top of it.
func residual() -> NetworkDefinition {
  var net = NetworkBuilder(name: "residual", channels: 3, height: 6, width: 6)
  let learned = [ParameterDefinition(filler: .msra()), ParameterDefinition()]
  let conv = ConvolutionSpecification(outputChannels: 3, kernel: 3, pad: 1)
  let first = net.add("conv1", conv, net.data, parameters: learned)
  let norm = net.add("norm1", BatchNormSpecification(), first)
  let bent = net.add("gelu1", GELUSpecification(), norm)
  let second = net.add("conv2", conv, bent, parameters: learned)
  let sum = net.add("sum", SumSpecification(), net.data, second)
  let scores = net.fullyConnected(
    "scores", net.relu("relu", sum), outputs: 10, weights: .msra(), bias: 0)
  net.softmaxWithLoss("loss", scores)
  return net.definition
}

/// Checks the gradients of a network's parameters in Double, a few elements of each.
func checkGradients(of definition: NetworkDefinition) throws {
  let network = try Network(definition, backend: FastBackend<Double>(), batch: 2)
  var generator = SplitMix64(seed: 3)
  try network.load(images: .normal(network.input.shape, using: &generator), labels: [3, 8])
  let report = try check(
    network, exact: ReferenceBackend<Dual<Double>>(),
    options: CheckOptions(mode: .sampled(4), directions: 1, exactElements: 0, isEconomical: true))
  try require(report.passed, report.explanation)
}

/// Trains a network a few steps on two pictures, and expects that it learns them, and that its weights
/// survive a file.
func train(_ definition: NetworkDefinition) throws -> Network<Float> {
  let backend = TunedBackend()
  let network = try Network(definition, backend: backend, batch: 2)
  let solver = try Solver(
    SolverSpecification(baseLearningRate: 0.01, momentum: 0.9), network: network, backend: backend)
  var generator = SplitMix64(seed: 5)
  let images = Tensor<Float>.normal(network.input.shape, using: &generator)
  let losses = try (0..<8).map { _ in
    try solver.step { try $0.load(images: images, labels: [3, 8]) }
  }
  try require(losses[7] < 0.8 * losses[0], "\(definition.name) doesn't learn: \(losses)")

  let file = URL(filePath: NSTemporaryDirectory() + "/\(definition.name).caffemodel")
  try CaffeModel(of: network).write(to: file)
  let restored = try Network(definition, backend: backend, batch: 2, phase: .testing, seed: 9)
  _ = try CaffeModel(contentsOf: file).copy(into: restored)
  try require(restored.parameters == network.parameters, "weights got lost in \(file.path)")
  return network
}

@main
struct Main {
  static func main() throws {
    let shape = Shape(2, 3, 4, 4)
    for report in [
      try check(PReLU<Double>(), input: shape, exact: PReLU<Dual<Double>>()),
      try check(GELU<Double>(), input: shape, exact: GELU<Dual<Double>>()),
      try check(BatchNorm<Double>(), input: shape, exact: BatchNorm<Dual<Double>>()),
      try check(Sum<Double>(), inputs: [shape, shape], exact: Sum<Dual<Double>>()),
    ] {
      try require(report.passed, report.explanation)
    }
    try checkGradients(of: miniWithPReLU())
    try checkGradients(of: residual())

    let slopes = try train(try miniWithPReLU()).parameters[1][0]
    try require(slopes != Tensor(slopes.shape, repeating: 0.25), "the slopes don't learn")
    let means = try train(residual()).parameters[1][0]
    try require(means != Tensor(means.shape), "the running means stand still")
    let parameters = try NetworkPlan(caffenet()).parameterCount
    print(
      "its own layers are right, alone and in networks, and learn; CaffeNet has \(parameters) "
        + "parameters")
  }
}
