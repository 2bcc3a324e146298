import Testing

@testable import walkthrough

@Suite("The page of a training run")
struct TrainingPageTests {
  static let sections = ["curves", "filters", "updates", "confusion", "predictions"]

  /// A run of a few iterations: enough to fill every section.
  static func report() throws -> TrainingReport {
    var settings = TrainSettings(network: .mini)
    settings.batch = 4
    settings.iterations = 4
    settings.images = 20
    settings.testImages = 20
    settings.testInterval = 2
    settings.snapshotInterval = 0
    let session = try TrainSession(settings, threads: nil)
    guard case .finished(let report) = try session.train(snapshots: nil, report: { _ in }) else {
      throw SettingsError(description: "interrupted by nobody")
    }
    return report
  }

  @Test("has its sections, numbers and pictures, and asks for nothing from outside")
  func contents() throws {
    let report = try Self.report()
    let page = try TrainingPage(report: report).document()
    for section in Self.sections {
      #expect(page.contains("id=\"\(section)\""), "\(section)")
    }
    #expect(page.contains(report.digest))
    for name in report.classNames { #expect(page.contains(name), "\(name)") }
    // Loss and accuracy; two sheets of filters and the predictions.
    #expect(page.matches(of: /<svg/).count >= 2)
    let pictures = page.matches(of: /src="data:image\/png/).count
    #expect(pictures >= 2 + report.wrong.count + report.right.count)
    #expect(page.matches(of: /(src|href)="https?:/).isEmpty)
  }
}
