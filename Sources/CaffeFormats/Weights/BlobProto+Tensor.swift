import CaffeMessages
import Tensors

extension Caffe_BlobProto {
  /// The shape, from either of the two ways in which it may be written: `shape`, or the four
  /// extents of files from before 2014.
  ///
  /// - Throws: `ShapeError` for extents that are negative or too large.
  /// - Complexity: O(rank).
  public func tensorShape() throws(ShapeError) -> Shape {
    let dimensions = hasLegacyShape ? legacyDimensions : shape.dim.map { Int(clamping: $0) }
    return try Shape(checking: dimensions)
  }

  /// Whether the shape is written as four extents (Caffe's `Blob::ShapeEquals`).
  var hasLegacyShape: Bool { hasNum || hasChannels || hasHeight || hasWidth }

  private var legacyDimensions: [Int] { [num, channels, height, width].map(Int.init) }

  /// Whether this may be read into a tensor of the given shape: the same extents, or four of the
  /// legacy kind, where the tensor's are taken as the last ones behind ones.
  func fits(_ expected: Shape) throws(ShapeError) -> Bool {
    let shape = try tensorShape()
    guard hasLegacyShape, expected.rank <= 4 else { return shape == expected }
    let padding = Array(repeating: 1, count: 4 - expected.rank)
    return shape.dimensions == padding + expected.dimensions
  }

  /// The number of values, of either precision.
  var valueCount: Int { doubleData.isEmpty ? data.count : doubleData.count }

  /// The values with another shape of the same count. Floats keep their memory.
  func tensor<Scalar: Tensors.Scalar>(
    _ shape: Shape, as type: Scalar.Type = Scalar.self
  ) -> Tensor<Scalar> {
    // Casting an array would copy it; casting a tensor around it doesn't.
    if doubleData.isEmpty {
      let floats = Tensor<Float>(shape, data)
      return floats as? Tensor<Scalar> ?? floats.converted()
    }
    let doubles = Tensor<Double>(shape, doubleData)
    return doubles as? Tensor<Scalar> ?? doubles.converted()
  }

  /// The values with their own shape.
  ///
  /// - Parameters:
  ///   - type: the number that the tensor is made of.
  ///   - name: what error messages call it.
  ///   - file: the file they came from.
  /// - Throws: `CaffeFileError` for a shape that can't be, or that the values don't fill.
  /// - Complexity: O(count); O(1) where the values are already stored in that precision, which then
  ///   are shared.
  public func tensor<Scalar: Tensors.Scalar>(
    as type: Scalar.Type = Scalar.self, named name: String, file: String
  ) throws(CaffeFileError) -> Tensor<Scalar> {
    let shape: Shape
    do {
      shape = try tensorShape()
    } catch {
      throw CaffeFileError(file: file, problem: "\(name): \(error)")
    }
    guard shape.count == valueCount else {
      throw CaffeFileError(
        file: file,
        problem: "\(name): shape \(shape) needs \(shape.count) values, not \(valueCount)")
    }
    return tensor(shape)
  }

  /// A tensor as Caffe writes it: Float in `data`, every other precision in `double_data`.
  ///
  /// - Complexity: O(count); O(1) for a tensor in `Float` or `Double`, whose numbers are shared.
  public init<Scalar: Tensors.Scalar>(_ tensor: Tensor<Scalar>) {
    self.init()
    shape.dim = tensor.shape.dimensions.map(Int64.init)
    if let floats = tensor as? Tensor<Float> {
      data = floats.elements
    } else {
      doubleData = tensor.converted(to: Double.self).elements
    }
  }
}
