/// What `--deterministic` leaves out and rounds, so that a tour is the same text on every machine
/// and with every number of threads, and can be pinned by golden files.
///
/// - All values are those of Reference: IEEE 754 operations in a fixed order, on one
///   thread, without BLAS and without fused multiply-adds. The few functions of the C library in it
///   (e^x, ln x, powers, and sine and cosine for the random weights) are computed in more digits
///   than are kept.
/// - Values are rounded to four digits where they are written, in case a C library differs in the last of
///   Float's seven. (One that is all cancellation, as the mean of a gradient, could show such a difference
///   still.)
/// - Clocks aren't read, the machine isn't named, and where code stands isn't said by line.
/// - Of the other versions, whose sums depend on the BLAS and the processor, it is only said whether
///   they agree; of the gradient checks, whose errors are nothing but rounding, whether they pass.
///
/// The guide leaves out; this rounds what texts don't round by themselves.
enum Determinism {
  /// The nearest number of four significant digits.
  static func rounded(_ number: Double) -> Double {
    Double(Format.value(number)) ?? number
  }

  /// JSON with its numbers rounded that aren't whole.
  static func rounded(json: String) -> String {
    var result: [UInt8] = []
    var number: [UInt8] = []
    var (isString, isEscaped) = (false, false)
    for byte in Array(json.utf8) + [UInt8(ascii: " ")] {
      if !isString, "+-.0123456789eE".utf8.contains(byte),
        !number.isEmpty || byte != UInt8(ascii: "e")
      {
        number.append(byte)
        continue
      }
      result += rounded(token: number)
      number = []
      result.append(byte)
      if isString, !isEscaped, byte == UInt8(ascii: "\\") {
        isEscaped = true
        continue
      }
      if byte == UInt8(ascii: "\""), !isEscaped { isString.toggle() }
      isEscaped = false
    }
    return String(decoding: result.dropLast(), as: UTF8.self)
  }

  /// A number as JSON writes it.
  private static func rounded(token: [UInt8]) -> [UInt8] {
    let text = String(decoding: token, as: UTF8.self)
    guard let number = Double(text), number != number.rounded() else { return token }
    return Array("\(rounded(number))".utf8)
  }
}

extension TourReport {
  /// The report for programs.
  func json() throws -> String {
    let text = try JSON.text(self)
    return isDeterministic ? Determinism.rounded(json: text) : text
  }
}
