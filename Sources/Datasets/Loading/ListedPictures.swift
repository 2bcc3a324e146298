import Tensors
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The pictures of a list, read when they are asked for: what Caffe's ImageData layer reads.
///
/// A shuffled list is in a new order each time it starts again, as in Caffe: it is shuffled once before
/// the first epoch, and on from that order before each one after it.
/// Source: Caffe's `image_data_layer.cpp` and `util/rng.hpp`.
public final class ListedPictures: RecordSource {
  /// The list.
  public let file: URL

  private let entries: [ImageList.Entry]
  private let folder: String
  private let size: (height: Int, width: Int)?
  private let isGray: Bool
  private let shuffling: LockedState<Shuffling?>

  /// The order of the entries in an epoch, and what the next one is drawn from.
  private struct Shuffling {
    let start: MersenneTwister
    var epoch = -1
    var order: [Int]
    var random: MersenneTwister
  }

  /// The pictures of a list.
  ///
  /// - Parameters:
  ///   - file: the list, a line for each picture; see `ImageList`.
  ///   - folder: what stands in front of each path, Caffe's `root_folder`.
  ///   - size: the rows and columns that pictures are resized to; `nil` leaves them as they are.
  ///   - isGray: whether pictures are read as one plane of gray.
  ///   - random: what the orders are drawn from; `nil` keeps that of the list.
  /// - Throws: `DatasetError` for a list that can't be read.
  /// - Complexity: O(length) of the list, which is kept in memory. Pictures are not.
  public init(
    _ file: URL, folder: String = "", size: (height: Int, width: Int)? = nil, isGray: Bool = false,
    shuffledBy random: MersenneTwister? = nil
  ) throws(DatasetError) {
    self.file = file
    let entries = try ImageList(contentsOf: file).entries
    self.entries = entries
    self.folder = folder
    self.size = size
    self.isGray = isGray
    shuffling = LockedState(
      random.map { Shuffling(start: $0, order: Array(entries.indices), random: $0) })
  }

  /// How many pictures the list has.
  public var count: Int? { entries.count }

  /// None: a list knows labels only as numbers.
  public var classNames: [String] { [] }

  /// The picture of line i modulo the count, in the order of its epoch.
  ///
  /// - Throws: `DatasetError` naming list, line and file when the picture can't be read.
  /// - Complexity: That of reading and resizing the picture; O(count) for the first one of an epoch of
  ///   a shuffled list.
  public func datum(_ index: Int) throws(DatasetError) -> Datum {
    let entry = entry(index)
    do throws(FileError) {
      var picture = try Picture(
        decoding: Picture.fileContent(URL(fileNamed: folder + entry.path)),
        name: folder + entry.path, inGray: isGray)
      if let size { picture = try picture.resized(height: size.height, width: size.width) }
      return isGray
        ? Datum(gray: picture, label: entry.label) : Datum(picture, label: entry.label)
    } catch {
      throw DatasetError("\(name(of: entry)): \(error.description)")
    }
  }

  /// The list's name and line, and the picture's file.
  ///
  /// - Complexity: O(length) of both; as `datum` for a shuffled list.
  public func name(ofRecord index: Int) -> String {
    let entry = entry(index)
    return "\(name(of: entry)), \(folder + entry.path)"
  }

  private func name(of entry: ImageList.Entry) -> String { "\(file.relativePath):\(entry.line)" }

  private func entry(_ index: Int) -> ImageList.Entry {
    let count = entries.count
    let (epoch, position) = (max(index, 0) / count, max(index, 0) % count)
    return shuffling.withLock { shuffling in
      guard var state = shuffling.take() else { return entries[position] }
      if epoch < state.epoch {
        state = Shuffling(
          start: state.start, order: Array(entries.indices), random: state.start)
      }
      while state.epoch < epoch {
        state.order.shuffle(as: &state.random)
        state.epoch += 1
      }
      defer { shuffling = state }
      return entries[state.order[position]]
    }
  }
}

extension Array {
  /// Brings the elements into an order, drawn as Caffe draws it (`shuffle` of its `util/rng.hpp`): from
  /// the last to the second, each changes places with one of those up to itself.
  fileprivate mutating func shuffle(as random: inout MersenneTwister) {
    for last in indices.dropFirst().reversed() { swapAt(last, random.next(upTo: last)) }
  }
}

extension MersenneTwister {
  /// A number from 0 to a limit, drawn as Boost's `uniform_int_distribution` draws it: outputs are cut
  /// into buckets of equal size, and those beyond the last bucket drawn again.
  mutating func next(upTo limit: Int) -> Int {
    guard limit > 0, limit < Int(UInt32.max) else { return 0 }
    // ⌊2³² / (limit + 1)⌋; Boost computes it without leaving 32 bits.
    let bucket = (1 << 32) / (limit + 1)
    while true {
      let result = Int(next() as UInt32) / bucket
      if result <= limit { return result }
    }
  }
}
