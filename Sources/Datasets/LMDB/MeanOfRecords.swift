import Tensors

extension RecordSource {
  /// The mean of all records, C×H×W, summed up in Float as Caffe's `compute_image_mean` does.
  ///
  /// - Parameter progress: told how many records have been added.
  /// - Throws: `DatasetError` when a record can't be read or has another size than the first, or
  ///   the source is without end.
  /// - Complexity: O(records·C·H·W), one record in memory at a time.
  public func meanRecord(progress: (Int) -> Void = { _ in }) throws(DatasetError)
    -> Tensor<Float>
  {
    guard let count else { throw DatasetError("records without end have no mean") }
    let first = try datum(0)
    var sum = [Float](repeating: 0, count: first.values.count)
    for index in 0..<count {
      let datum = try datum(index)
      guard
        (datum.channels, datum.height, datum.width)
          == (first.channels, first.height, first.width)
      else {
        throw DatasetError(
          "\(name(ofRecord: index)): it has \(datum.channels)×\(datum.height)×\(datum.width) numbers, the first "
            + "one \(first.channels)×\(first.height)×\(first.width): a mean needs one size")
      }
      switch datum.values {
      case .bytes(let bytes): for i in sum.indices { sum[i] += Float(bytes[i]) }
      case .floats(let floats): for i in sum.indices { sum[i] += floats[i] }
      }
      progress(index + 1)
    }
    return Tensor(
      Shape(first.channels, first.height, first.width), sum.map { $0 / Float(count) })
  }
}
