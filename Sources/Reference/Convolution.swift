import Layers
import Tensors

/// Convolution in loops.
///
/// Letters: n image, k kernel, c channel of the kernel's group, (y, x) output position, (i, j)
/// position in the kernel; s stride, p pad, d dilation; L the loss.
///
///     out[n,k,y,x] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · in[n, c, y·s + i·d − p, x·s + j·d − p]
///
/// Terms whose input position lies in the padding are 0 and are left out.
///
/// Twin: `Sources/Fast/Convolution.swift`. Source: Caffe's `base_conv_layer.cpp`.
public struct Convolution<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: ConvolutionSpecification

  /// The naive version of a specification.
  public init(_ specification: ConvolutionSpecification) {
    self.specification = specification
  }

  /// out = b + Σ_c Σ_i Σ_j w · in, summed in this order.
  ///
  /// - Complexity: O(N·K·C/G·I·J·H'·W') multiply-adds for kernels of I×J and H'×W' output
  ///   positions, less what lies in the padding. Allocates nothing.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let geometry = Geometry(specification, input: input.shape, output: output.shape)
    let weights = parameters[0].elements
    let bias = specification.hasBias ? parameters[1].elements : []
    var position = 0
    for n in 0..<geometry.images {
      for k in 0..<geometry.kernels {
        for y in 0..<geometry.outputHeight {
          let rows = geometry.kernelRows(at: y)
          for x in 0..<geometry.outputWidth {
            let columns = geometry.kernelColumns(at: x)
            var sum = specification.hasBias ? bias[k] : 0  // ← b
            for c in 0..<geometry.channelsPerGroup {  // ← Σ_c
              for i in rows {  // ← Σ_i
                // ← in
                let inputRow = geometry.inputRow(n, k, c, y, i) + geometry.inputColumn(x, 0)
                let weightRow = geometry.weightRow(k, c, i)
                for j in columns {  // ← Σ_j
                  // ← w
                  sum += weights[weightRow + j] * input[inputRow + j * geometry.columnDilation]
                }
              }
            }
            output[position] = sum  // ← out
            position += 1
          }
        }
      }
    }
  }

  /// Each output position passes its gradient back to all that it was summed from.
  ///
  /// - Complexity: The same number of multiply-adds as forward for the weights, and again for the
  ///   input unless it is left out; O(N·K·H'·W') additions for the bias. Allocates nothing.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let geometry = Geometry(specification, input: input.shape, output: output.shape)
    addWeightGradient(
      to: &parameterGradients[0], outputGradient, input, geometry, accumulating: accumulating)
    if specification.hasBias {
      addBiasGradient(
        to: &parameterGradients[1], outputGradient, geometry, accumulating: accumulating)
    }
    inputGradient.update { gradient in
      setInputGradient(&gradient, outputGradient, parameters[0], geometry)
    }
  }

  /// ∂L/∂w[k,c,i,j] = Σ_n Σ_y Σ_x ∂L/∂out[n,k,y,x] · in[n, c, y·s + i·d − p, x·s + j·d − p]
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  private func addWeightGradient(
    to gradient: inout Tensor<Scalar>, _ outputGradient: Tensor<Scalar>, _ input: Tensor<Scalar>,
    _ geometry: Geometry, accumulating: Bool
  ) {
    var position = 0
    for k in 0..<geometry.kernels {
      for c in 0..<geometry.channelsPerGroup {
        for i in 0..<geometry.kernelHeight {
          for j in 0..<geometry.kernelWidth {
            let columns = geometry.outputColumns(meeting: j)
            var sum: Scalar = accumulating ? gradient[position] : 0
            for n in 0..<geometry.images {
              for y in geometry.outputRows(meeting: i) {  // ← ∂w Σ_y
                let inputRow = geometry.inputRow(n, k, c, y, i) + geometry.inputColumn(0, j)
                let outputRow = geometry.outputRow(n, k, y)
                for x in columns {  // ← ∂w Σ_x
                  // ← ∂w ∂L/∂out, in
                  sum +=
                    outputGradient[outputRow + x] * input[inputRow + x * geometry.columnStride]
                }
              }
            }
            gradient[position] = sum  // ← ∂w ∂L/∂w
            position += 1
          }
        }
      }
    }
  }

  /// ∂L/∂b[k] = Σ_n Σ_y Σ_x ∂L/∂out[n,k,y,x]
  private func addBiasGradient(
    to gradient: inout Tensor<Scalar>, _ outputGradient: Tensor<Scalar>, _ geometry: Geometry,
    accumulating: Bool
  ) {
    for k in 0..<geometry.kernels {
      var sum: Scalar = accumulating ? gradient[k] : 0
      for n in 0..<geometry.images {
        for y in 0..<geometry.outputHeight {  // ← ∂b Σ_y
          for x in 0..<geometry.outputWidth {  // ← ∂b Σ_x
            sum += outputGradient[geometry.outputRow(n, k, y) + x]  // ← ∂b ∂L/∂out
          }
        }
      }
      gradient[k] = sum  // ← ∂b ∂L/∂b
    }
  }

  /// ∂L/∂in[n, c, y·s + i·d − p, x·s + j·d − p] += ∂L/∂out[n,k,y,x] · w[k,c,i,j]
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  private func setInputGradient(
    _ gradient: inout Tensor<Scalar>, _ outputGradient: Tensor<Scalar>, _ weights: Tensor<Scalar>,
    _ geometry: Geometry
  ) {
    gradient.fill(with: 0)
    for n in 0..<geometry.images {
      for k in 0..<geometry.kernels {  // ← ∂in Σ_k
        for c in 0..<geometry.channelsPerGroup {
          for i in 0..<geometry.kernelHeight {  // ← ∂in Σ_i
            for y in geometry.outputRows(meeting: i) {
              let outputRow = geometry.outputRow(n, k, y)
              for j in 0..<geometry.kernelWidth {  // ← ∂in Σ_j
                let weight = weights[geometry.weightRow(k, c, i) + j]  // ← ∂in w
                let inputRow = geometry.inputRow(n, k, c, y, i) + geometry.inputColumn(0, j)
                for x in geometry.outputColumns(meeting: j) {
                  // ← ∂in ∂L/∂in
                  gradient[inputRow + x * geometry.columnStride] +=
                    outputGradient[outputRow + x] * weight  // ← ∂in ∂L/∂out
                }
              }
            }
          }
        }
      }
    }
  }
}

/// Where the windows of a convolution lie, as positions in row-major memory.
private struct Geometry {
  let images, channels, channelsPerGroup, kernels, kernelsPerGroup: Int
  let inputHeight, inputWidth, outputHeight, outputWidth: Int
  let kernelHeight, kernelWidth: Int
  let rowStride, columnStride, rowPad, columnPad, rowDilation, columnDilation: Int

  init(_ specification: ConvolutionSpecification, input: Shape, output: Shape) {
    images = input.images
    channels = input.channels
    channelsPerGroup = input.channels / specification.group
    kernels = specification.outputChannels
    kernelsPerGroup = specification.outputChannels / specification.group
    (inputHeight, inputWidth) = (input.height, input.width)
    (outputHeight, outputWidth) = (output.height, output.width)
    (kernelHeight, kernelWidth) = (specification.kernel.height, specification.kernel.width)
    (rowStride, columnStride) = (specification.stride.height, specification.stride.width)
    (rowPad, columnPad) = (specification.pad.height, specification.pad.width)
    (rowDilation, columnDilation) = (specification.dilation.height, specification.dilation.width)
  }

  /// The start of the input row that kernel row i meets at output row y, in channel c of the
  /// group of kernel k.
  func inputRow(_ n: Int, _ k: Int, _ c: Int, _ y: Int, _ i: Int) -> Int {
    let channel = n * channels + k / kernelsPerGroup * channelsPerGroup + c
    return (channel * inputHeight + y * rowStride + i * rowDilation - rowPad) * inputWidth
  }

  /// The input column that kernel column j meets at output column x.
  func inputColumn(_ x: Int, _ j: Int) -> Int {
    x * columnStride + j * columnDilation - columnPad
  }

  func outputRow(_ n: Int, _ k: Int, _ y: Int) -> Int {
    ((n * kernels + k) * outputHeight + y) * outputWidth
  }

  func weightRow(_ k: Int, _ c: Int, _ i: Int) -> Int {
    ((k * channelsPerGroup + c) * kernelHeight + i) * kernelWidth
  }

  /// The kernel rows that lie on the input, not on padding, at output row y.
  func kernelRows(at y: Int) -> Range<Int> {
    steps(from: y * rowStride - rowPad, by: rowDilation, limit: kernelHeight, inside: inputHeight)
  }

  func kernelColumns(at x: Int) -> Range<Int> {
    steps(
      from: x * columnStride - columnPad, by: columnDilation, limit: kernelWidth,
      inside: inputWidth)
  }

  /// The output rows at which kernel row i lies on the input.
  func outputRows(meeting i: Int) -> Range<Int> {
    steps(from: i * rowDilation - rowPad, by: rowStride, limit: outputHeight, inside: inputHeight)
  }

  func outputColumns(meeting j: Int) -> Range<Int> {
    steps(
      from: j * columnDilation - columnPad, by: columnStride, limit: outputWidth,
      inside: inputWidth)
  }
}

/// The steps t in 0..<limit for which 0 ≤ start + t·stride < size.
private func steps(from start: Int, by stride: Int, limit: Int, inside size: Int) -> Range<Int> {
  let first = start < 0 ? (-start + stride - 1) / stride : 0
  let end = start < size ? (size - start + stride - 1) / stride : 0
  let upper = min(end, limit)
  return min(first, upper)..<upper
}
