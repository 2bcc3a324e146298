import Layers
import Tensors

/// Convolution as matrix products, by im2col.
///
///     out[K/G × H'·W'] = bias + weights[K/G × depth] · columns[depth × H'·W']
///
/// for each image and each group, with depth = C/G·I·J for kernels of I×J. `Im2col` says what the
/// columns hold; OpenBLAS multiplies. Images, groups and bands of output rows are the pieces that
/// the threads share, one product a piece. A band has some 500 positions, so that its columns are
/// multiplied before they have left the cache.
///
/// As in Caffe, the padding's zeros are columns' numbers like others, and 0 times infinity or NaN is
/// NaN. So a weight that isn't finite makes the output NaN wherever it lies in the padding, and an
/// upstream gradient that isn't finite does so to the gradients of the weights that lie there. The
/// twin leaves these terms out; for finite numbers it makes no difference.
///
/// Twin: `Sources/Reference/Convolution.swift`. Source: Caffe's `base_conv_layer.cpp`.
public struct Convolution<Scalar: BLASScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: ConvolutionSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: ConvolutionSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// The way of every shape.
  public func algorithm(for input: Shape) -> String? { "im2col, GEMM" }

  /// out = bias + weights · columns(in)
  ///
  /// - Complexity: O(N·K·C/G·I·J·H'·W') multiply-adds for kernels of I×J and H'×W' output
  ///   positions, those of the padding included, over the engine's threads. Each thread is lent
  ///   C/G·I·J·B numbers, where B is about 500 positions, or an output row if that is longer.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let sizes = ConvolutionSizes(specification, input: input.shape, output: output.shape)
    sizes.require(parameters, output)
    let (groups, bands) = (sizes.groups, sizes.bands)
    withMemory(ofParameters: parameters) { weights, bias in
      input.withMemory { input in
        output.withMutableMemory { output in
          let pieces = sizes.images * groups * bands.parts
          engine.run(pieces, scratch: sizes.columnCount, of: Scalar.self) { piece, memory in
            let (image, group) = (piece / bands.parts / groups, piece / bands.parts % groups)
            let rows = bands[piece % bands.parts]
            // weights: (K/G, depth); columns: (depth, rows·W'); out: (K/G, rows·W')
            let weights = sizes.weights(weights, group: group)  // ← w
            let columns = sizes.columns(memory, rows: rows)
            // ← out
            let out = sizes.output(output, image: image, group: group, rows: rows)

            // → Im2col.swift
            // ← in
            sizes.im2col.fill(columns, from: input + sizes.channel(image, group), rows: rows)
            for k in 0..<out.rows {
              // ← b
              out.row(k).fill(out.columns, with: bias?[group * out.rows + k] ?? 0)
            }
            multiply(weights, columns, into: out, adding: true)  // ← Σ_c, Σ_i, Σ_j
          }
        }
      }
    }
  }

  /// With the columns of forward, summed over images and positions:
  ///
  ///     ∂L/∂weights = Σ ∂L/∂out · columnsᵀ
  ///     ∂L/∂bias    = Σ ∂L/∂out
  ///
  /// and ∂L/∂in as `backward(toInput:outputGradient:parameters:)` has it.
  ///
  /// The images are cut into at most 8 parts. Each part sums its own gradients of the parameters,
  /// and these sums are added in the order of the parts: the same bits on any number of threads.
  ///
  /// - Complexity: The multiply-adds of forward for the weights, and again for the input unless it
  ///   is left out. Each thread is lent as much as for forward, and all together up to 8 times the
  ///   size of the parameters for the sums.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let sizes = ConvolutionSizes(specification, input: input.shape, output: output.shape)
    sizes.require(parameters, output)
    require(outputGradient, output.count)
    require(parameterGradients, like: parameters, inputGradient, like: input)
    inputGradient.update {
      backward(toInput: &$0, outputGradient: outputGradient, parameters: parameters)
    }
    if !accumulating {
      for i in parameterGradients.indices { parameterGradients[i].fill(with: 0) }
    }
    let (groups, parts) = (sizes.groups, Partition(sizes.images, parts: 8))
    // For each part K·depth sums for the weights, then K for the bias.
    let sumCount = sizes.weightCount + sizes.kernels
    withMemory(of: [input, outputGradient]) { tensors in
      let (x, dy) = (tensors[0], tensors[1])
      withMutableMemory(ofGradients: &parameterGradients) { weightGradient, biasGradient in
        engine.lend(parts.parts * sumCount, of: Scalar.self) { sums in
          let pieces = parts.parts * groups
          engine.run(pieces, scratch: sizes.columnCount, of: Scalar.self) { piece, memory in
            let (part, group) = (piece / groups, piece % groups)
            let sums = sums + part * sumCount
            // weightSums: (K/G, depth); biasSums: K/G
            let weightSums = sizes.weights(sums, group: group)
            let biasSums = sums + sizes.weightCount + group * weightSums.rows
            weightSums.memory.fill(weightSums.rows * weightSums.columns, with: 0)
            biasSums.fill(weightSums.rows, with: 0)
            for image in parts[part] {
              for band in 0..<sizes.bands.parts {
                let rows = sizes.bands[band]
                // dOut: (K/G, rows·W'); columns: (depth, rows·W')
                // ← ∂w ∂L/∂out
                let dOut = sizes.output(dy, image: image, group: group, rows: rows)
                let columns = sizes.columns(memory, rows: rows)

                // ← ∂w in
                sizes.im2col.fill(columns, from: x + sizes.channel(image, group), rows: rows)
                multiply(dOut, columns.transposed, into: weightSums, adding: true)  // ← ∂w Σ_y, Σ_x
                for k in 0..<dOut.rows {
                  let row = dOut.row(k)
                  for t in 0..<dOut.columns { biasSums[k] += row[t] }  // ← ∂b Σ_y, Σ_x, ∂L/∂out
                }
              }
            }
          }
          engine.run(over: sizes.weightCount) { range in
            for part in 0..<parts.parts {
              let sums = sums + part * sumCount
              for i in range { weightGradient[i] += sums[i] }  // ← ∂w ∂L/∂w
            }
          }
          for part in 0..<parts.parts {
            // ← ∂b ∂L/∂b
            biasGradient?.add(sums + part * sumCount + sizes.weightCount, sizes.kernels)
          }
        }
      }
    }
  }

  /// ∂L/∂in alone:
  ///
  ///     ∂L/∂columns = weightsᵀ · ∂L/∂out,   and ∂L/∂in is what they add up to (col2im)
  ///
  /// - Complexity: The multiply-adds of forward; each thread is lent as much.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  package func backward(
    toInput inputGradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>,
    parameters: [Tensor<Scalar>]
  ) {
    let sizes = ConvolutionSizes(
      specification, input: inputGradient.shape, output: outputGradient.shape)
    sizes.require(parameters, outputGradient)
    withMemory(of: [outputGradient, parameters[0]]) { tensors in
      let (dy, weights) = (tensors[0], tensors[1])
      inputGradient.withMutableMemory { dx in
        let pieces = sizes.images * sizes.groups
        engine.run(pieces, scratch: sizes.columnCount, of: Scalar.self) { piece, memory in
          let (image, group) = (piece / sizes.groups, piece % sizes.groups)
          let weights = sizes.weights(weights, group: group)  // ← ∂in w
          let dx = dx + sizes.channel(image, group)
          dx.fill(sizes.groupChannels * sizes.plane, with: 0)
          for band in 0..<sizes.bands.parts {
            let rows = sizes.bands[band]
            // dOut: (K/G, rows·W'); columns: (depth, rows·W')
            // ← ∂in ∂L/∂out
            let dOut = sizes.output(dy, image: image, group: group, rows: rows)
            let columns = sizes.columns(memory, rows: rows)
            multiply(weights.transposed, dOut, into: columns)  // ← ∂in Σ_k
            sizes.im2col.add(columns, to: dx, rows: rows)  // ← ∂in ∂L/∂in, Σ_i, Σ_j
          }
        }
      }
    }
  }
}

/// The sizes of a convolution, and where its matrices lie in the tensors.
struct ConvolutionSizes {
  /// N, C, K and G.
  let images, channels, kernels, groups: Int
  let im2col: Im2col
  /// The output rows, cut into bands of about 500 positions.
  let bands: Partition

  init(_ specification: ConvolutionSpecification, input: Shape, output: Shape) {
    (images, channels) = (input.images, input.channels)
    (kernels, groups) = (specification.outputChannels, specification.group)
    im2col = Im2col(specification, input: input, output: output)
    bands = Partition(output.height, partsOfAtMost: max(1, 512 / max(1, output.width)))
  }

  /// Stops the program unless tensors have these sizes; the input gave them.
  func require<Scalar>(_ parameters: [Tensor<Scalar>], _ output: Tensor<Scalar>) {
    Fast.require(output, images * kernels * positions)
    Fast.require(parameters[0], weightCount)
    if parameters.count > 1 { Fast.require(parameters[1], kernels) }
  }

  /// C/G and K/G.
  var groupChannels: Int { im2col.channels }
  var groupKernels: Int { kernels / groups }
  /// H·W and H'·W'.
  var plane: Int { im2col.height * im2col.width }
  var positions: Int { im2col.outputHeight * im2col.outputWidth }
  /// K·depth.
  var weightCount: Int { kernels * im2col.depth }
  /// The numbers of the columns of the largest band.
  var columnCount: Int { im2col.depth * bands.largest * im2col.outputWidth }

  /// Where the channels of a group begin in the input.
  func channel(_ image: Int, _ group: Int) -> Int {
    (image * channels + group * groupChannels) * plane
  }

  /// The weights of a group, or their gradient: K/G × depth.
  @inline(__always)
  func weights<Scalar>(_ memory: UnsafePointer<Scalar>, group: Int) -> Matrix<Scalar> {
    Matrix(memory + group * groupKernels * im2col.depth, groupKernels, im2col.depth)
  }

  /// The columns of a band: depth × rows·W'.
  @inline(__always)
  func columns<Scalar>(_ memory: UnsafePointer<Scalar>, rows: Range<Int>) -> Matrix<Scalar> {
    Matrix(memory, im2col.depth, rows.count * im2col.outputWidth)
  }

  /// A band of a group's output, or of its gradient: K/G × rows·W', rows that are H'·W' apart.
  @inline(__always)
  func output<Scalar>(
    _ memory: UnsafePointer<Scalar>, image: Int, group: Int, rows: Range<Int>
  ) -> Matrix<Scalar> {
    let first = (image * kernels + group * groupKernels) * positions
    return Matrix(
      memory + first + rows.lowerBound * im2col.outputWidth, groupKernels,
      rows.count * im2col.outputWidth, stride: positions)
  }
}
