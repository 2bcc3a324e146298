import ArgumentParser
import CaffeFormats
import CaffeTools
import Foundation
import NetworkFiles
import Networks
import Tuned
import WholeFiles

/// What pictures show.
struct Classify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what pictures show, with a network that has learnt.",
    discussion: """
      Without --net, --network and --weights, the trained mini that comes with the package looks for \
      rings, stripes, stars and the like. Weights are enough where they belong to a network with a name \
      here, which their names and shapes show: classify --weights alexnet.pth cat.jpg. What was chosen is \
      said on standard error.

      Each picture is prepared as the network's pictures are. For its networks, Caffe has two programs, \
      which prepare pictures differently and so don't say the same. classify.py (here the default) resizes \
      each picture to 256×256 for CaffeNet and cuts out the middle, as with its --center_only, or ten \
      crops. classification, the program in C++ and the notebook, resizes the whole picture to the 227×227 \
      that CaffeNet takes, and takes of a mean image the average of each channel. Both order channels \
      blue, green, red, and subtract the mean. For torchvision's network, the shorter side is resized to \
      256, the middle cut out, and red, green and blue are normalised.
      """)

  @Option(
    help: """
      The network: a .prototxt, for example deploy.prototxt, or an .onnx; if left out, that of the \
      weights, or mini.
      """)
  var net: String?

  @Option(help: "The network by name instead of --net: \(NetworkChoice.list).")
  var network: NetworkChoice?

  @Option(
    help: """
      Its weights: a .caffemodel, .safetensors, .pth, .onnx or .npz. An .onnx as --net needs none; if \
      left out, those that come with mini.
      """)
  var weights: String?

  @Option(
    help: "The mean: a .binaryproto, an .npy, or numbers with commas; 104,117,123 if left out.")
  var mean: String?

  @Option(
    help: """
      As which program of Caffe's pictures are prepared: classify.py or classification; classify.py if \
      left out.
      """)
  var preprocessing: Classifier.Preprocessing?

  @Option(help: ClassNames.help)
  var labels: String?

  @Option(
    parsing: .unconditional,
    help: "The size that pictures are resized to; 256 for a crop of 227 if left out.")
  var resize: Int?

  @Option(
    parsing: .unconditional,
    help: """
      What pixels are multiplied by once the mean is subtracted; if left out, 1/64 for mini, 1 for others.
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
    guard preprocessing != .classification || resize == nil && !tenCrop else {
      throw ValidationError(
        "--resize and --ten-crop go with --preprocessing classify.py: classification resizes to what the "
          + "network takes, and cuts nothing.")
    }
    guard (inputScale ?? 1).isFinite else {
      throw ValidationError("--input-scale \(inputScale ?? 1): must be finite.")
    }
    guard net == nil || network == nil else {
      throw ValidationError("--net and --network both name a network: leave one out.")
    }
    guard net == nil || weights != nil || net.map(NetworkFile.isONNX) == true else {
      throw ValidationError("--net needs --weights: what that network has learnt.")
    }
    guard network == nil || network == .mini || weights != nil else {
      throw ValidationError("--weights is missing: what the network has learnt.")
    }
    guard top >= 1 else { throw ValidationError("--top \(top): must be at least 1.") }
  }

  func run() throws {
    let classifier = try classifier()
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

extension Classify {
  /// Whether the network is the one that comes with the package.
  private var isShipped: Bool { net == nil && weights == nil }

  /// The network with its weights, and how its pictures are prepared.
  func classifier() throws -> Classifier {
    var trained =
      isShipped
      ? try TrainedNetwork(shipped: mini())
      : try TrainedNetwork(net: net, network: network, weights: weights)
    guard trained.missing.isEmpty else {
      throw FileError(
        path: weights ?? "",
        problem: "has no weights for \(trained.missing.joined(separator: ", ")) of "
          + "\(net ?? trained.definition.name): layers are matched by name")
    }
    guard preprocessing == nil || trained.transformer.normalisation == nil else {
      throw Classifier.doesNotBelong("--preprocessing")
    }
    if let inputScale { trained.transformer.scale = inputScale }
    let preparation = Classifier.Preparation(
      preprocessing: preprocessing ?? .classifyPy, resize: resize,
      mean: mean.map { PictureMean($0) } ?? .caffenet, tenCrop: tenCrop)
    let names = try labels.map(ClassNames.read)
    let classifier = try Classifier(
      trained.definition, parameters: trained.parameters,
      file: net ?? weights ?? trained.definition.name, transformer: trained.transformer,
      labels: names ?? (net == nil ? trained.definition.syntheticClassNames : nil),
      preparation: preparation, backend: TunedBackend(isExact: exactness.exact))
    // Of what the user has said, nothing needs to be said again.
    let isPlain = isShipped || net.map(NetworkFile.isONNX) == false
    let isPrepared = preprocessing != nil || resize != nil || mean != nil
    let notes = trained.notes + (isPrepared ? [] : [trained.pictureNote])
    for note in isPlain ? [] : notes {
      Output.say("walkthrough classify: \(Escaping.visible(note))\n")
    }
    return classifier
  }
}

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
