import CaffeMessages

/// Writes a network down as pycaffe's `net_spec.py` does when it is printed without a `NetSpec`:
/// every top is named by its layer's type and a running number, and a layer by its first top.
///
/// ```swift
/// var net = NetSpecification()
/// let pool = net.add("Pooling", scores) { $0.poolingParam.kernelSize = 3 }  // Pooling1
/// ```
public struct NetSpecification {
  /// What has been written so far.
  public private(set) var message = Caffe_NetParameter()
  private var counts: [String: Int] = [:]

  /// Nothing yet.
  public init() {}

  private mutating func name(_ type: String) -> String {
    counts[type, default: 0] += 1
    return type + String(counts[type, default: 1])
  }

  /// Appends a layer.
  ///
  /// - Parameters:
  ///   - type: Caffe's name of the type.
  ///   - bottoms: the blobs it reads.
  ///   - tops: how many blobs it writes.
  ///   - parameters: fills in its hyper-parameters.
  /// - Returns: the names of the blobs that it writes.
  /// - Complexity: O(bottoms + tops) on average.
  @discardableResult
  public mutating func add(
    _ type: String, _ bottoms: [String], tops: Int,
    _ parameters: (inout Caffe_LayerParameter) -> Void = { _ in }
  ) -> [String] {
    let names = (0..<tops).map { _ in name(type) }
    append(type, names.first ?? name(type), bottoms, names, parameters)
    return names
  }

  /// Appends a layer that writes one blob of its own, and returns the blob's name.
  ///
  /// - Complexity: O(bottoms) on average.
  @discardableResult
  public mutating func add(
    _ type: String, _ bottoms: String...,
    parameters: (inout Caffe_LayerParameter) -> Void = { _ in }
  ) -> String {
    let name = name(type)
    append(type, name, bottoms, [name], parameters)
    return name
  }

  /// Appends a layer that works in place, and returns its bottom's name.
  ///
  /// - Complexity: O(1) on average.
  @discardableResult
  public mutating func addInPlace(_ type: String, _ bottom: String) -> String {
    append(type, name(type), [bottom], [bottom]) { _ in }
    return bottom
  }

  private mutating func append(
    _ type: String, _ name: String, _ bottoms: [String], _ tops: [String],
    _ parameters: (inout Caffe_LayerParameter) -> Void
  ) {
    var layer = Caffe_LayerParameter()
    layer.name = name
    layer.type = type
    layer.bottom = bottoms
    layer.top = tops
    parameters(&layer)
    message.layer.append(layer)
  }
}
