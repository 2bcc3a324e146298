// The code of Sources/Networks/Documentation.docc/GettingStarted.md.
import Fast
import Networks
import Tensors

/// Runs a small CaffeNet forwards and backwards on two pictures of noise.
func firstPass() throws -> Network<Float> {
  let network = try Network(mini(), backend: FastBackend<Float>(), batch: 2, seed: 1)

  var generator = SplitMix64(seed: 7)
  let images = Tensor<Float>.normal(network.input.shape, deviation: 50, using: &generator)
  try network.load(images: images, labels: [3, 8])
  try network.forward()
  network.backward()
  return network
}
