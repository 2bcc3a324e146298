/// A number that counts how often numbers are multiplied with each other.
///
/// Sums, differences and `half` aren't counted: they are cheap, and a filter is halved once and not
/// for every output.
public struct Counted: Equatable, Sendable {
  /// Its value.
  public let value: Double
  /// The multiplications since `counting` began.
  @TaskLocal static var counter: Counter?

  final class Counter: @unchecked Sendable {
    var count = 0
  }

  /// A number.
  public init(_ value: Double) {
    self.value = value
  }

  /// Half of it.
  public var half: Counted { Counted(value / 2) }
  /// The sum.
  public static func + (a: Counted, b: Counted) -> Counted { Counted(a.value + b.value) }
  /// The difference.
  public static func - (a: Counted, b: Counted) -> Counted { Counted(a.value - b.value) }
  /// The product, which is counted.
  public static func * (a: Counted, b: Counted) -> Counted {
    counter?.count += 1
    return Counted(a.value * b.value)
  }

  /// Runs something, and tells how many multiplications it needed.
  public static func counting<Result>(
    _ body: () throws -> Result
  ) rethrows -> (result: Result, multiplications: Int) {
    let counter = Counter()
    let result = try $counter.withValue(counter) { try body() }
    return (result, counter.count)
  }
}
