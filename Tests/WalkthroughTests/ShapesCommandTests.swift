import Foundation
import Networks
import Testing

@testable import walkthrough

/// The part of `shapes --json` that programs rely on.
private struct Table: Decodable {
  struct Layer: Decodable {
    var name: String
    var type: String
    var output: [Int]
    var parameters: Int
    var macs: Int
    var flops: Int
    var receptiveField: Int
    var stride: Int
  }

  struct Totals: Decodable {
    var parameters: Int
    var macs: Int
    var flops: Int
  }

  var network: String
  var layers: [Layer]
  var totals: Totals
}

@Suite("walkthrough shapes")
struct ShapesCommandTests {
  @Test("prints the names that programs rely on")
  func json() throws {
    let text = try JSON.text(ShapesTable(NetworkPlan(caffenet())))
    let table = try JSONDecoder().decode(Table.self, from: Data(text.utf8))
    #expect(table.network == "CaffeNet")
    #expect(table.totals.parameters == 60_965_224)
    #expect(table.totals.macs == 724_406_816)
    #expect(table.totals.flops == 1_448_813_632)
    let conv2 = try #require(table.layers.first { $0.name == "conv2" })
    #expect(conv2.type == "Convolution")
    #expect(conv2.output == [256, 27, 27])
    #expect(conv2.parameters == 307_456)
    #expect(conv2.macs == 223_948_800)
    #expect(conv2.flops == 447_897_600)
    #expect(conv2.receptiveField == 51)
    #expect(conv2.stride == 8)
    #expect(table.layers.first { $0.name == "fc6" }?.output == [4096, 1, 1])
  }

  @Test("prints a table whose lines are no longer than its rules")
  func text() throws {
    let lines = try ShapesTable(NetworkPlan(mini())).text().split(separator: "\n")
    let rule = try #require(lines.first { $0.hasPrefix("─") })
    #expect(lines.allSatisfy { $0.count <= rule.count })
    #expect(lines.contains { $0.hasPrefix("total") })
  }

  @Test(
    "refuses what can't be, and says why",
    arguments: [
      (["--input-size", "20"], "pool2: kernel 3×3 must not be larger than the padded input 1×1"),
      (["--input-size", "-5"], "data: input 1×3×-5×-5 is impossible: no extent may be negative"),
      (
        ["--input-size", "9999999999"],
        "data: input 1×3×9999999999×9999999999 is impossible: no extent may exceed 2^31 - 1"
      ),
    ])
  func refuses(arguments: [String], message: String) throws {
    var command = try Walkthrough.parseAsRoot(["shapes"] + arguments)
    let error = #expect(throws: (any Error).self) { try command.run() }
    #expect(error.map { String(describing: $0) } == message)
  }

  @Test("refuses an unknown network")
  func unknownNetwork() {
    #expect(throws: (any Error).self) {
      try Walkthrough.parseAsRoot(["shapes", "--network", "vgg"])
    }
  }
}
