import Layers
import RealModule
import Reference
import Tensors

/// ∂L/∂in uses the kernel turned by 180°: the one who wrote it took a correlation for a
/// convolution.
struct RotatedKernel<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let area = specification.kernel.area
    pass.replace(&inputGradient) { gradient in
      forEachTap(of: specification, input: pass.input.shape, output: pass.output.shape) { tap in
        let inKernel = tap.weightPosition % area
        let turned = tap.weightPosition - inKernel + area - 1 - inKernel
        gradient[tap.inputPosition] +=
          pass.outputGradient[tap.outputPosition] * pass.parameters[0][turned]
      }
    }
  }
}

/// ∂L/∂w is written with the kernel's rows and columns exchanged.
struct TransposedKernel<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let kernel = specification.kernel
    pass.replace(0, of: &parameterGradients) { gradient in
      forEachTap(of: specification, input: pass.input.shape, output: pass.output.shape) { tap in
        let start = tap.weightPosition - tap.i * kernel.width - tap.j
        gradient[start + tap.j * kernel.height + tap.i] +=
          pass.outputGradient[tap.outputPosition] * pass.input[tap.inputPosition]
      }
    }
  }
}

/// ∂L/∂in lands one row and one column off, as if the padding were one less.
struct PaddingOffset<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let shape = pass.input.shape
    pass.replace(&inputGradient) { gradient in
      forEachTap(of: specification, input: shape, output: pass.output.shape) { tap in
        guard tap.row + 1 < shape.height, tap.column + 1 < shape.width else { return }
        gradient[tap.inputPosition + shape.width + 1] +=
          pass.outputGradient[tap.outputPosition] * pass.parameters[0][tap.weightPosition]
      }
    }
  }
}

/// ∂L/∂in leaves out the windows that reach into the padding.
struct BorderSkipped<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      forEachTap(of: specification, input: pass.input.shape, output: pass.output.shape) { tap in
        guard tap.windowIsInside else { return }
        gradient[tap.inputPosition] +=
          pass.outputGradient[tap.outputPosition] * pass.parameters[0][tap.weightPosition]
      }
    }
  }
}

/// ∂L/∂in is assigned where it should be added: of overlapping windows, the last one wins.
struct WindowsOverwrite<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      forEachTap(of: specification, input: pass.input.shape, output: pass.output.shape) { tap in
        gradient[tap.inputPosition] =
          pass.outputGradient[tap.outputPosition] * pass.parameters[0][tap.weightPosition]
      }
    }
  }
}

/// ∂L/∂w steps through the input without the kernel's holes.
struct DilationForgotten<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let width = pass.input.shape.width
    let extra = Extent(
      height: specification.dilation.height - 1, width: specification.dilation.width - 1)
    pass.replace(0, of: &parameterGradients) { gradient in
      forEachTap(of: specification, input: pass.input.shape, output: pass.output.shape) { tap in
        let (rowsBack, columnsBack) = (tap.i * extra.height, tap.j * extra.width)
        guard tap.row >= rowsBack, tap.column >= columnsBack else { return }
        gradient[tap.weightPosition] +=
          pass.outputGradient[tap.outputPosition]
          * pass.input[tap.inputPosition - rowsBack * width - columnsBack]
      }
    }
  }
}

/// ∂L/∂w of every group reads the input channels of the first.
struct GroupOffsetForgotten<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let shape = pass.input.shape
    pass.replace(0, of: &parameterGradients) { gradient in
      forEachTap(of: specification, input: shape, output: pass.output.shape) { tap in
        gradient[tap.weightPosition] +=
          pass.outputGradient[tap.outputPosition] * pass.input[tap.n, tap.c, tap.row, tap.column]
      }
    }
  }
}

/// ∂L/∂b is that of the last image instead of the sum over all: `=` for `+=`.
struct BiasOfLastImage<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let output = pass.output.shape
    pass.replace(1, of: &parameterGradients) { gradient in
      for n in 0..<output.images {
        for k in 0..<output.channels {
          var sum: Scalar = 0
          for position in 0..<output.spatialCount {
            sum += pass.outputGradient[(n * output.channels + k) * output.spatialCount + position]
          }
          gradient[k] = sum
        }
      }
    }
  }
}

/// ∂L/∂b is averaged over the output positions instead of summed.
struct BiasAveraged<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let output = pass.output.shape
    let share = 1 / Scalar(Double(output.spatialCount))
    pass.replace(1, of: &parameterGradients) { gradient in
      for i in 0..<output.count {
        gradient[i / output.spatialCount % output.channels] += pass.outputGradient[i] * share
      }
    }
  }
}
