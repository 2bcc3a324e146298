import Foundation
import Testing

@Suite("The arithmetic in Docs")
struct ArithmeticTests {
  /// Each line of such a block is `a = b = number` or `a ≈ number`: every part that is arithmetic
  /// has the value of the last. `=` means exactly, `≈` to the decimals printed. The first part may
  /// be a name, and two spaces begin a remark.
  @Test("comes out as the text says", arguments: Document.all)
  func lines(document: Document) throws {
    for block in document.blocks("arithmetic") {
      for (offset, line) in block.lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
        let place = "\(document.name):\(block.firstLine + offset)"
        let text = withoutRemark(line)
        let isRounded = text.contains("≈")
        let parts = text.split { $0 == "=" || $0 == "≈" }
        let last = try #require(parts.last.flatMap { Number($0.trimmed) }, "\(place): no number")
        let tolerance =
          isRounded ? 0.5 * tenth(toThe: last.decimals) * (1 + 1e-9) : 1e-9 * abs(last.value)
        var evaluated = 0
        for (index, part) in parts.dropLast().enumerated() {
          guard let value = Arithmetic.value(of: part) else {
            #expect(index == 0 && parts.count > 2, "\(place): \(part.trimmed) is no arithmetic")
            continue
          }
          evaluated += 1
          #expect(abs(value - last.value) <= tolerance, "\(place): \(part.trimmed) is \(value)")
        }
        #expect(evaluated > 0, "\(place) computes nothing")
      }
    }
  }

  private func withoutRemark(_ line: String) -> Substring {
    guard let sign = line.lastIndex(where: { $0 == "=" || $0 == "≈" }),
      let number = line[sign...].dropFirst().firstIndex(where: { !$0.isWhitespace }),
      let remark = line[number...].range(of: "  ")
    else { return line[...] }
    return line[..<remark.lowerBound]
  }

  @Test(
    "is understood as it is written",
    arguments: [
      ("1 + 2·3^2 − 4/2", 17), ("−2² + (3 − 1)³", 4), ("⌈(227 − 3)/2⌉ + 1", 113),
      ("⌊−1/2⌋", -1), ("√16·ln e", 4), ("max(0, −3) + 1,024", 1024), ("2^−2 + 1e-4", 0.2501),
    ])
  func evaluator(text: String, expected: Double) throws {
    let value = try #require(Arithmetic.value(of: text))
    #expect(abs(value - expected) <= 1e-12 * max(1, abs(expected)))
  }

  @Test("is not seen where there is none", arguments: ["out[0]", "1 +", "", "(1", "2 3", "1 ≥ 0"])
  func refusal(text: String) {
    #expect(Arithmetic.value(of: text) == nil)
  }
}

extension Substring {
  /// Without the white space around it.
  fileprivate var trimmed: Substring {
    var text = drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
