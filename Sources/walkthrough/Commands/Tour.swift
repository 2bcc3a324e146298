import ArgumentParser
import Datasets
import Fast
import Foundation
import Layers
import Networks
import Tensors

/// The tour through a network.
struct Tour: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Steps through a network layer by layer, forwards and backwards.",
    discussion: """
      In a terminal the tour waits after each layer: Enter goes on, b goes back, a number or a name \
      jumps to that layer, -name to its backward pass, q quits. Elsewhere, or with --all, it runs \
      through.
      """)

  @Option(help: "The network: caffenet, alexnet or mini.")
  var network = NetworkChoice.caffenet

  @Option(help: "The picture to look at, PNG or JPEG; a synthetic one if left out.")
  var image: String?

  @Option(
    parsing: .unconditional,
    help: "The start of all randomness: parameters, synthetic picture, dropout.")
  var seed: UInt32 = 1

  @Option(help: "Show one layer, by name.")
  var layer: String?

  @Flag(help: "Run through without waiting.")
  var all = false

  @Flag(help: "Print JSON for programs.")
  var json = false

  func run() throws {
    let definition = network.definition()
    let only = try layer.map { try definition.index(of: $0) }
    let picture = try TourImage(path: image, seed: seed, definition: definition)
    let guide = TourGuide(
      definition: definition, image: picture.tensor, label: picture.label,
      imageName: picture.name, seed: seed,
      progress: Progress(steps: TourGuide.steps(of: definition)))
    let report = try guide.run()

    if json {
      print(try JSON.text(report))
      return
    }
    let terminal = Terminal.current
    let text = TourText(report: report, terminal: terminal)
    if let only {
      let layer = report.layers[only]
      print((text.forward(layer) + text.backward(layer)).joined(separator: "\n"))
      return
    }
    let stops = TourStops(text)
    if all || !terminal.isInteractive {
      for stop in stops.stops { print(stop.lines.joined(separator: "\n")) }
    } else {
      walk(stops, terminal)
    }
  }

  private func walk(_ tour: TourStops, _ terminal: Terminal) {
    var current = 0
    var shows = true
    while true {
      if shows { print(tour.stops[current].lines.joined(separator: "\n")) }
      print(terminal.styled("Enter, b, number, name or q › ", .faint), terminator: "")
      fflush(nil)
      guard let line = readLine() else { return }
      switch tour.move(from: current, line) {
      case .quit: return
      case .go(let next):
        current = next
        shows = true
      case .unknown(let word):
        let names = tour.stops.map { $0.names[0] }.joined(separator: " ")
        print(
          terminal.wrapped("There is no \"\(word)\". Jump to one of: \(names)").joined(
            separator: "\n"))
        shows = false
      }
    }
  }
}
