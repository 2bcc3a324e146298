import Layers
import RealModule
import Reference
import Tensors

extension BrokenLayer {
  static let normalisations: [BrokenLayer] = [
    lrn(
      "lrn-no-cross-term",
      bug: "each value is differentiated as if its divisor were a constant",
      code: "dy·s^−β    instead of    dy·s^−β − (2αβ/n)·x·Σ dy·y/s"
    ) { gradients, pass in gradients.replaceInput { pass.wrongGradient(factor: 0, into: &$0) } },
    lrn(
      "lrn-no-cross-term-alexnet", .init(localSize: 5, alpha: 1e-4, beta: 0.75),
      bug: "the same with AlexNet's α of 0.0001, where the missing term is small",
      code: "dy·s^−β    instead of    dy·s^−β − (2αβ/n)·x·Σ dy·y/s"
    ) { gradients, pass in gradients.replaceInput { pass.wrongGradient(factor: 0, into: &$0) } },
    lrn(
      "lrn-alpha-not-divided",
      bug: "the cross term has α where the forward pass has α/n",
      code: "2αβ    instead of    2αβ/n"
    ) { gradients, pass in
      let factor = pass.factor * Double(pass.specification.localSize)
      gradients.replaceInput { pass.wrongGradient(factor: factor, into: &$0) }
    },
    lrn(
      "lrn-two-forgotten",
      bug: "the cross term lacks the 2 of the square's derivative",
      code: "αβ/n    instead of    2αβ/n"
    ) { gradients, pass in
      gradients.replaceInput { pass.wrongGradient(factor: pass.factor / 2, into: &$0) }
    },
    lrn(
      "lrn-one-side",
      bug: "the cross term is summed over the channels above only",
      code: "c' in c...c + n/2    instead of    c' in c − n/2...c + n/2"
    ) { gradients, pass in
      gradients.replaceInput {
        pass.wrongGradient(factor: pass.factor, onlyAbove: true, into: &$0)
      }
    },
    BrokenLayer(
      "batch-norm-counts-one-less", NormalisationOverImages(specification: .init()), Shape(5, 3),
      bug: "the variance is a mean over N images forwards, and over N − 1 backwards",
      code: "x̂·Σ(g·x̂)/(N − 1)    instead of    x̂·Σ(g·x̂)/N",
      expected: .wrongGradient(tensor: "input")
    ) { gradients, pass in
      gradients.replaceInput {
        $0 = pass.right.throughNormalisation(
          pass.outputGradient, pass.parameters[1], pass.saved,
          dividingBy: Double(pass.input.shape[0] - 1))
      }
    },
  ]

  /// A normalisation across six channels, a strong one unless given.
  private static func lrn(
    _ name: String, _ specification: LRNSpecification = .init(localSize: 3, alpha: 1),
    bug: String, code: String, spoil: @escaping Broken<LRN<Double>>.Spoil
  ) -> BrokenLayer {
    BrokenLayer(
      name, LRN(specification), Shape(2, 6, 2, 2), bug: bug, code: code,
      expected: .wrongGradient(tensor: "input"), spoil: spoil)
  }
}

extension BackwardPass where Right == LRN<Double> {
  /// 2αβ/n.
  fileprivate var factor: Double {
    2 * specification.alpha * specification.beta / Double(specification.localSize)
  }

  /// LRN's input gradient with a factor before the cross term, and a choice of the neighbours it is
  /// summed over:
  ///
  ///     ∂L/∂in[c] = ∂L/∂out[c] · s[c]^−β − factor · in[c] · Σ_c' ∂L/∂out[c'] · out[c'] / s[c']
  fileprivate func wrongGradient(
    factor: Double, onlyAbove: Bool = false, into gradient: inout Tensor<Double>
  ) {
    let shape = input.shape
    let half = specification.localSize / 2
    let share = specification.alpha / Double(specification.localSize)
    func position(_ n: Int, _ c: Int, _ spot: Int) -> Int {
      (n * shape.channels + c) * shape.spatialCount + spot
    }
    func around(_ c: Int) -> Range<Int> { max(0, c - half)..<min(shape.channels, c + half + 1) }
    for n in 0..<shape.images {
      for spot in 0..<shape.spatialCount {
        let scale = (0..<shape.channels).map { c in
          around(c).reduce(specification.k) { sum, c2 in
            sum + share * input[position(n, c2, spot)] * input[position(n, c2, spot)]
          }
        }
        for c in 0..<shape.channels {
          let i = position(n, c, spot)
          var sum = 0.0
          for c2 in around(c) where c2 >= c || !onlyAbove {
            let j = position(n, c2, spot)
            sum += outputGradient[j] * output[j] / scale[c2]
          }
          gradient[i] =
            outputGradient[i] * .pow(scale[c], -specification.beta) - factor * input[i] * sum
        }
      }
    }
  }
}
