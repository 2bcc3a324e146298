import Datasets
import NumPyFiles
import Tensors
import Testing

/// The transformer against Caffe's own Data layer, bit for bit.
@Suite struct CaffeTransformerTests {
  @Test(arguments: ["out_raw_test_crop27", "out_raw_test_meanfile_crop27"])
  func batchesAreCaffes(name: String) throws {
    let pixels = try NumPyArray(contentsOf: fixture("caffe/lmdb/out_raw_plain.npy"))
    let expected = try NumPyArray(contentsOf: fixture("caffe/lmdb/\(name).npy"))
      .tensor(as: Float.self)
    let mean = try NumPyArray(contentsOf: fixture("caffe/lmdb/mean.npy")).tensor(as: Float.self)
    let transformer = Transformer(
      cropSize: 27,
      mean: name.contains("meanfile") ? .image(mean) : .perChannel([104, 117, 123]))

    let bytes = try pixels.integers().map { UInt8($0) }
    let size = pixels.shape.imageCount
    var batch = Tensor<Float>(expected.shape)
    var random = MersenneTwister(seed: 1701)
    for image in 0..<pixels.shape.images {
      let datum = try Datum(
        channels: 3, height: 32, width: 32,
        values: .bytes(Array(bytes[image * size..<(image + 1) * size])))
      let placement = try transformer.placement(of: datum, isTraining: false, using: &random)
      try transformer.write(datum, placement: placement, into: &batch, image: image)
    }
    #expect(batch == expected)
  }
}
