import Tensors

extension MersenneTwister {
  /// What the transformer of Caffe's Data layer draws from, when a `random_seed` is set and the
  /// layer is the network's first.
  ///
  /// Caffe draws a seed for the transformer each time it is set up, and the Data layer does so
  /// twice: the second output of the seed's generator is the one that counts
  /// (`base_data_layer.cpp` and `data_transformer.cpp`, `InitRand`).
  ///
  /// - Complexity: O(s) for the generator's s = 624 words of state.
  public init(dataLayerSeed seed: UInt32) {
    var seeds = MersenneTwister(seed: seed)
    _ = seeds.next()
    self.init(seed: seeds.next())
  }
}
