import CTrainedMini
import CaffeFormats
import Datasets
import Fast
import Networks
import NumPyFiles
import Training
import Tuned
import WholeFiles

/// A trained `mini` that comes with the package: what it has learnt from synthetic pictures, and how
/// its first filters came to be.
///
/// ```swift
/// let network = try Network(mini(), backend: TunedBackend())
/// _ = try TrainedMini.model().copy(into: network)
/// ```
///
/// `script/trained-mini` made the files, which stand in `Sources/CTrainedMini` and are inside the
/// program, so that nothing has to be found when it runs.
public enum TrainedMini {
  /// What it tells apart, by label.
  ///
  /// - Complexity: O(classes).
  public static var classNames: [String] { SyntheticImages.classNames }

  /// The parameters, all 203,370.
  ///
  /// - Throws: `CaffeFileError` for a file that isn't whole.
  /// - Complexity: O(parameters), with memory for them and for the file.
  public static func model() throws(CaffeFileError) -> CaffeModel {
    try CaffeModel(decoding: bytes(of: trained_mini_model()), file: "mini.caffemodel")
  }

  /// How it learnt: the first layer's filters at several iterations, the losses, and the tests; the
  /// arrays are those of `FilterHistory` in `walkthrough`.
  ///
  /// - Throws: `FileError` for a file that isn't whole.
  /// - Complexity: O(length) of the file.
  public static func history() throws(FileError) -> NumPyArchive {
    try NumPyArchive(decoding: bytes(of: trained_mini_history()), name: "history.npz")
  }

  /// Tests a `mini` on synthetic pictures, batches of 50.
  ///
  /// - Parameters:
  ///   - model: its parameters; those of `model()` learnt from pictures of seed 2012.
  ///   - seed: that of the pictures.
  ///   - batches: how many batches of pictures are looked at.
  ///   - backend: which layers it runs on.
  /// - Throws: `CaffeFileError` for parameters of another network, `DatasetError` for seeds and batches
  ///   that can't be drawn, `MemoryError` where this process has too little memory.
  /// - Complexity: O(batches): each is drawn and takes a forward pass.
  public static func test(
    _ model: CaffeModel, seed: UInt32, batches: Int, backend: TunedBackend = TunedBackend()
  ) throws -> EvaluationResult {
    try MemoryNeed(
      NetworkPlan(mini(), batch: 50, gradients: .none), [.network, .weights]
    ).require()
    let network = try Network(
      mini(), backend: FastBackend<Float>(), gradients: .none, phase: .testing)
    let report = try model.copy(into: network)
    guard report.untouched.isEmpty else {
      throw CaffeFileError(
        file: model.file,
        problem:
          "has no weights for \(report.untouched.joined(separator: ", ")) of mini: layers are "
          + "matched by name")
    }
    var transformer = DataTransformer.caffenet
    transformer.cropSize = network.input.shape.height
    transformer.scale = miniPixelScale
    // A crop of 99 from 112, as CaffeNet's is of 227 from 256.
    let pictures = try SyntheticImages(seed: UInt64(seed), side: 112)
    let loader = try BatchLoader(
      pictures, transformer: transformer, images: 50, isTraining: false,
      state: LoaderState(seed: seed))
    return try Evaluation(mini(), backend: backend, loader: loader, batches: batches)
      .evaluate(network.parameters)
  }

  private static func bytes(of file: trained_mini_file) -> [UInt8] {
    // The bounds: `count` is the size of the array at `bytes`, a constant of the program.
    Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
  }
}
