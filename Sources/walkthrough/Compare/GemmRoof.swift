import Dispatch
import Fast
import Layers
import Networks
import Tensors

/// The matrix products that a network's layers with weights boil down to.
struct GemmRoof {
  /// One product: rows × columns, summed over `inner`.
  struct Product: Hashable {
    var rows: Int
    var columns: Int
    var inner: Int
    var flops: Int { 2 * rows * columns * inner }
  }

  /// The products of a forward pass over one image; those of inner products over the batch.
  let products: [Product]

  /// The products of a network.
  init(_ definition: NetworkDefinition, summary: NetworkSummary) {
    products = zip(definition.layers, summary.layers).compactMap { layer, row in
      switch layer.operation {
      case .convolution(let convolution):
        return Product(
          rows: convolution.outputChannels / convolution.group,
          columns: row.output.spatialCount,
          inner: row.input.channels / convolution.group * convolution.kernel.area)
      case .innerProduct(let product):
        return Product(
          rows: row.output.images, columns: product.outputs, inner: product.inputs(for: row.input))
      default:
        return nil
      }
    }
  }

  /// GFLOP/s of all products together, one at a time on each thread, weighted by the work that
  /// each does in the network.
  func gigaflops(threads: Int, repeats: Int) -> Double {
    var seconds = 0.0
    var flops = 0.0
    for product in products {
      let operands = (0..<threads).map { _ in
        Operands(product)
      }
      // Enough calls for the clock, and for threads to start together.
      let calls = max(1, Int(2e8 / Double(max(product.flops, 1))))
      var measurement = Measurement()
      for _ in 0..<repeats + 1 {
        measurement.time {
          DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for _ in 0..<calls { operands[thread].multiply() }
          }
        }
      }
      seconds += measurement.median / Double(calls * threads)
      flops += Double(product.flops)
    }
    return seconds > 0 ? flops / seconds * 1e-9 : 0
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
            Float.gemm(
              rows: product.rows, columns: product.columns, inner: product.inner,
              a, stride: product.inner, transposed: false, b, stride: product.columns,
              transposed: false, into: c, stride: product.columns, adding: false)
          }
        }
      }
    }
  }
}
