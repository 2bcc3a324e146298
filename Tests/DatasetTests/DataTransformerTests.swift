import Datasets
import Tensors
import Testing

@Suite struct DataTransformerTests {
  /// Element (c, y, x) is 100·c + 10·y + x.
  let datum: Datum

  init() throws {
    var bytes: [UInt8] = []
    for c in 0..<2 {
      for y in 0..<5 {
        for x in 0..<6 { bytes.append(UInt8(100 * c + 10 * y + x)) }
      }
    }
    datum = try Datum(channels: 2, height: 5, width: 6, values: .bytes(bytes), label: 3)
  }

  @Test func picturesBecomeBlueGreenAndRedPlanes() throws {
    let picture = try Picture(height: 1, width: 2, bytes: [1, 2, 3, 4, 5, 6])
    let datum = Datum(picture, label: 7)
    #expect(datum.values == .bytes([3, 6, 2, 5, 1, 4]))
    #expect(datum.label == 7)
    let tensor = try DataTransformer(mean: .perChannel([104, 117, 123])).tensor(datum)
    #expect(tensor.shape == Shape(1, 3, 1, 2))
    #expect(tensor.elements == [-101, -98, -115, -112, -122, -119])
  }

  @Test func testingCutsTheMiddle() throws {
    var random = MersenneTwister(seed: 1)
    let untouched = random
    let transformer = DataTransformer(cropSize: 3)
    let placement = try transformer.placement(of: datum, isTraining: false, using: &random)
    #expect(placement == .init(top: 1, left: 1))  // ⌊2/2⌋ and ⌊3/2⌋
    #expect(random == untouched)
    let tensor = try transformer.tensor(datum)
    #expect(tensor.shape == Shape(1, 2, 3, 3))
    #expect(tensor[0, 1, 2, 0] == 131)
  }

  @Test func drawsComeInCaffesOrder() throws {
    let transformer = DataTransformer(cropSize: 3, mirror: true)
    var random = MersenneTwister(seed: 1701)
    var expected = random
    for _ in 0..<20 {
      let isMirrored = (expected.next() as UInt32) % 2 == 1
      let top = Int((expected.next() as UInt32) % 3)
      let left = Int((expected.next() as UInt32) % 4)
      let placement = try transformer.placement(of: datum, isTraining: true, using: &random)
      #expect(placement == .init(top: top, left: left, isMirrored: isMirrored))
    }
    // In testing the mirror alone is drawn; without a crop no place is.
    let drawn = (expected.next() as UInt32) % 2 == 1
    #expect(
      try transformer.placement(of: datum, isTraining: false, using: &random).isMirrored == drawn)
    let whole = DataTransformer(mirror: true)
    let turned = (expected.next() as UInt32) % 2 == 1
    #expect(
      try whole.placement(of: datum, isTraining: true, using: &random)
        == .init(top: 0, left: 0, isMirrored: turned))
    #expect(random == expected)
  }

  @Test func mirroringComesAfterCropping() throws {
    let tensor = try DataTransformer(cropSize: 3).tensor(
      datum, placement: .init(top: 2, left: 3, isMirrored: true))
    #expect(tensor.elements.prefix(6) == [25, 24, 23, 35, 34, 33])
  }

  @Test func meanImagesAreTakenWhereThePixelWas() throws {
    let mean = Tensor(Shape(1, 2, 5, 6), (0..<60).map { Float($0) })
    let tensor = try DataTransformer(cropSize: 2, mean: .image(mean), scale: 0.5).tensor(
      datum, placement: .init(top: 1, left: 2, isMirrored: true))
    // Row 1, columns 3 and 2: 13 and 12 less the mean's 9 and 8.
    #expect(tensor.elements.prefix(2) == [2, 2])
    #expect(tensor[0, 1, 1, 0] == (123 - 45) * 0.5)
  }

  @Test func arithmeticIsThatOfFloats() throws {
    let floats = try Datum(channels: 1, height: 1, width: 3, values: .floats([0.1, 200, -3]))
    let transformer = DataTransformer(mean: .perChannel([104.7]), scale: 0.00390625)
    let expected = [0.1, 200, -3].map { (Float($0) - 104.7) * 0.00390625 }
    #expect(try transformer.tensor(floats).elements == expected)
  }

  @Test func recordsGoIntoTheirPlaceInABatch() throws {
    var batch = Tensor<Float>(Shape(3, 2, 5, 6), repeating: -1)
    try DataTransformer().write(datum, placement: .init(top: 0, left: 0), into: &batch, image: 1)
    #expect(batch[0, 1, 4, 5] == -1)
    #expect(batch[1, 1, 4, 5] == 145)
    #expect(batch[2, 0, 0, 0] == -1)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    for transformer in [
      DataTransformer(cropSize: 6), DataTransformer(cropSize: 0), DataTransformer(cropSize: -1),
      DataTransformer(mean: .perChannel([1, 2, 3])), DataTransformer(mean: .perChannel([])),
      DataTransformer(mean: .image(Tensor(Shape(2, 4, 6)))),
    ] {
      #expect(throws: DatasetError.self) { try transformer.tensor(datum) }
    }
    for images in [-1, .max] {
      #expect(throws: DatasetError.self) {
        try DataTransformer().outputShape(for: datum, images: images)
      }
    }
    var batch = Tensor<Float>(Shape(1, 2, 5, 6))
    #expect(throws: DatasetError.self) {
      try DataTransformer().write(datum, placement: .init(top: 0, left: 0), into: &batch, image: 1)
    }
    #expect(throws: DatasetError.self) {
      try DataTransformer().write(datum, placement: .init(top: 1, left: 0), into: &batch, image: 0)
    }
    for (channels, height, width) in [(1, 1, 2), (0, 0, 0), (-1, -1, 1), (.max, .max, .max)] {
      #expect(throws: DatasetError.self) {
        try Datum(channels: channels, height: height, width: width, values: .bytes([1]))
      }
    }
  }
}
