import Fast
import Foundation
import Networks
import NumPyFiles
import Tensors
import TestTools
import Testing

@testable import CaffeFormats

/// Runs OpenCV's importer of Caffe's files on what was written here.
private let program = """
  import cv2, numpy, sys
  prototxt, model, images, out = sys.argv[1:]
  net = cv2.dnn.readNetFromCaffe(prototxt, model)
  net.setInput(numpy.load(images))
  numpy.save(out, net.forward())
  """

@Suite("OpenCV")
struct OpenCVTests {
  @Test(
    "loads a full-size model written here and finds the same probabilities",
    .enabled(if: Python.withLibraries.has("cv2"), "run script/python to compare with OpenCV"))
  func fullSize() throws {
    let folder = try TemporaryFolder()
    let form = try caffenet().deployForm(batch: 2)
    let deploy = try NetPrototxt(form).network(phase: .testing)
    // Fillers that keep the size of activations, so that the probabilities differ.
    var definition = deploy.definition
    for index in definition.layers.indices where !caffenet().layers[index].parameters.isEmpty {
      definition.layers[index].parameters = [.init(filler: .msra()), .init(filler: .constant(0.1))]
    }
    let network = try Network(
      definition, backend: FastBackend<Float>(), batch: 2, gradients: .none, phase: .testing)
    var generator = SplitMix64(seed: 3)
    let images = Tensor<Float>.normal(Shape(2, 3, 227, 227), deviation: 1, using: &generator)
    try network.load(images: images, labels: [])
    try network.forward()
    let probabilities = try #require(network.blob("prob"))
    #expect(probabilities.largestMagnitude > 0.01)

    let prototxt = try folder.file("deploy.prototxt", Array(form.prototxt().utf8))
    let model = try folder.file("a.caffemodel")
    let input = try folder.file("images.npy")
    let output = try folder.file("prob.npy")
    try CaffeModel(of: network, description: deploy.message).write(to: model)
    try NumPyArray(images).write(to: input)

    #expect(
      Python.withLibraries.output(
        of: program, prototxt.path, model.path, input.path, output.path) != nil)
    let theirs = try NumPyArray(contentsOf: output).tensor(as: Float.self)
    #expect(theirs.count == probabilities.count)
    // What Float gives away over eight layers is 6e-6 of the largest of 1000 probabilities.
    #expect(probabilities.largestDifference(to: theirs) < 1e-5)

    // And back, without a second copy of the weights: the network gets the file's memory.
    let read = try CaffeModel(contentsOf: model)
    let copy = try Network(
      deploy.definition, backend: FastBackend<Float>(), gradients: .none, phase: .testing)
    try read.copy(into: copy)
    #expect(copy.parameters == network.parameters)
    let fc6 = try definition.index(of: "fc6")
    let blob = try #require(read.message.layer.first { $0.name == "fc6" }?.blobs[0].data)
    let addresses = [blob, copy.parameters[fc6][0].elements].map { numbers in
      numbers.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    }
    #expect(addresses[0] == addresses[1])
  }
}
