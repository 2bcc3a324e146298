import Layers
import RealModule
import Reference
import Tensors

/// LRN's input gradient with a factor before the cross term, and a choice of the neighbours it is
/// summed over:
///
///     ∂L/∂in[c] = ∂L/∂out[c] · s[c]^−β − factor · in[c] · Σ_c' ∂L/∂out[c'] · out[c'] / s[c']
private func wrongGradient<Scalar: Tensors.Scalar>(
  _ specification: LRNSpecification, _ pass: BackwardPass<Scalar>, factor: Double,
  neighbours: (_ c: Int, _ all: Range<Int>) -> Range<Int>, into gradient: inout Tensor<Scalar>
) {
  let shape = pass.input.shape
  let half = specification.localSize / 2
  let share = Scalar(specification.alpha / Double(specification.localSize))
  func position(_ n: Int, _ c: Int, _ spot: Int) -> Int {
    (n * shape.channels + c) * shape.spatialCount + spot
  }
  func around(_ c: Int) -> Range<Int> { max(0, c - half)..<min(shape.channels, c + half + 1) }
  for n in 0..<shape.images {
    for spot in 0..<shape.spatialCount {
      let scale = (0..<shape.channels).map { c in
        around(c).reduce(Scalar(specification.k)) { sum, c2 in
          sum + share * pass.input[position(n, c2, spot)] * pass.input[position(n, c2, spot)]
        }
      }
      for c in 0..<shape.channels {
        let i = position(n, c, spot)
        var sum: Scalar = 0
        for c2 in neighbours(c, around(c)) {
          let j = position(n, c2, spot)
          sum += pass.outputGradient[j] * pass.output[j] / scale[c2]
        }
        gradient[i] =
          pass.outputGradient[i] * .pow(scale[c], Scalar(-specification.beta))
          - Scalar(factor) * pass.input[i] * sum
      }
    }
  }
}

/// The cross term is left out: each value is differentiated as if its divisor were a constant.
struct NoCrossTerm<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: LRN<Scalar>
  init(_ specification: LRNSpecification) { right = LRN(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) {
      wrongGradient(specification, pass, factor: 0, neighbours: { $1 }, into: &$0)
    }
  }
}

/// The cross term has α where the forward pass has α/n.
struct AlphaNotDivided<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: LRN<Scalar>
  init(_ specification: LRNSpecification) { right = LRN(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let factor = 2 * specification.alpha * specification.beta
    pass.replace(&inputGradient) {
      wrongGradient(specification, pass, factor: factor, neighbours: { $1 }, into: &$0)
    }
  }
}

/// The cross term lacks the 2 of the square's derivative.
struct TwoForgotten<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: LRN<Scalar>
  init(_ specification: LRNSpecification) { right = LRN(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let factor = specification.alpha * specification.beta / Double(specification.localSize)
    pass.replace(&inputGradient) {
      wrongGradient(specification, pass, factor: factor, neighbours: { $1 }, into: &$0)
    }
  }
}

/// The cross term is summed over the neighbours above only.
struct NeighboursOnOneSide<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: LRN<Scalar>
  init(_ specification: LRNSpecification) { right = LRN(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let factor = 2 * specification.alpha * specification.beta / Double(specification.localSize)
    pass.replace(&inputGradient) {
      wrongGradient(
        specification, pass, factor: factor, neighbours: { c, all in c..<all.upperBound },
        into: &$0)
    }
  }
}
