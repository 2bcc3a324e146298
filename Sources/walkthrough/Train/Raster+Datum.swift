import Datasets

extension Raster {
  /// A record's picture as it was before it was transformed: its blue, green and red planes in
  /// colour, or its first plane in all three.
  init(_ datum: Datum) {
    let area = datum.height * datum.width
    let planes = datum.channels >= 3 ? [2, 1, 0] : [0, 0, 0]
    func value(_ index: Int) -> Double {
      switch datum.values {
      case .bytes(let bytes): Double(bytes[index])
      case .floats(let floats): Double(floats[index])
      }
    }
    self.init(
      (0..<area).flatMap { pixel in planes.map { value($0 * area + pixel) } },
      width: datum.width, height: datum.height, scale: .colour, lower: 0, upper: 255)
  }
}
