import Fast
import Foundation
import Layers
import Networks
import NumPyFiles
import Reference
import Tensors
import Testing
import Training

/// Which version computes.
enum Twin: String, CaseIterable, Sendable {
  case reference
  case fast

  var backend: any Backend<Float> {
    switch self {
    case .reference: ReferenceBackend<Float>()
    case .fast: FastBackend<Float>()
    }
  }
}

/// The network of `sgd_blobs/net.prototxt`.
private func blobsNetwork() -> NetworkDefinition {
  let learning = [
    ParameterDefinition(),
    ParameterDefinition(learningRateMultiplier: 2, decayMultiplier: 0),
  ]
  var net = NetworkBuilder(name: "TinyCaffeNet", channels: 3, height: 35, width: 35)
  let conv1 = net.add(
    "conv1", ConvolutionSpecification(outputChannels: 8, kernel: 5, stride: 2), net.data,
    parameters: learning)
  let relu1 = net.relu("relu1", conv1)
  let pool1 = net.maxPool("pool1", relu1, kernel: 3, stride: 2)
  let norm1 = net.lrn("norm1", pool1, localSize: 5, alpha: 1e-4, beta: 0.75)
  let conv2 = net.add(
    "conv2", ConvolutionSpecification(outputChannels: 12, kernel: 3, pad: 1, group: 2), norm1,
    parameters: learning)
  let relu2 = net.relu("relu2", conv2)
  let pool2 = net.maxPool("pool2", relu2, kernel: 3, stride: 2)
  let fc3 = net.add("fc3", InnerProductSpecification(outputs: 10), pool2, parameters: learning)
  net.softmaxWithLoss("loss", fc3)
  return net.definition
}

@Suite("SGD against Caffe")
struct SolverTests {
  /// Ten iterations of `sgd_blobs/solver.prototxt` on a fixed batch.
  ///
  /// Within 1e-5 of each array's largest magnitude, as for a single pass: Caffe's own Float and
  /// Double differ by 9e-7, and each step adds a rounding of that size to the last one's.
  @Test("parameters and history after each of ten iterations", arguments: Twin.allCases)
  func trajectory(twin: Twin) throws {
    let folder = fixtures.appending(path: "sgd_blobs")
    let expected = try NumPyArchive(contentsOf: folder.appending(path: "trajectory.npz"))
    let images: Tensor<Float> =
      try NumPyArray(contentsOf: folder.appending(path: "data.npy")).tensor()
    let labels = try NumPyArray(contentsOf: folder.appending(path: "label.npy")).integers()
    let losses = try JSONDecoder().decode(
      Losses.self, from: Data(contentsOf: folder.appending(path: "losses.json")))

    let network = try Network(blobsNetwork(), backend: twin.backend, batch: 4)
    for (index, layer) in network.definition.layers.enumerated() {
      for number in network.parameters[index].indices {
        let start = try #require(expected["it00__param__\(layer.name)_\(number)"])
        network.parameters[index][number] = start.tensor()
      }
    }
    let specification = SolverSpecification(
      baseLearningRate: 0.002, policy: .step(gamma: 0.5, stepSize: 4), momentum: 0.9,
      weightDecay: 0.0005)
    let solver = try Solver(specification, network: network, backend: twin.backend)

    for iteration in 0..<10 {
      #expect(solver.learningRate == losses.rates[iteration])
      let loss = try solver.step { try $0.load(images: images, labels: labels) }
      let expectedLoss = losses.losses[iteration]
      #expect(abs(Double(loss) - expectedLoss) <= 1e-5 * expectedLoss, "iteration \(iteration)")
      for (index, layer) in network.definition.layers.enumerated() {
        for number in network.parameters[index].indices {
          let suffix = "\(layer.name)_\(number)"
          let prefix = "it" + (iteration < 9 ? "0" : "") + "\(iteration + 1)"
          let parameter = try #require(expected["\(prefix)__param__\(suffix)"])
          let history = try #require(expected["\(prefix)__history__\(suffix)"])
          expectClose(
            network.parameters[index][number], parameter.tensor(), "\(prefix) parameter \(suffix)")
          expectClose(
            solver.momentumBuffers[index][number], history.tensor(), "\(prefix) history \(suffix)")
        }
      }
    }
  }

  private func expectClose(_ actual: Tensor<Float>, _ expected: Tensor<Float>, _ what: String) {
    let (difference, scale) = (
      actual.largestDifference(to: expected), expected.largestMagnitude
    )
    #expect(difference <= 1e-5 * scale, "\(what): off by \(difference) of \(scale)")
  }
}

private struct Losses: Decodable {
  var losses: [Double]
  var rates: [Float]

  enum CodingKeys: String, CodingKey {
    case losses = "loss_before_each_update"
    case rates = "lr"
  }
}
