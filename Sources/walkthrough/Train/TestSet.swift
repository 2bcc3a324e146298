import Foundation
import WholeFiles

/// The pictures that a training run is tested on, in words: whether it learns from them decides what an
/// accuracy means.
struct TestSet: Encodable {
  /// How many.
  var images: Int
  /// Behind "tested on".
  var description: String
  /// Whether the run learns from none of them.
  var isUnseen: Bool
  /// Above a curve of the accuracy.
  var title: String

  /// The test set of a run.
  ///
  /// - Parameters:
  ///   - settings: those of the run.
  ///   - learning: how many pictures it learns from.
  ///   - testing: how many are there to test on. None of them counts twice.
  init(_ settings: TrainSettings, learning: Int, testing: Int) {
    images = min(settings.testImages, testing)
    let count = Format.grouped(images)
    guard let dataset = settings.dataset else {
      description = "\(count) pictures that it never learnt from"
      (isUnseen, title) = (true, "Accuracy on unseen images")
      return
    }
    func real(_ path: String) -> String { URL(fileNamed: path).resolvingSymlinksInPath().path }
    if settings.splitOff != nil, settings.testDataset == nil {
      description =
        "\(count) of the \(Format.grouped(learning + testing)) pictures of \(dataset), which the seed "
        + "has split off; it never learnt from them"
      (isUnseen, title) = (true, "Accuracy on unseen images")
    } else if let test = settings.testDataset, real(test) != real(dataset) {
      let all = images == testing ? "all \(count)" : "the first \(count)"
      description = "\(all) pictures of \(test)"
      (isUnseen, title) = (false, "Accuracy on the test images")
    } else {
      description = "\(count) pictures that it learnt from as well"
      (isUnseen, title) = (false, "Accuracy on images that it learns from")
    }
  }
}
