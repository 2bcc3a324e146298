import Tensors

/// Pictures drawn by formula in ten classes, for learning without a download.
///
/// A picture shows stripes, checkers, rings, stars, … of random phase, scale, place and colours,
/// under uneven light, with blobs, strokes and noise that belong to no class. Colours come from the
/// same lottery for every class, so a network has to look at form. A picture that is mirrored stays
/// in its class.
///
/// Picture i depends on the seed, i and the side alone: not on order, thread or machine. The
/// drawing uses only operations whose results IEEE 754 fixes (+, −, ·, /, √) and no sine of the
/// platform. Another side shows the same scene in more or fewer pixels.
public struct SyntheticImages: Sendable, Equatable {
  /// Where everything random starts from. Take different seeds for training and testing.
  public let seed: UInt64

  /// The rows and columns of a picture.
  public let side: Int

  /// A set of pictures without end.
  ///
  /// - Parameters:
  ///   - seed: any number.
  ///   - side: rows and columns, from 1 to 8192; below 32 the patterns are too fine to be told
  ///     apart.
  /// - Throws: `DatasetError` for another side.
  /// - Complexity: O(1).
  public init(seed: UInt64, side: Int = 256) throws(DatasetError) {
    guard (1...8192).contains(side) else {
      throw DatasetError("synthetic pictures have 1 to 8192 rows, not \(side)")
    }
    self.seed = seed
    self.side = side
  }

  /// What the classes show, by label.
  public static let classNames = SyntheticClass.allCases.map(\.name)

  /// The class of picture i, from 0 to 9.
  ///
  /// Pictures 0…9, 10…19 and so on hold every class once, shuffled; so do −10…−1.
  ///
  /// - Complexity: O(classes), shuffling them.
  public func label(_ index: Int) -> Int {
    let count = SyntheticClass.allCases.count
    let remainder = index % count
    let position = remainder < 0 ? remainder + count : remainder
    let block = index / count - (remainder < 0 ? 1 : 0)
    var random = generator(stream: 1, index: block)
    var labels = Array(0..<count)
    for last in (1..<count).reversed() { labels.swapAt(last, random.integer(0...last)) }
    return labels[position]
  }

  /// Picture i.
  ///
  /// - Complexity: O(side²).
  public func picture(_ index: Int) -> Picture {
    var random = generator(stream: 0, index: index)
    let scene = Scene(SyntheticClass.allCases[label(index)], using: &random)
    var canvas = Canvas(side: side)
    scene.draw(on: &canvas)
    return canvas.developed(light: scene.light, grain: scene.grain, using: &random)
  }

  /// Picture i with its label, as a record of blue, green and red planes.
  ///
  /// - Complexity: O(side²).
  public func datum(_ index: Int) -> Datum {
    Datum(picture(index), label: label(index))
  }

  /// A generator whose start is a hash of seed, stream and index, so that no two overlap.
  private func generator(stream: UInt64, index: Int) -> SplitMix64 {
    var outer = SplitMix64(seed: seed)
    for _ in 0..<stream { _ = outer.next() }
    var inner = SplitMix64(seed: outer.next() &+ UInt64(bitPattern: Int64(index)))
    return SplitMix64(seed: inner.next())
  }
}

extension SyntheticImages: RecordSource {
  /// `nil`: there is always another picture.
  public var count: Int? { nil }

  /// What the classes show, by label.
  public var classNames: [String] { Self.classNames }
}

/// What a synthetic picture can show.
///
/// Stripes differ in direction only; the classes that have a direction keep it when mirrored.
enum SyntheticClass: Int, CaseIterable, Sendable {
  case uprightStripes, levelStripes, slantedStripes, crossedStripes, checkers
  case rings, rays, dots, triangles, stars

  var name: String {
    switch self {
    case .uprightStripes: "upright stripes"
    case .levelStripes: "level stripes"
    case .slantedStripes: "slanted stripes"
    case .crossedStripes: "crossed stripes"
    case .checkers: "checkers"
    case .rings: "rings"
    case .rays: "rays"
    case .dots: "dots"
    case .triangles: "triangles"
    case .stars: "stars"
    }
  }
}
