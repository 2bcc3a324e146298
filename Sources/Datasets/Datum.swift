/// One record of a data set: C×H×W numbers and a label; Caffe's message of this name.
///
/// Pictures are three planes: blue, green, red.
public struct Datum: Sendable, Equatable {
  /// The numbers: bytes as pictures have them, or floats.
  public enum Values: Sendable, Equatable {
    /// Numbers from 0 to 255.
    case bytes([UInt8])
    /// Any numbers.
    case floats([Float])

    /// How many there are.
    ///
    /// - Complexity: O(1).
    public var count: Int {
      switch self {
      case .bytes(let bytes): bytes.count
      case .floats(let floats): floats.count
      }
    }
  }

  /// C, the number of planes.
  public let channels: Int
  /// H, the rows of a plane.
  public let height: Int
  /// W, the columns of a plane.
  public let width: Int
  /// C·H·W numbers, plane after plane, row after row.
  public let values: Values
  /// The class; 0 where it is unknown.
  public let label: Int

  /// A record of numbers of unknown origin.
  ///
  /// - Throws: `DatasetError` when an extent is below 1 or the numbers are not C·H·W.
  /// - Complexity: O(1): the numbers are taken over.
  public init(channels: Int, height: Int, width: Int, values: Values, label: Int = 0)
    throws(DatasetError)
  {
    let extents = [channels, height, width]
    let count = extents.reduce(Int?.some(1)) { product, extent in
      guard let product, extent > 0 else { return nil }
      let (result, overflow) = product.multipliedReportingOverflow(by: extent)
      return overflow ? nil : result
    }
    guard let count, count == values.count else {
      throw DatasetError(
        "a datum of \(channels)×\(height)×\(width) cannot hold \(values.count) numbers")
    }
    self.channels = channels
    self.height = height
    self.width = width
    self.values = values
    self.label = label
  }

  /// The blue, green and red planes of a picture.
  ///
  /// - Complexity: O(H·W), allocating the planes.
  public init(_ picture: Picture, label: Int = 0) {
    channels = 3
    height = picture.height
    width = picture.width
    self.label = label
    let area = picture.height * picture.width
    values = .bytes(
      [UInt8](unsafeUninitializedCapacity: 3 * area) { planes, count in
        // Three bytes a pixel in the picture and in the three planes.
        picture.bytes.withUnsafeBufferPointer { pixels in
          for i in 0..<area {
            planes.initializeElement(at: i, to: pixels[3 * i + 2])
            planes.initializeElement(at: area + i, to: pixels[3 * i + 1])
            planes.initializeElement(at: 2 * area + i, to: pixels[3 * i])
          }
        }
        count = 3 * area
      })
  }

  /// The one plane of a picture whose channels are equal.
  ///
  /// - Complexity: O(H·W), allocating the plane.
  public init(gray picture: Picture, label: Int = 0) {
    channels = 1
    height = picture.height
    width = picture.width
    values = .bytes(picture.redPlane)
    self.label = label
  }
}

/// Data that do not fit together.
public struct DatasetError: Error, Equatable, CustomStringConvertible {
  /// What is wrong, with the values that are.
  public let description: String

  /// An error of a description.
  public init(_ description: String) {
    self.description = description
  }
}
