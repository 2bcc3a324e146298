import Testing

@testable import walkthrough

@Suite("Numbers and lines as people read them")
struct FormatTests {
  @Test("numbers")
  func numbers() {
    #expect(Format.grouped(0) == "0")
    #expect(Format.grouped(999) == "999")
    #expect(Format.grouped(60_965_224) == "60,965,224")
    #expect(Format.grouped(-1234) == "-1,234")
    #expect(Format.seconds(1.234) == "1.23 s")
    #expect(Format.seconds(0.01234) == "12.34 ms")
    #expect(Format.seconds(0.0000123) == "12.30 µs")
    #expect(Format.briefSeconds(0.00999) == "9.99 ms")
    #expect(Format.briefSeconds(0.0004999) == "500 µs")
    #expect(Format.briefSeconds(0.9996) == "1.00 s")
    #expect(Format.rate(62.34) == "62.3" && Format.rate(1764) == "1764")
    #expect(Format.spread(10, [9, 10, 12]) == "±20%")
    #expect(Format.spread(10, [10, 100]) == ">99%")
    #expect(Format.bytes(512) == "512 bytes")
    #expect(Format.bytes(32_768) == "32.0 KiB")
    #expect(Format.bytes(1 << 20) == "1.00 MiB")
    #expect(Format.percent(0.9186) == "91.9 %")
  }

  @Test("wrapped paragraphs keep their words and their width")
  func wrapping() {
    let terminal = Terminal(width: 30, isStyled: false, isInteractive: false)
    let text = "one two three four five six seven eight nine ten eleven twelve"
    let lines = terminal.wrapped(text, indent: 4)
    #expect(lines.allSatisfy { $0.count <= 30 && $0.hasPrefix("    ") })
    #expect(lines.map { $0.dropFirst(4) }.joined(separator: " ") == text)
  }

  @Test("styles appear only where they may")
  func styles() {
    let plain = Terminal(width: 80, isStyled: false, isInteractive: false)
    let styled = Terminal(width: 80, isStyled: true, isInteractive: false)
    #expect(plain.styled("loss", .strong) == "loss")
    #expect(styled.styled("loss", .strong) == "\u{1B}[1mloss\u{1B}[0m")
  }

  @Test("a median is the middle")
  func median() {
    var measurement = Measurement()
    #expect(measurement.median.isNaN)
    for _ in 0..<3 { measurement.time {} }
    let sorted = measurement.seconds.sorted()
    #expect(measurement.median == sorted[1])
    #expect(measurement.range == (sorted[0], sorted[2]))
  }
}
