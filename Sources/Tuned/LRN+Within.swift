import Fast
import Layers
import Tensors

/// Local response normalisation within a channel: the window is summed down the columns, then
/// along the rows, 2n additions an element in the place of n².
extension LRN {
  /// A piece is a plane, of images × channels planes. Its working memory holds three: the columns'
  /// sums, what is summed, and the sums.
  @inline(__always)
  func forwardWithin(
    _ shape: Shape, _ formula: LRNFormula<Scalar>, _ input: UnsafePointer<Scalar>,
    _ output: UnsafeMutablePointer<Scalar>, _ scale: UnsafeMutablePointer<Scalar>
  ) {
    let box = Box(height: shape.height, width: shape.width, reach: formula.reach)
    let planes = shape.images * shape.channels
    engine.run(planes, scratch: 3 * box.count, of: Scalar.self) { plane, memory in
      let start = plane * box.count
      let (squares, sums) = (memory + box.count, memory + 2 * box.count)
      for i in 0..<box.count { squares[i] = input[start + i] * input[start + i] }
      box.sum(squares, into: sums, memory)
      formula.normalise(
        input + start, energy: sums, scale: scale + start, output + start, box.count)
    }
  }

  /// The memory of a piece is that of `forwardWithin`.
  @inline(__always)
  func backwardWithin(
    _ shape: Shape, _ formula: LRNFormula<Scalar>, _ x: UnsafePointer<Scalar>,
    _ y: UnsafePointer<Scalar>, _ dy: UnsafePointer<Scalar>, _ scale: UnsafePointer<Scalar>,
    _ dx: UnsafeMutablePointer<Scalar>
  ) {
    let box = Box(height: shape.height, width: shape.width, reach: formula.reach)
    let planes = shape.images * shape.channels
    engine.run(planes, scratch: 3 * box.count, of: Scalar.self) { plane, memory in
      let start = plane * box.count
      let (ratios, sums) = (memory + box.count, memory + 2 * box.count)
      formula.ratio(dy + start, y + start, scale + start, into: ratios, box.count)
      box.sum(ratios, into: sums, memory)
      formula.gradient(
        dy + start, x + start, scale + start, sums: sums, into: dx + start, box.count)
    }
  }
}

/// The sums over square windows of a plane, zeros beyond the border.
private struct Box {
  let height, width, reach: Int

  /// The elements of the plane.
  var count: Int { height * width }

  /// sums[y, x] = Σ values[y', x'] with |y' − y|, |x' − x| ≤ reach. All three have `count`
  /// elements; `columns` is working memory.
  @inline(__always)
  func sum<Scalar: TunedScalar>(
    _ values: UnsafePointer<Scalar>, into sums: UnsafeMutablePointer<Scalar>,
    _ columns: UnsafeMutablePointer<Scalar>
  ) {
    columns.fill(count, with: 0)
    for y in 0..<height {
      for y2 in max(y - reach, 0)..<min(y + reach + 1, height) {
        (columns + y * width).add(values + y2 * width, width)
      }
    }
    sums.fill(count, with: 0)
    for y in 0..<height {
      let row = columns + y * width
      for distance in -min(reach, width - 1)...min(reach, width - 1) {
        // The x for which x + distance is a column.
        let (first, end) = (max(0, -distance), width - max(0, distance))
        (sums + y * width + first).add(row + first + distance, end - first)
      }
    }
  }
}
