import Networks

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension NetworkReader {
  /// Throws for a network that this machine can't hold: a digit too many in a file must not end in
  /// an allocation that fails.
  ///
  /// - Parameters:
  ///   - plan: the network's.
  ///   - positions: those of its layers in the message.
  func requireMemory(
    _ plan: NetworkPlan, _ positions: [Int]
  ) throws(CaffeFileError) {
    let limit = Double(ProcessInfo.processInfo.physicalMemory)
    func bytes(_ counts: Int...) -> Double {
      counts.reduce(0) { $0 + Double($1) * Double(MemoryLayout<Float>.size) }
    }
    func text(_ bytes: Double) -> String { "\(Int(min(bytes / 0x1p30, 1e15))) GiB" }
    for input in inputs where bytes(input.shape.count) > limit {
      throw net.error(
        "blob \"\(input.name)\" of \(input.shape) takes \(text(bytes(input.shape.count))), more than "
          + "this machine's \(text(limit))", layer: indices[input.layer])
    }
    var needed = 0.0
    for (layer, position) in zip(plan.layers, positions) {
      needed += bytes(layer.parameterCount, layer.isInPlace ? 0 : layer.output.count)
      guard needed <= limit else {
        throw net.error(
          "parameters of \(layer.parameters.map(\.shape)) and output \(layer.output) bring the "
            + "network to \(text(needed)), more than this machine's \(text(limit))",
          layer: position)
      }
    }
  }
}
