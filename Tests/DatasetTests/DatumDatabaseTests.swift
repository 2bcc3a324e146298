import Datasets
import Foundation
import NumPyFiles
import Tensors
import Testing

/// Databases that Caffe's `convert_imageset` wrote.
@Suite struct DatumDatabaseTests {
  private static let names = ["raw_lmdb", "png_lmdb", "jpg_lmdb"]

  private static func database(_ name: String) throws -> DatumDatabase {
    try DatumDatabase(fixture("caffe/lmdb/\(name)").path)
  }

  /// What Caffe's own tools say of a database.
  private struct Facts: Decodable {
    struct Record: Decodable {
      var key: String
      var label: Int
    }
    var datums: [Record]
  }

  /// A run of Caffe's Data layer.
  private struct Run: Decodable {
    var name: String
    var labels: [Int]
    var seed: UInt32
  }

  @Test(arguments: names)
  func recordsAreThoseThatCaffeWrote(name: String) throws {
    let facts = try JSONDecoder().decode(
      [String: Facts].self, from: Data(contentsOf: fixture("caffe/lmdb/facts.json")))
    let expected = try #require(facts[name]).datums
    let database = try Self.database(name)
    #expect(database.count == expected.count)
    for (index, record) in expected.enumerated() {
      #expect(String(decoding: database.key(index), as: UTF8.self) == record.key)
      let datum = try database.datum(index)
      #expect(datum.label == record.label)
      #expect((datum.channels, datum.height, datum.width) == (3, 32, 32))
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: fixture("caffe/lmdb/\(name)").path)
        == ["data.mdb"], "reading leaves no lock.mdb behind")
  }

  @Test func batchesAreCaffesBitForBit() throws {
    let runs = try JSONDecoder().decode(
      [Run].self, from: Data(contentsOf: fixture("caffe/lmdb/runs.json")))
    #expect(runs.count == 4)
    for run in runs {
      let expected = try NumPyArray(contentsOf: fixture("caffe/lmdb/out_\(run.name).npy"))
        .tensor(as: Float.self)
      let mean = try NumPyArray(contentsOf: fixture("caffe/lmdb/mean.npy")).tensor(as: Float.self)
      let transformer = DataTransformer(
        cropSize: run.name.contains("crop27") ? 27 : nil,
        mean: run.name.contains("meanfile")
          ? .image(mean) : run.name.contains("plain") ? .none : .perChannel([104, 117, 123]))
      let database = try Self.database(run.name.hasPrefix("png") ? "png_lmdb" : "raw_lmdb")
      var seeds = MersenneTwister(seed: run.seed)
      var random = seeds.seedTransformer()
      var batch = Tensor<Float>(expected.shape)
      var labels: [Int] = []
      for image in 0..<expected.shape.images {
        let datum = try database.datum(image)
        let placement = try transformer.placement(of: datum, isTraining: false, using: &random)
        try transformer.write(datum, placement: placement, into: &batch, image: image)
        labels.append(datum.label)
      }
      #expect(batch == expected, "\(run.name)")
      #expect(labels == run.labels)
    }
  }

  /// The second 32-bit output of numpy's RandomState(1701) is 2_227_967_492.
  @Test func aDataLayerDrawsAsCaffesDoes() {
    var seeds = MersenneTwister(seed: 1701)
    #expect(seeds.seedTransformer() == MersenneTwister(seed: 2_227_967_492))
  }

  @Test func afterTheLastRecordComesTheFirst() throws {
    let database = try Self.database("raw_lmdb")
    for (index, same) in [(20, 0), (39, 19), (-1, 19), (-20, 0), (Int.max, Int.max % 20)] {
      #expect(try database.datum(index) == database.datum(same))
    }
  }

  /// Compressed or not, PNG pictures are the same; JPEG ones are what OpenCV reads, bit for bit.
  @Test func encodedPicturesAreWhatOpenCVReads() throws {
    let (raw, png) = try (Self.database("raw_lmdb"), Self.database("png_lmdb"))
    let expected = try NumPyArray(contentsOf: fixture("caffe/lmdb/opencv_jpg.npy")).integers()
      .map { UInt8($0) }
    let jpg = try Self.database("jpg_lmdb")
    let gray = try DatumDatabase(jpg.path, colours: .gray)
    for index in 0..<20 {
      #expect(try raw.datum(index) == png.datum(index))
      let planes = Array(expected[4096 * index..<4096 * (index + 1)])
      #expect(try jpg.datum(index).values == .bytes(Array(planes[..<3072])))
      #expect(try gray.datum(index).values == .bytes(Array(planes[3072...])))
    }
  }

  @Test func anyThreadMayRead() async throws {
    let database = try Self.database("jpg_lmdb")
    let expected = try (0..<20).map { try database.datum($0) }
    let read = try await withThrowingTaskGroup(of: (Int, Datum).self) { group in
      for i in 0..<20 { group.addTask { (i, try database.datum(i)) } }
      return try await group.reduce(into: [Int: Datum]()) { $0[$1.0] = $1.1 }
    }
    #expect((0..<20).map { read[$0] } == expected)
  }

  @Test func theMeanIsCaffes() throws {
    let expected = try NumPyArray(contentsOf: fixture("caffe/lmdb/mean.npy"))
      .tensor(as: Float.self)
    #expect(try Self.database("raw_lmdb").meanRecord().elements == expected.elements)
  }
}
