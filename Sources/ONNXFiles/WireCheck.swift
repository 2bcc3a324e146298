import TensorFiles

/// Walks through the messages of a file before they are made: SwiftProtobuf notices what is wrong, but
/// says neither where nor what, and makes more of small messages than they take in the file.
struct WireCheck {
  /// The messages whose content is looked at, as far as they hold others or text.
  private enum Message {
    case model, operatorSet, entry, graph, node, attribute, tensor, valueInfo, type, tensorType
    case shape, dimension, sparse

    /// What a field holds; nil for numbers, bytes, and what isn't known.
    func field(_ number: Int) -> Content? {
      switch (self, number) {
      case (.model, 7): .message(.graph)
      case (.model, 8): .message(.operatorSet)
      case (.model, 14), (.tensor, 13): .message(.entry)
      case (.model, 2), (.model, 3), (.operatorSet, 1), (.entry, 1), (.entry, 2): .text
      case (.graph, 1): .message(.node)
      case (.graph, 5), (.attribute, 5): .message(.tensor)
      case (.graph, 11), (.graph, 12), (.graph, 13): .message(.valueInfo)
      case (.graph, 15): .message(.sparse)
      case (.node, 5): .message(.attribute)
      case (.graph, 2), (.node, 1), (.node, 2), (.node, 3), (.node, 4), (.node, 7): .text
      case (.attribute, 1), (.attribute, 21), (.tensor, 8): .text
      case (.valueInfo, 1), (.dimension, 2): .text
      case (.valueInfo, 2): .message(.type)
      case (.type, 1): .message(.tensorType)
      case (.tensorType, 2): .message(.shape)
      case (.shape, 1): .message(.dimension)
      default: nil
      }
    }
  }

  private enum Content {
    case message(Message), text
  }

  /// Far more than any network has, and few enough that a small file can't ask for gigabytes.
  static let messageLimit = 200_000

  private let bytes: [UInt8]
  private let place: FilePlace
  private var messagesLeft = messageLimit

  /// Walks through a model.
  ///
  /// - Throws: `TensorFileError` naming the byte at which the file is damaged.
  static func check(_ bytes: [UInt8], place: FilePlace) throws(TensorFileError) {
    var check = WireCheck(bytes: bytes, place: place)
    try check.walk(0..<bytes.count, .model)
  }

  private init(bytes: [UInt8], place: FilePlace) {
    self.bytes = bytes
    self.place = place
  }

  /// Recurses as deep as `Message` does, which has no cycles.
  private mutating func walk(_ range: Range<Int>, _ message: Message) throws(TensorFileError) {
    var position = range.lowerBound
    while position < range.upperBound {
      let start = position
      let tag = try varint(&position, range.upperBound)
      guard (1..<(1 << 29)).contains(tag >> 3) else {
        throw place.error("there is no field with number \(tag >> 3)", at: start)
      }
      let length: UInt64
      switch tag & 7 {
      case 0:
        _ = try varint(&position, range.upperBound)
        continue
      case 1: length = 8
      case 2: length = try varint(&position, range.upperBound)
      case 5: length = 4
      default:
        throw place.error(
          "field \(tag >> 3) has wire type \(tag & 7), which ONNX doesn't use", at: start,
          remedy: "the file is damaged or no ONNX file")
      }
      guard length <= UInt64(range.upperBound - position) else {
        throw place.error(
          "field \(tag >> 3) claims \(length) bytes where \(range.upperBound - position) are left",
          at: start, remedy: "the file is truncated, damaged, or no ONNX file")
      }
      let content = position..<position + Int(length)
      position = content.upperBound
      guard tag & 7 == 2, let field = message.field(Int(tag >> 3)) else { continue }
      switch field {
      case .text:
        guard String(validating: bytes[content], as: UTF8.self) != nil else {
          throw place.error("field \(tag >> 3) must be text in UTF-8", at: start)
        }
      case .message(let inner):
        messagesLeft -= 1
        guard messagesLeft >= 0 else {
          throw place.error("there are more than \(Self.messageLimit) messages", at: start)
        }
        try walk(content, inner)
      }
    }
  }

  private func varint(_ position: inout Int, _ end: Int) throws(TensorFileError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard position < end else {
        throw place.error("a number is cut off", at: start, remedy: "the file is truncated")
      }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte & 0x80 == 0 { return value }
    }
    throw place.error("a number has more than 10 bytes", at: start)
  }
}
