import ArgumentParser
import CaffeFormats
import CaffeTools
import Foundation
import Networks
import Tuned
import WholeFiles

/// What pictures show.
struct Classify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what pictures show, with a network and weights of Caffe's.",
    discussion: """
      Without --net and --weights, the trained mini that comes with the package looks for rings, \
      stripes, stars and the like.

      Caffe has two programs for this, which prepare pictures differently and so don't say the same. \
      classify.py (here the default) resizes each picture to 256×256 for CaffeNet and cuts out the \
      middle, as with its --center_only, or ten crops. classification, the program in C++ and the \
      notebook, resizes the whole picture to the 227×227 that CaffeNet takes, and takes of a mean image \
      the average of each channel. Both order channels blue, green, red, and subtract the mean.
      """)

  @Option(help: "The network: a .prototxt, for example deploy.prototxt; mini if left out.")
  var net: String?

  @Option(help: "Its weights: a .caffemodel; if left out, those that come with mini.")
  var weights: String?

  @Option(
    help: "The mean: a .binaryproto, an .npy, or numbers with commas; 104,117,123 if left out.")
  var mean: String?

  @Option(help: "As which program of Caffe's pictures are prepared: classify.py or classification.")
  var preprocessing = Classifier.Preprocessing.classifyPy

  @Option(help: ClassNames.help)
  var labels: String?

  @Option(
    parsing: .unconditional,
    help: "Rows and columns that pictures are resized to; 256 for a crop of 227 if left out.")
  var resize: Int?

  @Option(
    parsing: .unconditional,
    help: """
      What pixels are multiplied by once the mean is subtracted; if left out, 1, and 1/64 for mini \
      without --net.
      """)
  var inputScale: Float?

  @OptionGroup var exactness: ExactOption

  @Flag(help: "Average over four corners, the middle, and the mirror images of these five.")
  var tenCrop = false

  @Option(parsing: .unconditional, help: "How many classes to show.")
  var top = 5

  @Flag(help: "Print JSON for programs.")
  var json = false

  @Argument(help: "The pictures, PNG or JPEG.")
  var images: [String]

  /// What was found in a picture.
  struct Result: Encodable {
    var image: String
    var predictions: [Classifier.Prediction]
  }

  func validate() throws {
    guard (1...65_536).contains(resize ?? 1) else {
      throw ValidationError("--resize \(resize ?? 1): must be from 1 to 65536.")
    }
    guard preprocessing == .classifyPy || resize == nil && !tenCrop else {
      throw ValidationError(
        "--resize and --ten-crop go with --preprocessing classify.py: classification resizes to what the "
          + "network takes, and cuts nothing.")
    }
    guard (inputScale ?? 1).isFinite else {
      throw ValidationError("--input-scale \(inputScale ?? 1): must be finite.")
    }
    guard net == nil || weights != nil else {
      throw ValidationError("--net needs --weights: what that network has learnt.")
    }
    guard top >= 1 else { throw ValidationError("--top \(top): must be at least 1.") }
  }

  func run() throws {
    let names = try labels.map(ClassNames.read)
    let preparation = Classifier.Preparation(
      preprocessing: preprocessing, resize: resize,
      mean: mean.map { PictureMean($0) } ?? .caffenet,
      scale: inputScale ?? (net == nil ? miniPixelScale : 1), tenCrop: tenCrop)
    let backend = TunedBackend(isExact: exactness.exact)
    let classifier =
      if let net, let weights {
        try Classifier(
          net: URL(fileNamed: net), weights: URL(fileNamed: weights), labels: names,
          preparation: preparation, backend: backend)
      } else {
        try Classifier(
          mini(),
          model: weights.map { try CaffeModel(contentsOf: URL(fileNamed: $0)) }
            ?? TrainedMini.model(),
          labels: names ?? TrainedMini.classNames, preparation: preparation, backend: backend)
      }
    let results = try images.map {
      Result(
        image: $0, predictions: try classifier.predictions(for: URL(fileNamed: $0), count: top))
    }
    let terminal = Terminal.current
    print(
      json
        ? try JSON.text(results)
        : results.map { $0.lines(terminal).joined(separator: "\n") }.joined(separator: "\n\n"))
  }
}

extension Classifier.Preprocessing: ExpressibleByArgument {}

extension ClassNames {
  /// The help of an option for such a file.
  static let help: ArgumentHelp =
    "The names of the classes, a line for each, for example synset_words.txt."
}

extension Classify.Result {
  /// The picture's name, then a bar for each class.
  func lines(_ terminal: Terminal) -> [String] {
    let length = 20
    return [terminal.styled(Escaping.visible(image), .heading)]
      + predictions.map { prediction in
        let share = prediction.probability.isFinite ? min(max(prediction.probability, 0), 1) : 0
        let filled = Int((Float(length) * share).rounded())
        let bar = Bars.gauge(filled, of: length)
        let percent = Format.padded(
          Format.percent(Double(prediction.probability)), 7, left: true)
        return "  \(terminal.styled(bar, .good)) \(percent)  \(Escaping.visible(prediction.name))"
      }
  }
}
