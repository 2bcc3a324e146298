import COpenBLAS
import Dispatch
import Layers
import Networks
import Tensors

/// The peak that layers are measured against: how fast OpenBLAS's SGEMM is on the matrix products that
/// im2col makes of a training step of a network, without columns, copies and everything else.
///
/// A convolution that leaves out the multiplications by the padding's zeros, which are counted here,
/// or that needs fewer multiplications than the formula, may pass it.
struct GEMMPeak {
  /// What was measured.
  struct Rate: Encodable {
    /// Of all products together, one on each thread at the same time.
    var gemmGigaflops: Double
  }

  /// One product: rows × columns, summed over `inner`.
  struct Product: Hashable {
    var rows: Int
    var columns: Int
    var inner: Int
    /// Whether the first and the second matrix are read transposed.
    var transposesFirst = false
    var transposesSecond = false
    /// How often a training step needs it.
    var count: Int

    var flops: Int { 2 * rows * columns * inner }

    /// The number of elements of all three matrices.
    var elements: Int { rows * inner + inner * columns + rows * columns }

    /// What one thread multiplies at a time.
    func piece(threads: Int) -> Product {
      var piece = self
      if count == 1 { piece.columns = max(1, columns / threads) }
      return piece
    }
  }

  /// The products of a training step over the batch: three for each layer with weights, without
  /// the one for the gradient of the images.
  let products: [Product]

  /// The products of a network.
  init(_ definition: NetworkDefinition, summary: NetworkPlan) {
    products = zip(definition.layers, summary.layers).flatMap { layer, row -> [Product] in
      let all: [Product]
      switch layer.specification {
      case let convolution as ConvolutionSpecification:
        all = Self.convolutionProducts(convolution, row)
      case let product as InnerProductSpecification:
        all = Self.innerProducts(product, row)
      default:
        return []
      }
      return layer.bottoms.first == definition.data ? all.dropLast() : all
    }
  }

  /// Forwards, for the weights' gradient, for the input's gradient; once for each image and group.
  private static func convolutionProducts(
    _ convolution: ConvolutionSpecification, _ row: NetworkPlan.Layer
  ) -> [Product] {
    let kernels = convolution.outputChannels / convolution.group
    let positions = row.output.spatialCount
    let depth = row.input.channels / convolution.group * convolution.kernel.area
    let count = row.output.images * convolution.group
    return [
      Product(rows: kernels, columns: positions, inner: depth, count: count),
      Product(
        rows: kernels, columns: depth, inner: positions, transposesSecond: true, count: count),
      Product(rows: depth, columns: positions, inner: kernels, transposesFirst: true, count: count),
    ]
  }

  /// The same three, once for the batch.
  private static func innerProducts(
    _ product: InnerProductSpecification, _ row: NetworkPlan.Layer
  ) -> [Product] {
    let (images, outputs) = (row.output.images, product.outputs)
    let inputs = product.inputs(for: row.input)
    return [
      Product(rows: images, columns: outputs, inner: inputs, transposesSecond: true, count: 1),
      Product(rows: outputs, columns: inputs, inner: images, transposesFirst: true, count: 1),
      Product(rows: images, columns: inputs, inner: outputs, count: 1),
    ]
  }

  /// The bytes of the matrices that `measure` multiplies at a time, at most.
  func bytes(threads: Int) -> Double {
    let elements = products.map { Double(threads) * Double($0.piece(threads: threads).elements) }
    return Double(MemoryLayout<Float>.size) * (elements.max() ?? 0)
  }

  /// The rate of all products together, each as often as the training step needs it.
  ///
  /// Each thread multiplies matrices of its own. A product that a step needs once is cut among the
  /// threads by columns.
  func measure(threads: Int, repeats: Int) -> Rate {
    // Our threads are those that work: OpenBLAS is to start none of its own.
    openblas_set_num_threads(1)
    var seconds = 0.0
    var flops = 0.0
    for product in products {
      let piece = product.piece(threads: threads)
      let operands = (0..<threads).map { _ in Operands(piece) }
      // Ten milliseconds are long enough for the clock, and for threads that don't start at the same
      // moment. What a call takes is known from the second one, when its pages are there.
      var call = Measurement()
      operands[0].multiply()
      call.time { operands[0].multiply() }
      let calls = max(1, Int(0.01 / max(call.median, 1e-9)))
      var measurement = Measurement()
      for repetition in 0...repeats {
        // The first round is for the caches and pages.
        var round = Measurement()
        round.time {
          DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for _ in 0..<calls { operands[thread].multiply() }
          }
        }
        if repetition > 0 { measurement.add(round) }
      }
      let rate = Double(piece.flops * calls * threads) / measurement.median
      flops += Double(product.flops * product.count)
      seconds += Double(product.flops * product.count) / rate
    }
    return Rate(gemmGigaflops: seconds > 0 ? flops / seconds * 1e-9 : 0)
  }

  /// The matrices of one product on one thread.
  private final class Operands: @unchecked Sendable {
    let product: Product
    private var a: [Float]
    private var b: [Float]
    private var c: [Float]

    init(_ product: Product) {
      self.product = product
      a = (0..<product.rows * product.inner).map { Float($0 % 13 - 6) }
      b = (0..<product.inner * product.columns).map { Float($0 % 11 - 5) }
      c = [Float](repeating: 0, count: product.rows * product.columns)
    }

    func multiply() {
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          c.withUnsafeMutableBufferPointer { c in
            guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else {
              return
            }
            let (first, second) = (product.transposesFirst, product.transposesSecond)
            // Of one image, a row: GEMV, as in Fast.
            if product.rows == 1, !first {
              let (rows, columns) =
                second
                ? (product.columns, product.inner) : (product.inner, product.columns)
              return cblas_sgemv(
                CblasRowMajor, second ? CblasNoTrans : CblasTrans, blasint(rows), blasint(columns),
                1, b, blasint(columns), a, 1, 0, c, 1)
            }
            cblas_sgemm(
              CblasRowMajor, first ? CblasTrans : CblasNoTrans,
              second ? CblasTrans : CblasNoTrans, blasint(product.rows),
              blasint(product.columns), blasint(product.inner), 1,
              a, blasint(first ? product.rows : product.inner),
              b, blasint(second ? product.inner : product.columns), 0,
              c, blasint(product.columns))
          }
        }
      }
    }
  }
}
