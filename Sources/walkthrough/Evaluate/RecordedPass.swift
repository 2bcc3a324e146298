import CaffeFormats
import Networks
import NumPyFiles
import Tensors

/// Runs a network layer by layer and keeps what is there after each, under the keys that
/// `walkthrough evaluate --help` lists.
func recordPass<Scalar>(
  of network: Network<Scalar>, _ caffe: CaffeNetwork, fed: [String: Tensor<Scalar>], backward: Bool
) throws -> NumPyArchive {
  var archive = NumPyArchive()
  let layers = network.definition.layers
  func key(_ kind: String, _ number: Int, _ blob: String) -> String {
    let index = (number < 10 ? "0" : "") + String(number)
    return "\(kind)/\(index)_\(caffe.message.layer[number].name)/\(blob)"
  }

  for input in caffe.inputs {
    archive[key("top", input.layer, input.name)] = fed[input.name].map(numPyArray)
  }
  for (index, layer) in layers.enumerated() {
    try network.forward(layer: index)
    for blob in [layer.top, layer.probabilities].compactMap({ $0 }) {
      archive[key("top", caffe.numbers[index], blob)] = network.blob(blob).map(numPyArray)
    }
  }
  for (index, layer) in layers.enumerated() {
    for (number, tensor) in network.parameters[index].enumerated() {
      archive["param/\(layer.name)/\(number)"] = numPyArray(tensor)
    }
  }
  guard backward else { return archive }

  for (index, layer) in layers.enumerated().reversed() {
    network.backward(layer: index)
    let blob = layer.bottoms[0]
    guard layer.specification.isDifferentiable else { continue }
    archive[key("bottom_grad", caffe.numbers[index], blob)] = network.gradient(of: blob).map(
      numPyArray)
  }
  for (index, layer) in layers.enumerated() {
    for (number, tensor) in network.parameterGradients[index].enumerated() {
      archive["param_grad/\(layer.name)/\(number)"] = numPyArray(tensor)
    }
  }
  return archive
}

/// An array in the precision of the tensor.
private func numPyArray<Scalar: Tensors.Scalar>(_ tensor: Tensor<Scalar>) -> NumPyArray {
  if let floats = tensor as? Tensor<Float> { return NumPyArray(floats) }
  return NumPyArray(tensor.converted(to: Double.self))
}
