import CaffeFormats
import Datasets
import Exercises
import Foundation
import Layers
import Networks
import Reference
import Tensors
import Training

/// `script/exercise train`: the network `mini`, built of the learner's layers, learns to tell synthetic
/// pictures apart.
///
/// Pictures have 59×59 pixels instead of mini's 99×99, so that naive loops need minutes and not an hour.
struct Training {
  /// The exercises whose code the network runs, each with what it is called there.
  private static let used: [(exercise: Exercise, what: String)] = [
    (.convolution, "convolutions"), (.relu, "ReLUs"), (.maxPooling, "max poolings"),
    (.lrnBackward, "normalisations, backwards"), (.innerProduct, "inner products"),
    (.dropout, "dropouts"), (.softmaxLoss, "loss"), (.momentum, "steps of SGD"),
  ]
  private static let side = 59
  private static let batch = 16
  private static let testPictures = 100

  private let iterations: Int
  private let folder: URL
  private var mine: Set<String> = []
  private var wrong: [String] = []

  /// - Parameters:
  ///   - iterations: how many steps are taken.
  ///   - folder: where the network is written.
  init(iterations: Int, folder: URL) {
    self.iterations = iterations
    self.folder = folder
  }

  /// Checks the layers, trains, and writes the network.
  ///
  /// - Throws: `ExitCode`-free errors of files and networks; a loss that is no number ends with
  ///   `Divergence`.
  mutating func run() throws {
    print("Checking your layers first.")
    for (exercise, what) in Self.used {
      switch try Attempt(exercise).verdict() {
      case .right: use(exercise, "  ✓ yours: \(what) (\(exercise.name))")
      case .wrong:
        wrong.append(exercise.name)
        use(exercise, "  ✗ yours, although it isn't right: \(what) (\(exercise.name))")
      case .unwritten: print("  · Reference's: \(what) (\(exercise.name) is still to be written)")
      case .trapped: print("  · Reference's: \(what) (\(exercise.name) stops the program)")
      }
    }
    print("\(mine.count) of \(Self.used.count) kinds of code in this network are yours.\n")

    let definition = mini(inputSize: Self.side)
    let backend = LearnersBackend(mine: mine)
    let network = try Networks.Network(definition, backend: backend, batch: Self.batch, seed: 1)
    let specification = SolverSpecification(
      baseLearningRate: 0.01, policy: .polynomial(power: 1, maxIterations: iterations),
      momentum: 0.9,
      weightDecay: 5e-4)
    let solver = try Solver(specification, network: network, backend: backend)
    let pictures = try SyntheticImages(seed: 1, side: Self.side)
    let start = ContinuousClock.now
    var losses: [Float] = []
    for iteration in 0..<iterations {
      let loss = try solver.step { network in
        try network.load(pictures, from: iteration * Self.batch)
      }
      losses.append(loss)
      if iteration == 0 {
        print("first loss \(number(loss)); chance, ln 10, would be 2.303")
      } else if (iteration + 1) % max(1, iterations / 10) == 0 {
        let recent = losses.suffix(max(1, iterations / 10))
        let mean = recent.reduce(0, +) / Float(recent.count)
        let bar = String(repeating: "▇", count: max(0, Int(mean * 16)))
        print("iteration \(padded(iteration + 1))  loss \(number(mean))  \(bar)")
      }
      fflush(nil)
    }
    let seconds = (ContinuousClock.now - start).components.seconds
    let accuracy = try accuracy(network.parameters, definition, backend)
    print(
      "\n\(Int((accuracy * 100).rounded())) of 100 unseen pictures are recognised "
        + "(chance: 10). \(iterations) iterations took \(seconds) s.")
    conclude(accuracy)
    try write(network, definition)
  }

  private mutating func use(_ exercise: Exercise, _ line: String) {
    mine.insert(exercise.name)
    print(line)
  }

  /// What wrong layers did to the training.
  private func conclude(_ accuracy: Double) {
    guard !wrong.isEmpty else { return }
    let names = wrong.joined(separator: " and ")
    print(
      accuracy > 0.5
        ? "It learnt although \(names) isn't right: training forgives much. That is why one checks "
          + "gradients, and doesn't trust a loss that falls."
        : "It hardly learnt, and \(names) isn't right. Check it: script/exercise \(wrong[0])")
  }

  /// The share of unseen pictures, of another seed, whose class has the highest score.
  private func accuracy(
    _ parameters: [[Tensor<Float>]], _ definition: NetworkDefinition, _ backend: LearnersBackend
  ) throws -> Double {
    let network = try Networks.Network(
      definition, backend: backend, batch: Self.testPictures, seed: 1, parameters: parameters)
    network.context.phase = .testing
    let pictures = try SyntheticImages(seed: .max, side: Self.side)
    try network.load(pictures, from: 0)
    _ = try network.forward()
    guard let scores = network.blob("fc8") else { return 0 }
    let classes = scores.shape.channels
    let right = (0..<Self.testPictures).filter { n in
      let row = (0..<classes).map { scores[n * classes + $0] }
      return row.firstIndex(of: row.max() ?? 0) == pictures.label(n)
    }
    return Double(right.count) / Double(Self.testPictures)
  }

  /// Writes the network in Caffe's formats, and says how to look at it.
  private func write(
    _ network: Networks.Network<Float>, _ definition: NetworkDefinition
  ) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let (net, weights) = (
      folder.appending(path: "yours.prototxt"), folder.appending(path: "yours.caffemodel")
    )
    try Data(try definition.deployForm(batch: 1).prototxt().utf8).write(to: net, options: .atomic)
    try CaffeModel(of: network).write(to: weights)
    print(
      """

      Tour what it has learnt:
      script/walkthrough tour --net \(net.relativePath) --weights \(weights.relativePath)
      """)
  }

  private func number(_ value: Float) -> String { String(format: "%.3f", value) }

  private func padded(_ value: Int) -> String {
    let text = String(value)
    return String(repeating: " ", count: max(0, String(iterations).count - text.count)) + text
  }
}

extension Networks.Network<Float> {
  /// Fills the batch with pictures and their labels.
  fileprivate func load(_ pictures: SyntheticImages, from first: Int) throws {
    let (batch, count) = (input.shape.images, input.shape.count / input.shape.images)
    var images = Tensor<Float>(input.shape)
    for n in 0..<batch {
      guard case .bytes(let bytes) = pictures.datum(first + n).values else { continue }
      for i in 0..<count { images[n * count + i] = (Float(bytes[i]) - 127.5) * miniPixelScale }
    }
    try load(images: images, labels: (0..<batch).map { pictures.label(first + $0) })
  }
}

/// The learner's layers where they are to be used, and Reference's elsewhere.
struct LearnersBackend: DerivedBackend {
  typealias Scalar = Float

  /// The exercises whose code is used.
  let mine: Set<String>
  let base = ReferenceBackend<Float>()
  var name: String { "yours" }

  func convolution(_ specification: ConvolutionSpecification) -> any SingleInputLayer<Float> {
    let layer = Exercises.Convolution<Float>(
      outputs: specification.outputChannels, kernel: specification.kernel.height,
      stride: specification.stride.height, pad: specification.pad.height,
      group: specification.group)
    return use("convolution", layer, specification) { base.convolution(specification) }
  }

  func relu(_ specification: ReLUSpecification) -> any InPlaceLayer<Float> {
    mine.contains("relu") ? Exercises.ReLU<Float>() : base.relu(specification)
  }

  func pooling(_ specification: PoolingSpecification) -> any SingleInputLayer<Float> {
    guard let kernel = specification.kernel else { return base.pooling(specification) }
    let layer = Exercises.MaxPooling<Float>(
      kernel: kernel.height, stride: specification.stride.height)
    return use("max-pooling", layer, specification) { base.pooling(specification) }
  }

  func lrn(_ specification: LRNSpecification) -> any SingleInputLayer<Float> {
    let layer = Exercises.LRN<Float>(
      localSize: specification.localSize, alpha: specification.alpha, beta: specification.beta,
      k: specification.k)
    return use("lrn-backward", layer, specification) { base.lrn(specification) }
  }

  func innerProduct(_ specification: InnerProductSpecification) -> any SingleInputLayer<Float> {
    use(
      "inner-product", Exercises.InnerProduct<Float>(outputs: specification.outputs), specification
    ) {
      base.innerProduct(specification)
    }
  }

  func dropout(_ specification: DropoutSpecification) -> any InPlaceLayer<Float> {
    mine.contains("dropout")
      ? Exercises.Dropout<Float>(ratio: specification.ratio) : base.dropout(specification)
  }

  func softmaxWithLoss(
    _ specification: SoftmaxWithLossSpecification
  ) -> any SingleInputLayer<Float> {
    use("softmax-loss", Exercises.SoftmaxLoss<Float>(), specification) {
      base.softmaxWithLoss(specification)
    }
  }

  func take(
    _ step: SGDStep, on parameter: inout Tensor<Float>, momentumBuffer: inout Tensor<Float>,
    gradient: Tensor<Float>
  ) {
    if mine.contains("momentum") {
      MomentumStep<Float>().take(
        step, on: &parameter, momentumBuffer: &momentumBuffer, gradient: gradient)
    } else {
      base.take(step, on: &parameter, momentumBuffer: &momentumBuffer, gradient: gradient)
    }
  }

  /// The learner's layer if it is to be used and does all that the specification asks for.
  private func use<L: SingleInputLayer<Float>>(
    _ name: String, _ layer: L, _ specification: L.Specification,
    otherwise: () -> any SingleInputLayer<Float>
  ) -> any SingleInputLayer<Float> where L.Specification: Equatable {
    mine.contains(name) && layer.specification == specification ? layer : otherwise()
  }
}
