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
