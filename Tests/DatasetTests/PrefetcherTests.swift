import Datasets
import Tensors
import Testing

@Suite("Batches")
struct PrefetcherTests {
  private func loader(nextRecord: Int = 0) throws -> BatchLoader {
    try BatchLoader(
      try SyntheticImages(seed: 1, side: 16),
      transformer: DataTransformer(cropSize: 11, mirror: true),
      images: 3, isTraining: true, state: LoaderState(seed: 9, nextRecord: nextRecord))
  }

  @Test("hold the records in their order, placed as one generator draws")
  func content() throws {
    var random = MersenneTwister(seed: 9)
    let images = try SyntheticImages(seed: 1, side: 16)
    let transformer = DataTransformer(cropSize: 11, mirror: true)
    let prefetcher = Prefetcher(try loader())
    for batch in 0..<3 {
      let made = try prefetcher.next()
      #expect(made.firstRecord == 3 * batch)
      var expected = Tensor<Float>(made.images.shape)
      for image in 0..<3 {
        let datum = images.datum(3 * batch + image)
        let placement = try transformer.placement(of: datum, isTraining: true, using: &random)
        try transformer.write(datum, placement: placement, into: &expected, image: image)
        #expect(made.labels[image] == datum.label)
      }
      #expect(made.images == expected)
      #expect(made.stateAfter.nextRecord == 3 * batch + 3)
      #expect(made.stateAfter.random == random)
    }
  }

  @Test(
    "a loader that shares its batches with others makes what one alone makes",
    arguments: [(0..<1, 3), (1..<3, 3), (0..<3, 3), (2..<4, 5)])
  func shares(own: Range<Int>, row: Int) throws {
    var (alone, sharing) = (try loader(nextRecord: 5), try loader(nextRecord: 5))
    sharing = sharing.taking(own, ofEach: row)
    var (expected, batch) = (alone.makeBatch(), sharing.makeBatch())
    for _ in 0..<3 {
      for number in 0..<row {
        try alone.fill(&expected)
        guard own.contains(number) else { continue }
        try sharing.fill(&batch)
        #expect(batch.images == expected.images)
        #expect(batch.labels == expected.labels)
        #expect(batch.firstRecord == expected.firstRecord)
      }
      // Behind each row both stand at the same place.
      #expect(sharing.state == alone.state)
      #expect(batch.stateAfter == expected.stateAfter)
    }
  }

  @Test("are the same however far ahead they are made", arguments: [0, 1, 2, 7])
  func depths(depth: Int) throws {
    var plain = try loader()
    var expected = plain.makeBatch()
    let prefetcher = Prefetcher(try loader(), depth: depth)
    for _ in 0..<10 {
      try plain.fill(&expected)
      let made = try prefetcher.next()
      #expect(made.images == expected.images)
      #expect(made.labels == expected.labels)
      #expect(made.stateAfter == expected.stateAfter)
      prefetcher.recycle(made)
    }
  }

  @Test("never run further ahead than they may")
  func bound() throws {
    let source = CountingRecords()
    let prefetcher = Prefetcher(
      try BatchLoader(
        source, transformer: DataTransformer(), images: 1, isTraining: true,
        state: LoaderState(seed: 1)), depth: 3)
    for taken in 1...20 {
      _ = try prefetcher.next()
      // One record was looked at for its size.
      #expect(source.asked.withLock { $0 } <= 1 + taken + 3)
    }
  }

  @Test("an error comes out in its turn, and again when asked again", arguments: [0, 2])
  func errors(depth: Int) throws {
    let prefetcher = Prefetcher(
      try BatchLoader(
        CountingRecords(failsAt: 4), transformer: DataTransformer(), images: 2, isTraining: true,
        state: LoaderState(seed: 1)), depth: depth)
    _ = try prefetcher.next()
    _ = try prefetcher.next()
    for _ in 0..<2 {
      let error = #expect(throws: DatasetError.self) { _ = try prefetcher.next() }
      #expect(error?.description == "record 4 is torn")
    }
  }

  @Test("name the database and the record that is too small, the first or a later one")
  func tooSmall() throws {
    let folder = try TemporaryFolder()
    let writer = try DatumDatabaseWriter(folder.path("db"))
    for (side, name) in [(8, "cat"), (6, "dog")] {
      let bytes = [UInt8](repeating: 0, count: side * side)
      let datum = try Datum(channels: 1, height: side, width: side, values: .bytes(bytes))
      try writer.append(datum.message(), name: name)
    }
    try writer.finish()
    let database = try DatumDatabase(folder.path("db"))
    func makeLoader(crop: Int) throws -> BatchLoader {
      try BatchLoader(
        database, transformer: DataTransformer(cropSize: crop), images: 2, isTraining: false,
        state: LoaderState(seed: 1))
    }
    let first = #expect(throws: DatasetError.self) { _ = try makeLoader(crop: 9) }
    #expect(
      first?.description
        == "\(database.path), key \"00000000_cat\": a crop of 9 cannot be cut out of 8×8")
    let later = #expect(throws: DatasetError.self) {
      var loader = try makeLoader(crop: 7)
      var batch = loader.makeBatch()
      try loader.fill(&batch)
    }
    #expect(
      later?.description
        == "\(database.path), key \"00000001_dog\": a crop of 7 cannot be cut out of 6×6")
  }

  @Test("an unused prefetcher lets go of its thread")
  func abandoned() throws {
    for _ in 0..<50 { _ = Prefetcher(try loader(), depth: 2) }
  }
}

@Suite("Records that are kept")
struct CachedRecordTests {
  @Test("are made once, and come again")
  func caching() throws {
    let source = CountingRecords()
    let cached = try CachedRecords(source, count: 4)
    let labels = try (-4..<12).map { try cached.datum($0).label }
    #expect(labels == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
    #expect(source.asked.withLock { $0 } == 4)
    #expect(cached.count == 4)
    #expect(cached.name(ofRecord: 5) == "record 1")
    #expect(cached.classNames == ["zero", "one"])
  }

  @Test("can't be more than there are")
  func tooMany() throws {
    let three = try CachedRecords(CountingRecords(), count: 3)
    let error = #expect(throws: DatasetError.self) { try CachedRecords(three, count: 4) }
    #expect(error?.description == "4 records are more than the 3 there are")
  }

  @Test("have a mean only if all have one size and they come to an end")
  func mean() throws {
    #expect(throws: DatasetError.self) { try CountingRecords().meanRecord() }
    #expect(try CachedRecords(CountingRecords(), count: 3).meanRecord().elements == [7])
    let growing = try CachedRecords(CountingRecords(growsAt: 2), count: 3)
    let error = #expect(throws: DatasetError.self) { try growing.meanRecord() }
    #expect(
      error?.description
        == "record 2: it has 1×1×2 numbers, the first one 1×1×1: a mean needs one size")
  }

  @Test("can't be none")
  func empty() {
    #expect(throws: DatasetError.self) { try CachedRecords(CountingRecords(), count: 0) }
  }
}

/// Records of one number that count how often one is asked for.
private final class CountingRecords: RecordSource {
  let asked = LockedState(0)
  let failsAt: Int?
  let growsAt: Int?

  init(failsAt: Int? = nil, growsAt: Int? = nil) {
    self.failsAt = failsAt
    self.growsAt = growsAt
  }

  func datum(_ index: Int) throws(DatasetError) -> Datum {
    asked.withLock { $0 += 1 }
    if index == failsAt { throw DatasetError("record \(index) is torn") }
    let width = index == growsAt ? 2 : 1
    return try Datum(
      channels: 1, height: 1, width: width, values: .bytes(Array(repeating: 7, count: width)),
      label: index)
  }

  var count: Int? { nil }
  var classNames: [String] { ["zero", "one"] }
}
