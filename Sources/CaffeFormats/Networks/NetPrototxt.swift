import CaffeMessages
import Layers

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A network as it was written down: a `.prototxt` in today's form, with the place of each layer.
///
/// ```swift
/// let net = try NetPrototxt(contentsOf: URL(filePath: "train_val.prototxt"))
/// let network = try net.network(phase: .testing)
/// ```
public struct NetPrototxt: Sendable {
  /// The file, as the caller named it.
  public let file: String
  /// What it says, upgraded as Caffe does.
  public let message: Caffe_NetParameter
  /// What was written for each layer of the message; `nil` where Caffe would have added it.
  let texts: [TextMessage?]

  /// Reads a file.
  ///
  /// - Throws: `CaffeFileError` for what protobuf's parser refuses and what can't be upgraded.
  /// - Complexity: O(length) of the file.
  public init(contentsOf url: URL) throws(CaffeFileError) {
    try self.init(Prototxt<Caffe_NetParameter>(contentsOf: url))
  }

  /// Reads a text.
  ///
  /// - Parameters:
  ///   - text: the whole text.
  ///   - file: what error messages call it.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: O(length) of the text.
  public init(parsing text: String, file: String = "text") throws(CaffeFileError) {
    try self.init(Prototxt<Caffe_NetParameter>(parsing: text, file: file))
  }

  /// A network that is in memory already, for example inside a solver's message.
  ///
  /// - Throws: `CaffeFileError` for what can't be upgraded.
  /// - Complexity: O(layers).
  public init(_ message: Caffe_NetParameter, file: String = "network") throws(CaffeFileError) {
    self.file = file
    self.message = try message.upgraded(file: file)
    texts = self.message.layer.map { _ in nil }
    try requireDistinctNames()
  }

  /// A network whose text has been read.
  ///
  /// - Throws: `CaffeFileError` for what can't be upgraded.
  /// - Complexity: O(layers).
  public init(_ prototxt: Prototxt<Caffe_NetParameter>) throws(CaffeFileError) {
    file = prototxt.file
    do {
      message = try prototxt.message.upgraded(file: file)
    } catch {
      var error = error
      let field = ["layers", "input"].compactMap { prototxt.position(of: $0) }.first
      error.place = field.map { .text($0) }
      throw error
    }
    // Layers that only padded are gone, as `Caffe_NetParameter.inFormOf2014` has it.
    let padding = prototxt.message.layers.map(\.isPaddingOf2013)
    let written = prototxt.text.messages(in: "layer", "layers").enumerated()
      .filter { !(padding.indices.contains($0.offset) && padding[$0.offset]) }.map(\.element)
    let added: [TextMessage?] = Array(
      repeating: nil, count: max(message.layer.count - written.count, 0))
    texts = added + written
    try requireDistinctNames()
  }

  /// Throws where two names are the same to Swift and not to Caffe: é can be one scalar or two. They are
  /// keys in both programs.
  private func requireDistinctNames() throws(CaffeFileError) {
    var spellings: [String: String] = [:]
    for (index, layer) in message.layer.enumerated() {
      for name in [layer.name] + layer.bottom + layer.top {
        guard let other = spellings.updateValue(name, forKey: name),
          !name.utf8.elementsEqual(other.utf8)
        else { continue }
        throw error(
          "the name \"\(name)\" is written in two ways that look alike, from composed and from single "
            + "characters of Unicode; write it in one",
          layer: index)
      }
    }
  }

  /// Where a layer is written, or a field in it.
  func position(ofLayer index: Int, field: String? = nil) -> TextPosition? {
    guard texts.indices.contains(index), let text = texts[index] else { return nil }
    return field.flatMap { text.position(ofFirst: $0) } ?? text.position
  }

  /// An error about a layer, or about a field in it.
  func error(_ problem: String, layer index: Int, field: String? = nil) -> CaffeFileError {
    let name = message.layer.indices.contains(index) ? message.layer[index].name : ""
    return CaffeFileError(
      file: file, place: position(ofLayer: index, field: field).map { .text($0) },
      problem: "layer \"\(name)\": \(problem)")
  }

  /// The positions of the layers that belong to the network in these circumstances.
  func layers(in state: Caffe_NetState) -> [Int] {
    message.layer.indices.filter { message.layer[$0].belongs(to: state) }
  }
}

extension Caffe_Phase {
  /// Caffe's name of a phase.
  public init(_ phase: Phase) {
    switch phase {
    case .training: self = .train
    case .testing: self = .test
    }
  }
}

extension Phase {
  /// The phase of Caffe's name.
  public init(_ phase: Caffe_Phase) {
    self = phase == .train ? .training : .testing
  }
}
