import Layers
import Tensors

extension SGDStep {
  /// Takes the step, one formula after the other.
  ///
  /// Twin: `Sources/Fast/SGD.swift`. Source: Caffe's `sgd_solver.cpp`.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func take<Scalar: Tensors.Scalar>(
    on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>
  ) {
    let rate = Scalar(self.rate)
    let momentum = Scalar(self.momentum)
    let decay = Scalar(self.decay)
    let scale = Scalar(gradientScale)
    for i in 0..<parameter.count {
      let w = parameter[i]
      let sign: Scalar = w > 0 ? 1 : w < 0 ? -1 : 0
      var g = scale * gradient[i]
      g += decay * (regularization == .l2 ? w : sign)
      momentumBuffer[i] = rate * g + momentum * momentumBuffer[i]
      parameter[i] = w - momentumBuffer[i]
    }
  }
}
