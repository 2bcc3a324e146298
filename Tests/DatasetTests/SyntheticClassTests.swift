import Datasets
import Tensors
import Testing
import WholeFiles

@Suite struct SyntheticClassTests {
  /// The share of brightness changes that run sideways, of all that run sideways or downwards.
  private func sidewaysShare(_ picture: Picture) -> Double {
    var (sideways, downwards) = (0.0, 0.0)
    for y in 0..<picture.height - 1 {
      for x in 0..<picture.width - 1 {
        let place = 3 * (y * picture.width + x)
        let here = Int(picture.bytes[place + 1])
        let right = Int(picture.bytes[place + 4]) - here
        let below = Int(picture.bytes[place + 3 * picture.width + 1]) - here
        sideways += Double(right * right)
        downwards += Double(below * below)
      }
    }
    return sideways / (sideways + downwards)
  }

  /// Upright, level and slanted stripes can be told by this one measure, mirrored or not.
  @Test func mirroringKeepsTheDirectionOfStripes() throws {
    let images = try SyntheticImages(seed: 8, side: 64)
    let names = SyntheticImages.classNames
    var shares: [String: [Double]] = [:]
    for i in 0..<200 {
      let picture = images.picture(i)
      let name = names[images.label(i)]
      guard name.hasSuffix("stripes"), !name.hasPrefix("crossed") else { continue }
      let share = sidewaysShare(picture)
      // The mirrored picture's changes are the same ones but for a column at the border.
      #expect(abs(sidewaysShare(picture.mirrored()) - share) < 0.05)
      shares[name, default: []].append(share)
    }
    // Noise, which has no direction, draws every share towards a half; the medians stay apart.
    let medians = shares.mapValues { $0.sorted()[$0.count / 2] }
    #expect(medians["upright stripes", default: 0] > 0.7)
    #expect(medians["level stripes", default: 1] < 0.3)
    #expect(abs(medians["slanted stripes", default: 0] - 0.5) < 0.1)
  }

  /// Guessing the class by the nearest mean colour of a class is hardly better than chance, 10 %.
  @Test func colourDoesNotGiveTheClassAway() throws {
    let images = try SyntheticImages(seed: 9, side: 24)
    func meanColour(_ picture: Picture) -> SIMD3<Double> {
      var sum = SIMD3<Double>()
      for i in stride(from: 0, to: picture.bytes.count, by: 3) {
        for c in 0..<3 { sum[c] += Double(picture.bytes[i + c]) }
      }
      return sum / Double(picture.bytes.count / 3)
    }
    var centres = [SIMD3<Double>](repeating: SIMD3(), count: 10)
    for i in 0..<400 { centres[images.label(i)] += meanColour(images.picture(i)) / 40 }
    var right = 0
    for i in 400..<800 {
      let colour = meanColour(images.picture(i))
      let nearest = (0..<10).min { a, b in
        let (toA, toB) = (centres[a] - colour, centres[b] - colour)
        return (toA * toA).sum() < (toB * toB).sum()
      }
      if nearest == images.label(i) { right += 1 }
    }
    // Of 400, 40 are chance, with a deviation of 6; large stars on a dark ground leave a trace.
    #expect(right < 80)
  }

  @Test func gridsHoldEveryPicture() throws {
    let images = try SyntheticImages(seed: 1, side: 10)
    let pictures = (0..<5).map { images.picture($0) }
    let grid = try Picture.grid(pictures, columns: 3, gap: 1)
    #expect((grid.height, grid.width) == (23, 34))
    #expect(grid[0, 0] == (255, 255, 255))
    #expect(grid[1, 1] == pictures[0][0, 0])
    #expect(grid[12 + 9, 12 + 9] == pictures[4][9, 9])
    #expect(throws: FileError.self) { try Picture.grid([], columns: 3) }
    #expect(throws: FileError.self) { try Picture.grid(pictures, columns: 0) }
    #expect(throws: FileError.self) { try Picture.grid(pictures, columns: 3, gap: .max) }
  }
}
