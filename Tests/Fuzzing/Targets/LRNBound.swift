import Foundation
import Layers
import Tensors

/// How far the values of the two versions of LRN may lie apart, for inputs and gradients up to 3.
///
/// The energy of n neighbours is a sum of positive terms: in two orders it differs by about
/// ε·√n/3 of itself, six deviations being 2·ε·√n, and s by no more than that and two roundings. A
/// power multiplies a relative error by its exponent, and adds up to 8 ε of its own.
struct LRNBound {
  let output, inputGradient: Double

  /// - Returns: nil for constants with which s may be 0 or less, terms cancel, or powers overflow:
  ///   the versions are then only run.
  init?(_ specification: LRNSpecification, _ input: Shape, epsilon: Double) {
    let isAcross = specification.region == .acrossChannels
    let (alpha, beta) = (specification.alpha, specification.beta)
    let offset = isAcross ? specification.k : 1
    guard (0.0625...16).contains(offset), (0...1024).contains(alpha), abs(beta) <= 4 else {
      return nil
    }
    let n = Double(specification.localSize)
    let size = isAcross ? n : n * n
    let neighbours = min(size, Double(isAcross ? input.channels : input.spatialCount))
    let largestScale = offset + alpha * 9 * neighbours / size
    let largestPower = max(pow(offset, -beta), pow(largestScale, -beta))
    let orders = 2 * neighbours.squareRoot()
    let relative = (abs(beta) * (orders + 2) + 8) * epsilon
    output = relative * 3 * largestPower
    // dy·s^−β − 2αβ/n·x·Σ dy·y/s, where y is x·s^−β.
    let factor = abs(2 * alpha * beta / size)
    let sum = neighbours * 3 * 3 * largestPower / offset
    inputGradient =
      relative * 3 * largestPower + (relative + (2 * orders + 4) * epsilon) * factor * 3 * sum
  }
}
