import CaffeMessages
import Networks
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Trained parameters: a `.caffemodel`.
///
/// ```swift
/// let model = try CaffeModel(contentsOf: URL(filePath: "bvlc_reference_caffenet.caffemodel"))
/// let report = try model.copy(into: network)
/// ```
///
/// The parameters are in memory once: a network in Float is handed the very memory that they were
/// read into.
public struct CaffeModel: Sendable {
  /// The file, as the caller named it.
  public let file: String
  /// What it says, in today's form.
  public private(set) var message: Caffe_NetParameter

  /// Reads a file in today's form or that of 2014.
  ///
  /// - Throws: `CaffeFileError` naming the byte at which the file is damaged.
  /// - Complexity: O(length) of the file, in memory twice while it is being read.
  public init(contentsOf url: URL) throws(CaffeFileError) {
    let message = try BinaryMessage.read(Caffe_NetParameter.self, from: url)
    try self.init(message, file: url.relativePath)
  }

  /// Reads the content of a file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - file: what error messages call it.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: O(length), with as much memory again.
  public init(decoding bytes: [UInt8], file: String = "caffemodel") throws(CaffeFileError) {
    try self.init(BinaryMessage.decode(Caffe_NetParameter.self, bytes, file: file), file: file)
  }

  private init(_ message: Caffe_NetParameter, file: String) throws(CaffeFileError) {
    self.file = file
    self.message = try message.upgraded(file: file)
  }

  /// The parameters of a network, to be written.
  ///
  /// - Parameters:
  ///   - network: whose parameters.
  ///   - description: its layers as Caffe has them; without it they are made of the network's
  ///     definition.
  /// - Complexity: O(layers²) to find them by name; parameters in `Float` or `Double` are shared,
  ///   not copied.
  public init<Scalar>(of network: Network<Scalar>, description: Caffe_NetParameter? = nil) {
    file = "caffemodel"
    message =
      description
      ?? network.definition.netParameter(
        batch: network.input.shape.images, phase: network.context.phase)
    var left = Array(network.definition.layers.enumerated())
    for index in message.layer.indices {
      let layer = message.layer[index]
      if !layer.hasPhase { message.layer[index].phase = Caffe_Phase(network.context.phase) }
      // Caffe's losses write their default weight down when they are set up (loss_layer.cpp).
      if layer.type == "SoftmaxWithLoss", layer.lossWeight.isEmpty {
        message.layer[index].lossWeight = [1]
      }
      // Of several layers of one name, the network calls the second "NAME (2)".
      let place =
        left.firstIndex { $0.element.name == layer.name }
        ?? left.firstIndex { $0.element.name.hasPrefix("\(layer.name) (") }
      if let place {
        let position = left.remove(at: place).offset
        message.layer[index].blobs = network.parameters[position].map { Caffe_BlobProto($0) }
      }
    }
  }

  /// Layers with their parameters, to be written or copied into a network.
  ///
  /// - Parameters:
  ///   - layers: the layers.
  ///   - file: what error messages call them.
  /// - Complexity: O(1): the parameters are shared, not copied.
  public init(layers: [Caffe_LayerParameter], file: String = "caffemodel") {
    self.file = file
    message = Caffe_NetParameter()
    message.layer = layers
  }

  /// Writes the file, in today's form. It appears whole or not at all.
  ///
  /// - Throws: `CaffeFileError` when the file can't be written.
  /// - Complexity: O(length) of the file, with as much memory.
  public func write(to url: URL) throws(CaffeFileError) {
    try BinaryMessage.write(message, to: url)
  }
}

// MARK: - Copying into a network

extension CaffeModel {
  /// Which layers of a network got their parameters from a file.
  public struct CopyReport: Sendable, Equatable {
    /// The layers that were copied.
    public var copied: [String] = []
    /// The layers of the file with parameters that have no namesake in the network.
    public var ignored: [String] = []
    /// The layers of the network with parameters that have no namesake in the file: they keep
    /// what they had.
    public var untouched: [String] = []
  }

  /// Copies the parameters into the layers of the same name, by the rules of Caffe's
  /// `Net::CopyTrainedLayersFrom`: what has no namesake is left alone, and what has one must fit. Of several
  /// layers of one name in a network, the first gets what the last one of that name in the file has.
  ///
  /// - Throws: `CaffeFileError` naming layer, blob and both shapes for what doesn't fit. The
  ///   network is then as it was before.
  /// - Complexity: O(parameters) where they change their precision; otherwise the network is handed
  ///   the memory that they were read into.
  @discardableResult
  public func copy<Scalar>(into network: Network<Scalar>) throws(CaffeFileError) -> CopyReport {
    var (tensors, report) = try parameters(of: network.plan, as: Scalar.self)
    for (index, layer) in network.plan.layers.enumerated() {
      if let copied = tensors.removeValue(forKey: layer.name) { network.parameters[index] = copied }
    }
    return report
  }

  /// The parameters of the layers that have a namesake in the file, by layer. No network has to be made
  /// for it.
  ///
  /// - Throws: `CaffeFileError` naming layer, blob and both shapes for what doesn't fit.
  /// - Complexity: O(parameters) where they change their precision; otherwise the caller is handed the
  ///   memory that they were read into.
  public func parameters<Scalar: Tensors.Scalar>(
    of plan: NetworkPlan, as type: Scalar.Type = Scalar.self
  ) throws(CaffeFileError) -> (tensors: [String: [Tensor<Scalar>]], report: CopyReport) {
    let expected = Dictionary(plan.layers.map { ($0.name, $0.parameters) }) { first, _ in first }
    var tensors: [String: [Tensor<Scalar>]] = [:]
    var report = CopyReport()
    for layer in message.layer {
      guard let parameters = expected[layer.name] else {
        if !layer.blobs.isEmpty { report.ignored.append(layer.name) }
        continue
      }
      func fail(_ problem: String) -> CaffeFileError {
        CaffeFileError(file: file, problem: "layer \"\(layer.name)\": \(problem)")
      }
      guard parameters.count == layer.blobs.count else {
        throw fail(
          "has \(layer.blobs.count) blobs where the network's layer has \(parameters.count)")
      }
      guard !parameters.isEmpty else { continue }
      var copied: [Tensor<Scalar>] = []
      for (number, (blob, parameter)) in zip(layer.blobs, parameters).enumerated() {
        let name = "blob \(number) (\(parameter.name))"
        let otherShape: Shape?
        do throws(ShapeError) {
          otherShape = try blob.fits(parameter.shape) ? nil : blob.tensorShape()
        } catch {
          throw fail("\(name): \(error)")
        }
        if let otherShape {
          throw fail(
            "\(name) has shape \(otherShape) in the file but \(parameter.shape) in the network")
        }
        guard blob.valueCount == parameter.shape.count else {
          throw fail(
            "\(name) has \(blob.valueCount) values where its shape \(parameter.shape) needs "
              + "\(parameter.shape.count)")
        }
        copied.append(blob.tensor(parameter.shape))
      }
      tensors[layer.name] = copied
      report.copied.append(layer.name)
    }
    report.untouched = plan.layers.filter {
      !$0.parameters.isEmpty && tensors[$0.name] == nil
    }.map(\.name)
    return (tensors, report)
  }
}
