import Tensors

extension Transformer {
  /// One record as a tensor 1×C×H×W: its middle, not mirrored, or where `placement` says.
  ///
  /// - Throws: `DatasetError` when the record does not fit.
  /// - Complexity: O(C·H·W) of the crop, allocating the tensor.
  public func tensor(_ datum: Datum, placement: Placement? = nil) throws(DatasetError)
    -> Tensor<Float>
  {
    var tensor = Tensor<Float>(try outputShape(for: datum))
    try write(datum, placement: placement ?? centre(of: datum), into: &tensor, image: 0)
    return tensor
  }

  /// Writes one record into a batch N×C×H×W that is already there.
  ///
  /// - Throws: `DatasetError` when the record does not fit this transformer or the batch, or the
  ///   placement reaches beyond the record.
  /// - Complexity: O(C·H·W) of the crop; allocates nothing.
  public func write(
    _ datum: Datum, placement: Placement, into batch: inout Tensor<Float>, image: Int
  ) throws(DatasetError) {
    let shape = try outputShape(for: datum, images: batch.shape.images)
    guard batch.shape == shape, (0..<shape.images).contains(image) else {
      throw DatasetError("a record of \(shape) cannot be image \(image) of \(batch.shape)")
    }
    guard (0...datum.height - shape.height).contains(placement.top),
      (0...datum.width - shape.width).contains(placement.left)
    else {
      throw DatasetError(
        "a crop at row \(placement.top), column \(placement.left) reaches beyond the record")
    }
    switch datum.values {
    case .bytes(let bytes):
      write(bytes, { Float($0) }, datum: datum, placement, into: &batch, image: image)
    case .floats(let floats):
      write(floats, { $0 }, datum: datum, placement, into: &batch, image: image)
    }
  }

  @inline(__always)
  private func write<Value>(
    _ values: [Value], _ number: (Value) -> Float, datum: Datum, _ placement: Placement,
    into batch: inout Tensor<Float>, image: Int
  ) {
    let (height, width) = (batch.shape.height, batch.shape.width)
    for channel in 0..<datum.channels {
      for y in 0..<height {
        // The first number of this row: in the record (and the mean image), and in the batch.
        let source = (channel * datum.height + placement.top + y) * datum.width + placement.left
        let target = ((image * datum.channels + channel) * height + y) * width
        let last = target + width - 1
        switch mean {
        case .none:
          for x in 0..<width {
            let place = placement.isMirrored ? last - x : target + x
            batch.elements[place] = number(values[source + x]) * scale
          }
        case .perChannel(let means):
          let mean = means.count == 1 ? means[0] : means[channel]
          for x in 0..<width {
            let place = placement.isMirrored ? last - x : target + x
            batch.elements[place] = (number(values[source + x]) - mean) * scale
          }
        case .image(let image):
          for x in 0..<width {
            let place = placement.isMirrored ? last - x : target + x
            batch.elements[place] =
              (number(values[source + x]) - image.elements[source + x]) * scale
          }
        }
      }
    }
  }
}
