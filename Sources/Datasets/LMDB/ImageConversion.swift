import CaffeMessages
import Tensors
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// How a picture's file becomes a `Datum`: what Caffe's `convert_imageset` does to it.
public struct ImageConversion: Sendable, Equatable {
  /// The format of a picture within a `Datum`.
  public enum Encoding: String, Sendable, CaseIterable {
    /// Without loss.
    case png
    /// Smaller, with loss.
    case jpg
  }

  /// The rows that pictures are resized to; `nil` leaves them as they are.
  public var height: Int?
  /// The columns that pictures are resized to; `nil` leaves them as they are.
  public var width: Int?
  /// Whether one plane of gray is kept instead of blue, green and red.
  public var isGray: Bool
  /// Whether and how pictures are compressed; `nil` keeps bare bytes.
  public var encoding: Encoding?

  /// A conversion; without arguments it only decodes.
  public init(
    height: Int? = nil, width: Int? = nil, isGray: Bool = false, encoding: Encoding? = nil
  ) {
    self.height = height
    self.width = width
    self.isGray = isGray
    self.encoding = encoding
  }

  /// The message of a picture's file.
  ///
  /// A file that is compressed already as asked for, and isn't changed otherwise, is taken as it
  /// is, so that nothing is lost by compressing it again.
  ///
  /// - Throws: `FileError` when the file can't be read or is no picture; `DatasetError` when
  ///   the label needs more than 32 bits.
  /// - Complexity: O(length + H·W): decoding, resizing and encoding each touch every pixel once or
  ///   twice.
  public func message(of file: URL, label: Int) throws -> Caffe_Datum {
    let bytes = try Picture.fileContent(file)
    var picture = try Picture(decoding: bytes, name: file.relativePath, inGray: isGray)
    let storesGray = Picture.isStoredInGray(bytes)
    let isResized = height != nil || width != nil
    if isResized {
      picture = try picture.resized(
        height: height ?? picture.height, width: width ?? picture.width)
    }
    guard let encoding else {
      return try (isGray ? Datum(gray: picture, label: label) : Datum(picture, label: label))
        .message()
    }
    guard let shortLabel = Int32(exactly: label) else {
      throw DatasetError("label \(label) needs more than 32 bits")
    }
    var message = Caffe_Datum()
    message.label = shortLabel
    message.encoded = true
    if !isResized, storesGray == isGray, Picture.encoding(of: bytes) == encoding {
      message.data = Data(bytes)
    } else {
      switch encoding {
      case .png: message.data = Data(try picture.pngEncoded(inGray: isGray))
      case .jpg: message.data = Data(try picture.jpegEncoded(inGray: isGray))
      }
    }
    return message
  }
}

extension Picture {
  /// How a file is compressed; its content says, not its name.
  ///
  /// - Complexity: O(1).
  public static func encoding(of file: [UInt8]) -> ImageConversion.Encoding? {
    if file.starts(with: pngSignature) { return .png }
    return file.starts(with: [0xFF, 0xD8]) ? .jpg : nil
  }
}

/// Pictures with their labels: the list that Caffe's `convert_imageset` reads, a line for each.
///
/// ```
/// cats/tabby 1.jpg 0
/// dogs/pug.jpg 1
/// ```
///
/// The label stands behind the last space of a line. Empty lines are passed over.
public struct ImageList: Sendable, Equatable {
  /// A line.
  public struct Entry: Sendable, Equatable {
    /// The picture's file, relative to a folder that the list doesn't know.
    public var path: String
    /// The class.
    public var label: Int
    /// Its line in the list, counted from 1.
    public var line: Int
  }

  /// The lines.
  public var entries: [Entry]

  /// Reads a list.
  ///
  /// - Throws: `DatasetError` naming file and line when a line has no label, or no entry is there.
  /// - Complexity: O(length) of the file.
  public init(contentsOf url: URL) throws(DatasetError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try WholeFile.read(url, limit: 1 << 31)
    } catch {
      throw DatasetError(error.description)
    }
    entries = []
    for (index, line) in String(decoding: bytes, as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
    {
      let text = line.trimmingCharacters(in: .whitespaces)
      guard !text.isEmpty else { continue }
      guard let space = text.lastIndex(where: \.isWhitespace),
        let label = Int32(text[text.index(after: space)...])
      else {
        throw DatasetError(
          "\(url.relativePath):\(index + 1): \"\(text)\" must be a file and, behind a space, its "
            + "label, a whole number")
      }
      let path = text[..<space].trimmingCharacters(in: .whitespaces)
      entries.append(Entry(path: path, label: Int(label), line: index + 1))
    }
    guard !entries.isEmpty else {
      throw DatasetError("\(url.relativePath): the list is empty")
    }
  }

  /// Brings the lines into an order drawn from a seed (Fisher and Yates).
  ///
  /// - Complexity: O(entries).
  public mutating func shuffle(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for last in entries.indices.dropFirst().reversed() {
      entries.swapAt(last, Int.random(in: 0...last, using: &random))
    }
  }
}
