import CaffeFormats
import Datasets
import Foundation
import NumPyFiles
import Tensors
import WholeFiles

/// What is subtracted from pictures before a network sees them.
public enum PictureMean: Sendable, Equatable {
  /// 104, 117 and 123 in blue, green and red; nothing in gray.
  case caffenet
  /// A number for each channel, or one for all.
  case values([Float])
  /// A file: a `.binaryproto` of Caffe's, or an `.npy` of numpy with a picture or a number for each
  /// channel.
  case file(URL)

  /// A mean as a command line gives it: numbers with commas between them, or else a file.
  ///
  /// - Complexity: O(length) of the text.
  public init(_ text: String) {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map {
      Float($0.trimmingCharacters(in: .whitespaces))
    }
    let values = numbers.compactMap { $0 }.filter(\.isFinite)
    self = values.count == numbers.count ? .values(values) : .file(URL(fileNamed: text))
  }

  /// What is to be subtracted from pictures of some channels.
  ///
  /// - Throws: `CaffeFileError` naming the file that can't be read or has another number of channels.
  /// - Complexity: O(length) of the file.
  func content(channels: Int) throws -> DataTransformer.Mean {
    switch self {
    case .caffenet:
      return channels == 3 ? DataTransformer.caffenet.mean : .none
    case .values(let values):
      guard values.count == 1 || values.count == channels else {
        throw CaffeFileError(
          file: "--mean",
          problem: "has \(values.count) values; the network takes \(channels) channels")
      }
      return .perChannel(values)
    case .file(let file):
      let tensor = try Self.read(file)
      guard tensor.shape[0] == channels else {
        throw CaffeFileError(
          file: file.relativePath,
          problem: "has \(tensor.shape[0]) channels; the network takes \(channels)")
      }
      return tensor.shape.rank == 1 ? .perChannel(tensor.elements) : .image(tensor)
    }
  }

  /// C×H×W, or C numbers.
  private static func read(_ file: URL) throws -> Tensor<Float> {
    let bytes = try WholeFile.read(file)
    guard FileKind(of: bytes) == .array else {
      return try MeanImage.decode(bytes, file: file.relativePath)
    }
    let tensor = try NumPyArray(decoding: bytes, name: file.relativePath).tensor(as: Float.self)
    let extents = tensor.shape.dimensions
    switch extents.count {
    case 1 where extents[0] > 0, 3: return tensor
    case 2: return Tensor(Shape(1, extents[0], extents[1]), tensor.elements)
    case 4 where extents[0] == 1:
      return Tensor(Shape(extents[1], extents[2], extents[3]), tensor.elements)
    default:
      throw CaffeFileError(
        file: file.relativePath,
        problem:
          "shape \(tensor.shape) is no mean: channels×rows×columns, or a number for each channel")
    }
  }
}

extension DataTransformer.Mean {
  /// The average of a mean image in each channel.
  var averaged: DataTransformer.Mean {
    guard case .image(let image) = self else { return self }
    let channels = image.shape[0]
    let area = image.count / channels
    return .perChannel(
      (0..<channels).map { channel in
        let values = image.elements[channel * area..<(channel + 1) * area]
        return Float(values.reduce(0.0) { $0 + Double($1) } / Double(area))
      })
  }
}

/// Planes of numbers, as Python sees a picture: C×H×W.
struct FloatPlanes {
  var channels: Int
  var height: Int
  var width: Int
  var values: [Float]

  /// The planes in other extents, as `caffe.io.resize_image` makes them: between the four nearest numbers,
  /// of which those beyond the border count as the least number of all planes.
  ///
  /// Source: pycaffe's `io.py`, which brings the numbers to 0…1 and calls scikit-image's `resize` with
  /// order 1 and mode `constant`. Releases of scikit-image since 0.15 blur first, unless told not to;
  /// this is what older ones do.
  func resized(height rows: Int, width columns: Int) -> FloatPlanes {
    let least = values.min() ?? 0
    var result = FloatPlanes(channels: channels, height: rows, width: columns, values: [])
    result.values.reserveCapacity(channels * rows * columns)
    for channel in 0..<channels {
      func number(_ y: Int, _ x: Int) -> Double {
        guard (0..<height).contains(y), (0..<width).contains(x) else { return Double(least) }
        return Double(values[(channel * height + y) * width + x])
      }
      for row in 0..<rows {
        let y = (Double(row) + 0.5) * Double(height) / Double(rows) - 0.5
        let (top, down) = (Int(y.rounded(.down)), y - y.rounded(.down))
        for column in 0..<columns {
          let x = (Double(column) + 0.5) * Double(width) / Double(columns) - 0.5
          let (left, right) = (Int(x.rounded(.down)), x - x.rounded(.down))
          let upper = number(top, left) * (1 - right) + number(top, left + 1) * right
          let lower = number(top + 1, left) * (1 - right) + number(top + 1, left + 1) * right
          result.values.append(Float(upper * (1 - down) + lower * down))
        }
      }
    }
    return result
  }

  /// A square cut out, and mirrored where it is asked for.
  func cropped(_ side: Int, _ placement: DataTransformer.Placement) -> FloatPlanes {
    var crop = FloatPlanes(channels: channels, height: side, width: side, values: [])
    for channel in 0..<channels {
      for y in placement.top..<placement.top + side {
        let start = (channel * height + y) * width + placement.left
        let row = values[start..<start + side]
        crop.values += placement.isMirrored ? row.reversed() : Array(row)
      }
    }
    return crop
  }
}

extension FloatPlanes {
  /// The numbers of a record.
  init(_ datum: Datum) {
    (channels, height, width) = (datum.channels, datum.height, datum.width)
    values =
      switch datum.values {
      case .bytes(let bytes): bytes.map(Float.init)
      case .floats(let floats): floats
      }
  }

  /// As a record.
  func datum() throws(DatasetError) -> Datum {
    try Datum(channels: channels, height: height, width: width, values: .floats(values))
  }
}
