import CaffeFormats
import Datasets
import Foundation
import Networks
import WholeFiles

/// What a finished run leaves in a folder: the network, curves and pictures.
struct TrainingFiles {
  let folder: URL

  /// Makes the folder where it isn't there yet.
  ///
  /// - Throws: `FileError` when it can't be made, or nothing can be written into it.
  init(_ folder: URL) throws {
    self.folder = folder
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError(
        path: folder.relativePath, problem: "cannot be made: \(error.localizedDescription)")
    }
    // Found out now and not when everything has been computed.
    try WholeFile.requirePlace(for: folder.appending(path: "loss.svg"))
  }

  /// The files that a run of these settings leaves.
  func paths(_ settings: TrainSettings) -> [String] {
    let names = [
      Self.model(settings), "loss.svg", "accuracy.svg", "conv1-before.png", "conv1-after.png",
    ]
    return names.map { folder.appending(path: $0).relativePath }
  }

  /// Throws where the folder holds files of these names that no run has left. What a run leaves shows
  /// in its curve.
  ///
  /// - Throws: `FileError` naming the file.
  func check(_ writing: Writing, _ settings: TrainSettings) throws {
    try writing.check(folder.appending(path: "loss.svg").relativePath, mark: .drawing)
    guard
      !FileManager.default.fileExists(atPath: folder.appending(path: "loss.svg").path)
    else { return }
    for path in paths(settings) { try writing.check(path) }
  }

  /// Writes the network, curves and filters.
  ///
  /// - Returns: the names of the files.
  /// - Throws: `CaffeFileError` or `FileError` when one can't be written.
  func write<Scalar>(_ report: TrainingReport, _ network: Network<Scalar>) throws -> [String] {
    var names = [Self.model(report.settings)]
    try CaffeModel(of: network).write(to: folder.appending(path: names[0]))
    for (name, chart) in Self.charts(report) {
      try WholeFile.write(Array(chart.document().utf8), to: folder.appending(path: name))
      names.append(name)
    }
    for (name, filters) in [
      ("conv1-before.png", report.filtersBefore), ("conv1-after.png", report.filtersAfter),
    ] where !filters.isEmpty {
      try Self.filters(filters).writePNG(to: folder.appending(path: name))
      names.append(name)
    }
    return names
  }

  /// The file with what the network has learnt.
  private static func model(_ settings: TrainSettings) -> String {
    "\(settings.network.rawValue).caffemodel"
  }

  /// How to look at what has been learnt.
  func invitation(_ report: TrainingReport) -> String {
    let file = folder.appending(path: Self.model(report.settings)).relativePath
    let quoted = file.contains { !($0.isLetter || $0.isNumber || "/._-".contains($0)) }
    let names = report.settings.dataset == nil ? "" : " --image PICTURE --labels NAMES"
    return "To see what it has learnt: script/walkthrough tour --network "
      + "\(report.settings.network.rawValue) --weights "
      + (quoted ? "'\(file.replacing("'", with: "'\\''"))'" : file) + names
  }

  /// The curves of a run: loss, and accuracy where it was tested.
  static func charts(_ report: TrainingReport) -> [(name: String, chart: SVGCurves)] {
    let subtitle =
      "\(report.network), batches of \(report.settings.batch) images, seed \(report.settings.seed)"
    var charts = [
      (
        "loss.svg",
        SVGCurves(
          title: "Loss", subtitle: subtitle,
          curves: [
            .init(
              name: "each batch",
              points: report.losses.enumerated().map { ($0.offset + 1, Double($0.element)) },
              isFaint: true, colour: 1),
            .init(name: "mean of neighbours", points: SVGCurves.smoothed(report.losses), colour: 1),
            .init(
              name: "test", points: report.tests.map { ($0.iteration, $0.loss) }, colour: 0),
          ])
      )
    ]
    if !report.tests.isEmpty {
      charts.append(
        (
          "accuracy.svg",
          SVGCurves(
            title: report.testSet.title, subtitle: subtitle,
            curves: [
              .init(
                name: "test", points: report.tests.map { ($0.iteration, $0.accuracy) }, colour: 0)
            ], range: 0...1, label: { Format.percent($0) })
        ))
    }
    return charts
  }

  /// The first layer's filters side by side, each of their pixels a square of several.
  ///
  /// - Throws: `FileError` when there is none.
  static func filters(_ filters: [Raster], columns: Int? = nil) throws(FileError) -> Picture {
    try Raster.sheet(filters, columns: columns, magnification: 8)
  }
}
