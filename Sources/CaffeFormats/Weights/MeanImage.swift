import CaffeMessages
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The mean of all pictures of a database: a `.binaryproto`.
///
/// C×H×W, channels in the order B, G, R. The file is one `BlobProto`, which Caffe writes with four
/// legacy extents, the first of them 1.
public enum MeanImage {
  /// Reads a file.
  ///
  /// - Throws: `CaffeFileError` for a damaged file, or a shape that isn't one picture's.
  /// - Complexity: O(length) of the file.
  public static func read<Scalar: Tensors.Scalar>(
    _ url: URL, as type: Scalar.Type = Scalar.self
  ) throws(CaffeFileError) -> Tensor<Scalar> {
    let blob = try BinaryMessage.read(Caffe_BlobProto.self, from: url)
    return try picture(in: blob, file: url.relativePath)
  }

  /// Reads the content of a file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - file: what error messages call it.
  ///   - type: the number that the tensor is made of.
  /// - Throws: as `read(_:as:)`.
  /// - Complexity: O(length).
  public static func decode<Scalar: Tensors.Scalar>(
    _ bytes: [UInt8], file: String = "mean", as type: Scalar.Type = Scalar.self
  ) throws(CaffeFileError) -> Tensor<Scalar> {
    let blob = try BinaryMessage.decode(Caffe_BlobProto.self, bytes, file: file)
    return try picture(in: blob, file: file)
  }

  private static func picture<Scalar: Tensors.Scalar>(
    in blob: Caffe_BlobProto, file: String
  ) throws(CaffeFileError) -> Tensor<Scalar> {
    let tensor = try blob.tensor(as: Scalar.self, named: "mean", file: file)
    let dimensions = tensor.shape.dimensions
    switch dimensions.count {
    case 3: return tensor
    case 4 where dimensions[0] == 1:
      return Tensor(Shape(dimensions[1], dimensions[2], dimensions[3]), tensor.elements)
    default:
      throw CaffeFileError(
        file: file,
        problem: "mean: shape \(tensor.shape) must be channels×rows×columns, or that behind a 1")
    }
  }

  /// Writes a file as Caffe's `compute_image_mean` does. It appears whole or not at all.
  ///
  /// - Parameters:
  ///   - mean: C×H×W.
  ///   - url: the file.
  /// - Throws: `CaffeFileError` when the shape isn't a picture's, or the file can't be written.
  /// - Complexity: O(C·H·W).
  public static func write<Scalar: Tensors.Scalar>(
    _ mean: Tensor<Scalar>, to url: URL
  ) throws(CaffeFileError) {
    guard mean.shape.rank == 3 else {
      throw CaffeFileError(
        file: url.relativePath,
        problem: "mean: shape \(mean.shape) must be channels×rows×columns")
    }
    var blob = Caffe_BlobProto()
    blob.num = 1
    blob.channels = Int32(clamping: mean.shape[0])
    blob.height = Int32(clamping: mean.shape[1])
    blob.width = Int32(clamping: mean.shape[2])
    blob.data = mean.elements.map { Float($0.doubleValue) }
    try BinaryMessage.write(blob, to: url)
  }
}
