import Datasets
import Dispatch
import Fast
import GradientChecking
import Layers
import NetworkChecking
import Networks
import Reference
import Tensors

/// Gradient descent on one fixed batch, in Double, and how sharply its loss bends.
///
/// What theory leaves out is left out: there is no dropout, no weight decay, no momentum unless asked for, and
/// each step sees the whole batch.
final class Sharpness {
  /// The pictures of the batch, and their side. Products with the Hessian run through naive loops on dual
  /// numbers, so there are few, and they are small.
  static let images = 16
  static let side = 67

  private let network: Network<Double>
  /// Halves of the batch on dual numbers, one for each of two threads. The Hessian of a mean is the mean of
  /// the Hessians.
  private let halves: [ExactNetwork]
  /// The learned parameters, in the order of the Hessian's variables.
  private let places: [(layer: Int, parameter: Int)]

  /// `mini` without dropout, and a batch of synthetic pictures for it.
  ///
  /// - Throws: `LayerError` or `DatasetError` where network or pictures can't be made.
  init(seed: UInt32) throws {
    let definition = NetworkChange.withoutDropout.applied(to: mini(inputSize: Self.side))
    var loader = try BatchLoader(
      SyntheticImages(seed: UInt64(seed), side: Self.side),
      transformer: DataTransformer(
        cropSize: Self.side, mean: DataTransformer.caffenet.mean, scale: miniPixelScale),
      images: Self.images, isTraining: false, state: LoaderState(seed: seed))
    var batch = loader.makeBatch()
    try loader.fill(&batch)
    // N×3×67×67.
    let images = batch.images.converted(to: Double.self)
    let size = images.count / Self.images
    func network(_ range: Range<Int>) throws -> Network<Double> {
      let network = try Network(
        definition, backend: FastBackend<Double>(), batch: range.count, seed: seed)
      let part = images.elements[range.lowerBound * size..<range.upperBound * size]
      try network.load(
        images: Tensor(network.input.shape, Array(part)), labels: Array(batch.labels[range]))
      return network
    }
    self.network = try network(0..<Self.images)
    halves = try [0..<Self.images / 2, Self.images / 2..<Self.images].map {
      try ExactNetwork(
        of: NetworkFunction(network($0)), backend: ReferenceBackend<Dual<Double>>(),
        gradients: true)
    }
    places = NetworkFunction(self.network).places.compactMap { $0 }
  }

  /// The weights and biases.
  var parameters: [[Tensor<Double>]] {
    get { network.parameters }
    set { network.parameters = newValue }
  }

  /// The loss of the batch.
  func loss() throws -> Double { try network.forward() }

  /// Takes steps of gradient descent, with momentum h ← η·g + μ·h if asked for.
  ///
  /// - Returns: the loss before each step, and after the last; up to where it is no number.
  func descend(steps: Int, rate: Double, momentum: Double = 0) throws -> [Double] {
    var buffers = places.map { Tensor<Double>(network.parameters[$0.layer][$0.parameter].shape) }
    var losses = [try loss()]
    for _ in 0..<steps {
      guard losses[losses.count - 1].isFinite else { break }
      network.backward()
      for (number, place) in places.enumerated() {
        let gradient = network.parameterGradients[place.layer][place.parameter]
        for i in 0..<gradient.count {
          let h = rate * gradient[i] + momentum * buffers[number][i]
          buffers[number][i] = h
          network.parameters[place.layer][place.parameter][i] -= h
        }
      }
      losses.append(try loss())
    }
    return losses
  }

  /// The losses of steps from here, after which the parameters are what they were.
  func trial(steps: Int, rate: Double, momentum: Double = 0) throws -> [Double] {
    let still = parameters
    defer { parameters = still }
    return try descend(steps: steps, rate: rate, momentum: momentum)
  }

  /// How a small push along a direction of length 1 has grown after steps from here: a multiple of itself,
  /// along that direction, and infinite where a run diverged.
  func growth(along direction: [Tensor<Double>], steps: Int, rate: Double) throws -> Double {
    let still = parameters
    defer { parameters = still }
    /// How far the parameters lie along the direction.
    func position() -> Double {
      zip(places, direction).reduce(0) { sum, pair in
        let values = network.parameters[pair.0.layer][pair.0.parameter].elements
        return zip(values, pair.1.elements).reduce(sum) { $0 + $1.0 * $1.1 }
      }
    }
    _ = try descend(steps: steps, rate: rate)
    let unpushed = position()
    parameters = still
    // Small enough that hardly a ReLU changes its side: at the start, all inputs of ReLUs are near 0. Large
    // enough that some six digits are left of it.
    let push = 1e-8
    for (place, part) in zip(places, direction) {
      for i in 0..<part.count {
        network.parameters[place.layer][place.parameter][i] += push * part[i]
      }
    }
    _ = try descend(steps: steps, rate: rate)
    let growth = abs(position() - unpushed) / push
    return growth.isFinite ? growth : .infinity
  }

  /// The largest curvature of the loss here, to within 2 % or as far as 60 products lead.
  ///
  /// Near the start H has eigenvalues of both signs and of nearly one magnitude, between which power iteration
  /// can't decide. Those of H + s·I are larger by s, which favours the positive ones. It is these that limit
  /// the rate.
  func largestCurvature() throws -> Eigenvalue {
    var random = SplitMix64(seed: 1)
    let start = places.map {
      Tensor<Double>.normal(network.parameters[$0.layer][$0.parameter].shape, using: &random)
    }
    var moved = halves
    for half in moved.indices {
      for (number, place) in places.enumerated() {
        moved[half].setValues(of: number, to: parameters[place.layer][place.parameter])
      }
    }
    nonisolated(unsafe) let parts = moved
    func product(_ direction: [Tensor<Double>]) throws -> [Tensor<Double>] {
      let results = LockedState(
        [Result<[Tensor<Double>], any Error>?](repeating: nil, count: parts.count))
      DispatchQueue.concurrentPerform(iterations: parts.count) { number in
        var part = parts[number]
        let result = Result { try part.hessianProduct(direction, upstream: [1], seed: 1) }
        results.withLock { $0[number] = result }
      }
      let products = try results.withLock { $0 }.compactMap { try $0?.get() }
      return direction.indices.map { (products[0][$0] + products[1][$0]) / 2 }
    }
    let rough = try largestEigenvalue(start: start, tolerance: 0.02, limit: 8, product: product)
    // Half of ‖H·u‖, u being of length 1.
    let shift = (rough.value * rough.value + rough.residual * rough.residual).squareRoot() / 2
    var largest = try largestEigenvalue(start: rough.vector, tolerance: 0.013, limit: 60) { u in
      zip(try product(u), u).map { $0 + $1 * shift }
    }
    largest.value -= shift
    largest.products += rough.products
    return largest
  }
}
