import Foundation
import Networks
import Tensors

extension Lesson {
  /// What the runs of this lesson measured beside loss and accuracy, as paragraphs.
  ///
  /// - Throws: `PictureError` when a picture can't be written.
  func findings(_ outcomes: [LessonRunner.Outcome], files: TrainingFiles) throws -> [String] {
    switch self {
    case .zeroWeights: return outcomes.map(Self.movedParameters)
    case .noDropout: return Self.gaps(outcomes)
    case .groupTwo: return try outcomes.map { try Self.colours($0, files: files) }
    case .learningRate, .noMomentum, .noLRN, .overfitOneBatch: return []
    }
  }

  /// Which parameters a run changed.
  private static func movedParameters(_ outcome: LessonRunner.Outcome) -> String {
    let network = outcome.session.run.network
    var moved: [String] = []
    var count = 0
    for (layer, definition) in network.definition.layers.enumerated() {
      for (number, parameter) in network.parameters[layer].enumerated() {
        count += 1
        if parameter != outcome.start[layer][number] {
          moved.append("\(definition.name)'s \(number == 0 ? "weights" : "bias")")
        }
      }
    }
    return "Moved in \(outcome.log.losses.count) iterations: "
      + (moved.isEmpty ? "nothing" : moved.joined(separator: ", "))
      + "; \(count - moved.count) of \(count) parameters are what they were."
  }

  /// How much better the runs know their own pictures than others.
  private static func gaps(_ outcomes: [LessonRunner.Outcome]) -> [String] {
    outcomes.compactMap { outcome in
      guard let test = outcome.report?.tests.last else { return nil }
      let last = outcome.log.losses.suffix(20)
      let mean = last.reduce(0.0) { $0 + Double($1) } / Double(max(last.count, 1))
      return "\(outcome.label): loss \(Format.value(mean)) on its own pictures, "
        + "\(Format.value(test.loss)) on unseen ones."
    }
  }

  /// How colourful the two halves of the first layer's filters are: the distance of the weights of
  /// blue, green and red from their mean, as a share of their size.
  private static func colours(
    _ outcome: LessonRunner.Outcome, files: TrainingFiles
  ) throws -> String {
    guard let filters = outcome.session.run.network.firstFilters, let report = outcome.report,
      let name = outcome.label.split(separator: " ").first
    else { return outcome.label }
    let file = "lesson-group-two-\(name).png"
    // A row for each half.
    try TrainingFiles.filters(report.filtersAfter, columns: max(report.filtersAfter.count / 2, 1))
      .writePNG(to: files.folder.appending(path: file))
    let half = filters.shape.images / 2
    let (first, second) = (
      colourfulness(filters, 0..<half), colourfulness(filters, half..<filters.shape.images)
    )
    let weights = outcome.session.run.network.summary.parameterCount
    return "\(outcome.label): \(Format.grouped(weights)) parameters. Colour makes "
      + "\(Format.percent(first)) of the first half of conv1's weights and "
      + "\(Format.percent(second)) of the second; see \(file)."
  }

  private static func colourfulness(_ filters: Tensor<Float>, _ kernels: Range<Int>) -> Double {
    let (channels, plane) = (filters.shape.channels, filters.shape.spatialCount)
    var (colour, all) = (0.0, 0.0)
    for kernel in kernels {
      for position in 0..<plane {
        let values = (0..<channels).map {
          Double(filters.elements[(kernel * channels + $0) * plane + position])
        }
        let mean = values.reduce(0, +) / Double(channels)
        colour += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        all += values.reduce(0) { $0 + $1 * $1 }
      }
    }
    return all == 0 ? 0 : colour / all
  }
}
