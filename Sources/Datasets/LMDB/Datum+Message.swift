import CaffeMessages
import SwiftProtobuf
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Datum {
  /// What becomes of the colours of an encoded picture: Caffe's `force_color` and `force_gray`.
  public enum ColourDecoding: Sendable, Equatable {
    /// One plane for a picture in gray, three for a coloured one.
    case asStored
    /// Always three planes.
    case colour
    /// Always one plane.
    case gray
  }

  /// Reads a serialized `Datum`, raw or encoded.
  ///
  /// Raw bytes are taken before floats, as Caffe takes them. An encoded picture, PNG or JPEG,
  /// brings its own extents; those of the message, which Caffe leaves out, are ignored.
  ///
  /// - Throws: `DatasetError` when the bytes are no `Datum`, the numbers are not C·H·W, or the
  ///   picture can't be decoded.
  /// - Complexity: O(length + C·H·W).
  public init(decoding bytes: [UInt8], colours: ColourDecoding = .asStored) throws(DatasetError) {
    let message: Caffe_Datum
    do {
      message = try Caffe_Datum(serializedBytes: bytes)
    } catch {
      throw DatasetError("holds no Datum: \(error)")
    }
    try self.init(message, colours: colours)
  }

  /// Takes a record out of its message; otherwise as `init(decoding:)`.
  ///
  /// - Throws: as `init(decoding:)`.
  /// - Complexity: O(C·H·W); the picture's decoding if it is encoded.
  public init(_ message: Caffe_Datum, colours: ColourDecoding = .asStored) throws(DatasetError) {
    let label = Int(message.label)
    guard message.encoded else {
      try self.init(
        channels: Int(message.channels), height: Int(message.height), width: Int(message.width),
        values: message.hasData && !message.data.isEmpty
          ? .bytes([UInt8](message.data)) : .floats(message.floatData),
        label: label)
      return
    }
    let file = [UInt8](message.data)
    do throws(FileError) {
      let isGray = colours == .gray || (colours == .asStored && Picture.isStoredInGray(file))
      let picture = try Picture(decoding: file, inGray: isGray)
      self = isGray ? Datum(gray: picture, label: label) : Datum(picture, label: label)
    } catch {
      throw DatasetError("holds a picture that cannot be decoded: \(error.problem)")
    }
  }

  /// The message that Caffe's tools would write: raw numbers, with their extents.
  ///
  /// - Throws: `DatasetError` when an extent or the label needs more than 32 bits.
  /// - Complexity: O(C·H·W), copying.
  public func message() throws(DatasetError) -> Caffe_Datum {
    guard let channels = Int32(exactly: channels), let height = Int32(exactly: height),
      let width = Int32(exactly: width), let label = Int32(exactly: label)
    else { throw DatasetError("extents and label of a Datum have 32 bits at most") }
    var message = Caffe_Datum()
    message.channels = channels
    message.height = height
    message.width = width
    message.label = label
    message.encoded = false
    switch values {
    case .bytes(let bytes): message.data = Data(bytes)
    case .floats(let floats): message.floatData = floats
    }
    return message
  }
}
