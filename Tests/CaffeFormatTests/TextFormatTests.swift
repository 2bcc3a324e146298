import CaffeMessages
import Foundation
import SwiftProtobuf
import Testing

@testable import CaffeFormats

/// A text of `net_texts.json`: what protobuf's parser says of it, and how Caffe prints it.
struct NetText: Decodable, CustomTestStringConvertible {
  var name: String
  var text: String
  var accepted: Bool
  var canonical: String?
  var error: String?

  var testDescription: String { name }

  static let all: [NetText] =
    (try? JSONDecoder().decode(
      [NetText].self, from: Data(Fixture.bytes("prototxt/net_texts.json")))) ?? []
}

@Suite("The text format")
struct TextFormatTests {
  @Test("knows every message of caffe.proto")
  func schema() {
    #expect(MessageSchema.of(Caffe_NetParameter.self).field(named: "layer")?.number == 100)
    #expect(MessageSchema.of(Caffe_LayerParameter.self).fields.count == 60)
    #expect(MessageSchema.named("LRNParameter").field(named: "beta")?.number == 3)
  }

  @Test("has texts to compare with")
  func texts() {
    #expect(NetText.all.count == 22)
  }

  @Test("takes and refuses what protobuf does, and prints what Caffe does", arguments: NetText.all)
  func golden(text: NetText) throws {
    if text.accepted {
      let net = try NetPrototxt(parsing: text.text)
      #expect(try net.message.prototxt() == text.canonical)
      // What is printed reads back as the same.
      let again = try NetPrototxt(parsing: net.message.prototxt())
      #expect(again.message == net.message)
    } else {
      let error = #expect(throws: CaffeFileError.self) { try NetPrototxt(parsing: text.text) }
      guard case .text(let position) = error?.place else {
        Issue.record("no place in \(String(describing: error))")
        return
      }
      // Both name a place. protobuf's is often that of the word behind the one at fault.
      let given = try #require(text.error).split(separator: ":").prefix(2).compactMap { Int($0) }
      #expect(position.line == given[0])
      #expect(position.column <= given[1])
    }
  }

  @Test(
    "says where an error is, and what was probably meant",
    arguments: [
      (
        "layer {\n  nme: \"a\"\n}",
        "net.prototxt:2:3: there is no field \"nme\" in LayerParameter; did you mean \"name\"?"
      ),
      (
        "layer { pooling_param { pool: MAXI } }",
        "net.prototxt:1:31: \"pool\" must be one of MAX, AVE, STOCHASTIC, not \"MAXI\"; "
          + "did you mean \"MAX\"?"
      ),
      (
        "layer { convolution_param { num_output: 9999999999 } }",
        "net.prototxt:1:41: \"num_output\" must be a whole number from 0 to 4294967295, "
          + "not 9999999999"
      ),
      ("layer { name \"a\" }", "net.prototxt:1:14: expected \":\" behind \"name\", not \"\"a\"\""),
      (
        "layer {\n  name: \"a\"\n",
        "net.prototxt:3:1: the text ends too soon: the message that starts at line 1 is not closed"
      ),
      (
        "name: \"größe\" x: 1",
        "net.prototxt:1:15: there is no field \"x\" in NetParameter"
      ),
      (
        "layer { concat_param { axes: 1 } }",
        "net.prototxt:1:24: there is no field \"axes\" in ConcatParameter; did you mean \"axis\"?"
      ),
      (
        "layer {\n  clip_param { min: 0 }\n}",
        "net.prototxt:2:3: ClipParameter needs its field \"max\""
      ),
      ("name: 'a\nb'", "net.prototxt:1:7: a string must end on the line on which it starts"),
      ("layer }", "net.prototxt:1:7: expected \"{\" behind \"layer\", not \"}\""),
      (
        "force_backward: 2",
        "net.prototxt:1:17: \"force_backward\" must be true or false, not \"2\""
      ),
      ("input_dim: 1stride: 2", "net.prototxt:1:13: a number and a word need a space between them"),
      ("input_dim: 0x", "net.prototxt:1:14: \"0x\" must be followed by hexadecimal digits"),
      ("\u{1}", "net.prototxt:1:1: a control character (byte 1) is not allowed in the text"),
    ])
  func errors(text: String, message: String) {
    let error = #expect(throws: CaffeFileError.self) {
      try Prototxt<Caffe_NetParameter>(parsing: text, file: "net.prototxt")
    }
    #expect(error?.description == message)
  }

  @Test(
    "takes numbers as protobuf does",
    arguments: [
      ("1e999", Float.infinity), ("-inf", -.infinity), ("0x10", nil), ("010", nil), ("- 2", -2),
      ("1.", 1), (".5", 0.5), ("1e-50", 0), ("Infinity", .infinity), ("1.5.2", nil), ("1e", nil),
    ] as [(String, Float?)])
  func numbers(text: String, value: Float?) {
    let solver = try? Prototxt<Caffe_SolverParameter>(parsing: "base_lr: \(text)")
    #expect(solver?.message.baseLr == value)
  }

  @Test(
    "takes whole numbers as protobuf does",
    arguments: [
      ("0x1F", 31), ("-0X10", -16), ("017", 15), ("08", nil), ("-2147483648", -2_147_483_648),
      ("2147483648", nil), ("1.0", nil),
    ] as [(String, Int32?)])
  func wholeNumbers(text: String, value: Int32?) {
    let solver = try? Prototxt<Caffe_SolverParameter>(parsing: "max_iter: \(text)")
    #expect(solver?.message.maxIter == value)
  }

  @Test(
    "takes truth as protobuf does",
    arguments: [
      ("1", true), ("0", false), ("0x1", true), ("t", true), ("False", false), ("yes", nil),
      ("-1", nil),
    ] as [(String, Bool?)])
  func truth(text: String, value: Bool?) {
    let net = try? Prototxt<Caffe_NetParameter>(parsing: "force_backward: \(text)")
    #expect(net?.message.forceBackward == value)
  }

  @Test(
    "takes the escapes of strings",
    arguments: [
      (#"\x41\102\u00e4\U0001F600"#, "ABä😀"), (#"\a\n\t\\\'\""#, "\u{7}\n\t\\'\""),
      (#"\ud800"#, nil),
      (#"\u00e"#, nil), (#"\xg"#, nil), (#"\q"#, nil),
    ] as [(String, String?)])
  func escapes(text: String, value: String?) {
    let net = try? Prototxt<Caffe_NetParameter>(parsing: "name: \"\(text)\"")
    #expect(net?.message.name == value)
  }

  @Test("takes messages in angle brackets")
  func angleBrackets() throws {
    let net = try Prototxt<Caffe_NetParameter>(parsing: "layer < name: 'a' relu_param: < > >")
    #expect(try net.message.prototxt() == "layer {\n  name: \"a\"\n  relu_param {\n  }\n}\n")
  }

  /// 15 digits where they tell the number, 17 otherwise, as protobuf prints it.
  @Test("keeps and prints numbers of double precision")
  func doubles() throws {
    let text = "double_data: [0.1, -3, inf, 0.30000000000000004]"
    let blob = try Prototxt<Caffe_BlobProto>(parsing: text)
    #expect(blob.message.doubleData == [0.1, -3, .infinity, 0.1 + 0.2])
    #expect(
      try blob.message.prototxt() == """
        double_data: 0.1
        double_data: -3
        double_data: inf
        double_data: 0.30000000000000004

        """)
  }

  @Test("refuses messages within messages within messages, however many")
  func depth() {
    let text = String(repeating: "net_param { layer { ", count: 100_000)
    #expect(throws: CaffeFileError.self) { try Prototxt<Caffe_SolverParameter>(parsing: text) }
    let lists = "layer: " + String(repeating: "[", count: 100_000)
    #expect(throws: CaffeFileError.self) { try Prototxt<Caffe_NetParameter>(parsing: lists) }
  }

  @Test("keeps and prints the parameters of layers that this project doesn't have")
  func otherLayers() throws {
    let text = try Fixture.text("prototxt/other_layers.prototxt")
    let net = try NetPrototxt(parsing: text)
    #expect(net.message.layer.count == 35)
    #expect(try net.message.prototxt() == text)
    // Through the binary format as well, where nothing of them is an unknown field.
    let bytes: [UInt8] = try net.message.serializedBytes()
    #expect(try CaffeModel(decoding: bytes).message.prototxt() == text)
  }

  @Test("prints by its number what a field can't be made of")
  func otherWireTypes() throws {
    // A layer (100) whose blob (7) has a number for its packed data (5), and whose relu_param (123) a
    // string for its slope (1).
    let bytes: [UInt8] = [
      0xA2, 0x06, 0x0A, 0x3A, 0x02, 0x28, 0x03, 0xDA, 0x07, 0x03, 0x0A, 0x01, 0xFF,
    ]
    #expect(
      try CaffeModel(decoding: bytes).message.prototxt() == """
        layer {
          blobs {
            5: 3
          }
          relu_param {
            1: "\\377"
          }
        }

        """)
  }

  @Test("carries such parameters over from the form of 2014")
  func otherLayersOfOldForm() throws {
    let old = try NetPrototxt(
      parsing: """
        layers { name: "c" type: CONCAT bottom: "a" bottom: "b" top: "c"
          concat_param { concat_dim: 2 } }
        """)
    #expect(
      try old.message.prototxt() == """
        layer {
          name: "c"
          type: "Concat"
          bottom: "a"
          bottom: "b"
          top: "c"
          concat_param {
            concat_dim: 2
          }
        }

        """)
  }

  @Test("prints what it doesn't know by number, and keeps it")
  func unknownFields() throws {
    // layer { name: "a"  4000: 7  4001: "x" } and 4002 beside it.
    let layer: [UInt8] = [0x0A, 1, 0x61, 0x80, 0xFA, 0x01, 7, 0x8A, 0xFA, 0x01, 1, 0x78]
    let bytes: [UInt8] = [0xA2, 0x06, UInt8(layer.count)] + layer + [0x90, 0xFA, 0x01, 9]
    let model = try CaffeModel(decoding: bytes)
    #expect(
      try model.message.prototxt() == """
        layer {
          name: "a"
          4000: 7
          4001: "x"
        }
        4002: 9

        """)
    #expect(try model.message.serializedBytes() as [UInt8] == bytes)
  }
}
