import Datasets
import Tensors
import Testing

extension Example {
  /// Cuts, mirrors and centres the record that the example prints.
  func checkTransformer() throws {
    let record = try self("record")
    let shape = record.shape
    let datum = try Datum(
      channels: shape[0], height: shape[1], width: shape[2],
      values: .bytes(record.elements.map { UInt8($0) }))
    let transformer = DataTransformer(
      cropSize: 2, mean: .perChannel(try self("mean").elements.map { Float($0) }), mirror: true)
    let tensor = try transformer.tensor(
      datum, placement: DataTransformer.Placement(top: 1, left: 1, isMirrored: true))
    expect("out", tensor.converted())
  }

  /// Draws the places of the first records of 5×5 for a crop of 3.
  func checkPlacement() throws {
    try checkDraws(seed: 1)
    let datum = try Datum(
      channels: 1, height: 5, width: 5, values: .bytes([UInt8](repeating: 0, count: 25)))
    let transformer = DataTransformer(cropSize: 3, mirror: true)
    var random = MersenneTwister(seed: 1)
    let count = try self("row").count
    let places = try (0..<count).map { _ in
      try transformer.placement(of: datum, isTraining: true, using: &random)
    }
    let shape = Shape(count)
    expect("mirrored", Tensor(shape, places.map { $0.isMirrored ? 1 : 0 }))
    expect("row", Tensor(shape, places.map { Double($0.top) }))
    expect("column", Tensor(shape, places.map { Double($0.left) }))
  }
}
