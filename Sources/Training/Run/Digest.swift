import Networks
import Tensors

extension Network<Float> {
  /// A number of 64 bits, in hexadecimal, that any changed bit of any parameter changes.
  ///
  /// Source: FNV-1a (Fowler, Noll and Vo), over the bits of each number instead of each byte.
  ///
  /// - Complexity: O(parameters), one after the other.
  public var parameterDigest: String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for tensor in parameters.joined() {
      for element in tensor.elements {
        hash = (hash ^ UInt64(element.bitPattern)) &* 0x0000_0100_0000_01B3
      }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
