import Layers
import Tensors

extension SGDStep {
  /// Takes the step in one pass over memory: three arrays are read and two written once, where
  /// formula by formula, as in Caffe, it would be seven reads and four writes.
  ///
  /// It is bound by memory; pieces are shared by the threads.
  ///
  /// Twin: `Sources/Reference/SGD.swift`. Source: Caffe's `sgd_solver.cpp`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func take<Scalar: BLASScalar>(
    on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>, engine: Engine
  ) {
    let rate = Scalar(self.rate)
    let momentum = Scalar(self.momentum)
    let decay = Scalar(self.decay)
    let scale = Scalar(gradientScale)
    let isL2 = regularization == .l2
    let count = parameter.count
    require(momentumBuffer, count)
    momentumBuffer.withMutableMemory { h in
      engine.change(&parameter, with: gradient) { w, g, range in
        if isL2 {
          for i in range {
            let old = w[i]
            h[i] = rate * (scale * g[i] + decay * old) + momentum * h[i]
            w[i] = old - h[i]
          }
        } else {
          for i in range {
            let old = w[i]
            let sign: Scalar = old > 0 ? 1 : old < 0 ? -1 : 0
            h[i] = rate * (scale * g[i] + decay * sign) + momentum * h[i]
            w[i] = old - h[i]
          }
        }
      }
    }
  }
}
