import Foundation
import Tensors
import Testing

/// A worked example of a chapter: named tensors, as the text prints them.
///
/// A tensor begins with a line `name, extents`, for example `weights, 2×1×2×2`; its numbers follow
/// in row-major order, behind a colon or in the lines below. `∂in` stands for ∂L/∂in.
struct Example {
  /// A tensor with the number of decimals that each of its numbers is printed with.
  struct Printed {
    let tensor: Tensor<Double>
    let decimals: [Int]
  }

  /// A text that is no example.
  struct Malformed: Error, CustomStringConvertible {
    let description: String
  }

  let name: String
  /// The tensors by name.
  let tensors: [String: Printed]

  /// The example of a name, in whatever chapter it is.
  init(_ name: ExampleName) throws {
    let blocks = Document.all.flatMap { $0.blocks("example") }
      .filter { $0.argument == name.rawValue }
    guard blocks.count == 1, let block = blocks.first else {
      throw Malformed(description: "\(blocks.count) examples are called \(name.rawValue)")
    }
    try self.init(name: name.rawValue, lines: block.lines)
  }

  init(name: String, lines: [String]) throws {
    self.name = name
    var tensors: [String: Printed] = [:]
    var header: (name: String, shape: Shape)?
    var words: [Substring] = []

    func finish() throws {
      guard let (tensorName, shape) = header else { return }
      let numbers = words.compactMap { Number($0) }
      guard numbers.count == words.count, numbers.count == shape.count else {
        throw Malformed(
          description: "\(name): \(tensorName) of \(shape) has \(numbers.count) numbers")
      }
      tensors[tensorName] = Printed(
        tensor: Tensor(shape, numbers.map(\.value)), decimals: numbers.map(\.decimals))
      words = []
    }

    for line in lines {
      if let comma = line.firstIndex(of: ","), line.first?.isWhitespace == false {
        try finish()
        let rest = line[line.index(after: comma)...].split(separator: ":", maxSplits: 1)
        let extents = rest.first?.split(separator: "×").map {
          Int($0.trimmingCharacters(in: .whitespaces)) ?? -1
        }
        header = (String(line[..<comma]), try Shape(checking: extents ?? [-1]))
        if rest.count == 2 { words = rest[1].split(separator: " ") }
      } else {
        words += line.split(separator: " ")
      }
    }
    try finish()
    self.tensors = tensors
  }

  /// What the text prints, to compute from.
  func callAsFunction(_ name: String) throws -> Tensor<Double> {
    guard let printed = tensors[name] else {
      throw Malformed(description: "\(self.name) has no \(name)")
    }
    return printed.tensor
  }

  /// What the text prints, as whole numbers.
  func integers(_ name: String) throws -> [Int] {
    try self(name).elements.map { Int($0) }
  }

  /// Expects that each printed number is the computed one, rounded to the decimals printed.
  func expect(
    _ name: String, _ computed: Tensor<Double>,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) {
    guard let printed = tensors[name], printed.tensor.shape == computed.shape else {
      Issue.record(
        "\(self.name): \(name) is not printed as \(computed.shape)", sourceLocation: sourceLocation)
      return
    }
    for i in 0..<computed.count {
      // A whole number is meant as it stands.
      let decimals = printed.decimals[i]
      let halfUnit = decimals == 0 ? 0 : 0.5 * tenth(toThe: decimals)
      // What is computed has a few roundings of its own.
      #expect(
        abs(computed[i] - printed.tensor[i]) <= halfUnit + 1e-9,
        "\(self.name): \(name)[\(i)] is printed as \(printed.tensor[i]), and is \(computed[i])",
        sourceLocation: sourceLocation)
    }
  }
}

/// A number as a text prints it.
struct Number {
  let value: Double
  let decimals: Int

  /// `−0.25`, `1,000` or `1e-4`; `nil` for anything else.
  init?(_ text: some StringProtocol) {
    let plain = text.replacingOccurrences(of: "−", with: "-").replacingOccurrences(
      of: ",", with: "")
    guard let value = Double(plain) else { return nil }
    self.value = value
    let mantissa = plain.split(separator: "e", maxSplits: 1)
    let fraction = mantissa[0].split(separator: ".", maxSplits: 1)
    let exponent = mantissa.count > 1 ? Int(mantissa[1]) ?? 0 : 0
    decimals = (fraction.count > 1 ? fraction[1].count : 0) - exponent
  }
}

/// 10 to the power of −n, exact to within a rounding.
func tenth(toThe n: Int) -> Double {
  n >= 0
    ? (0..<n).reduce(1.0) { value, _ in value / 10 }
    : (0..<(-n)).reduce(1.0) { value, _ in value * 10 }
}
