import Layers
import Tensors

/// Maximum pooling: forward with the positions, backward to them.
extension Pooling {
  /// What every maximum starts from, in Double too, as in Caffe.
  private static var lowest: Scalar { Scalar(-Double(Float.greatestFiniteMagnitude)) }

  /// Stands for "no element of the window": below every offset.
  private static var nowhere: Int32 { .min }

  /// Each plane's maxima and their positions; NaN is never greater, so it is passed over.
  @inline(__always)
  func forwardMaximum(
    _ windows: PoolingWindows, _ input: UnsafePointer<Scalar>,
    _ output: UnsafeMutablePointer<Scalar>, _ positions: UnsafeMutablePointer<Int32>
  ) {
    let pieces = windows.pieces
    // A frame, the best of a row and of the window, and their offsets, which are not larger than
    // the values.
    engine.run(pieces.parts, scratch: 5 * windows.slidingCount, of: Scalar.self) { piece, memory in
      for plane in pieces[piece] {
        let source = input + plane * windows.plane
        let target = output + plane * windows.outputs
        let targetPositions = positions + plane * windows.outputs
        if windows.areFew {
          visitMaximum(windows, source, target, targetPositions)
        } else {
          slideMaximum(windows, source, target, targetPositions, memory)
        }
      }
    }
  }

  /// Slides a row of the window, then a column, over the plane as over one vector.
  ///
  /// Only a greater value replaces the best one, columns from left to right and then rows from top
  /// to bottom: of equal values the first in row-major order stays.
  @inline(__always)
  private func slideMaximum(
    _ windows: PoolingWindows, _ plane: UnsafePointer<Scalar>,
    _ output: UnsafeMutablePointer<Scalar>, _ positions: UnsafeMutablePointer<Int32>,
    _ memory: UnsafeMutablePointer<Scalar>
  ) {
    let (count, stride) = (windows.slidingCount, windows.slidingStride)
    let (kernel, width) = (windows.kernel, windows.width)
    let source = windows.framed(plane, in: memory, filler: Self.lowest)
    let (rowBest, best) = (memory + count, memory + 2 * count)
    let rowOffsets = UnsafeMutableRawPointer(memory + 3 * count)
      .bindMemory(to: Int32.self, capacity: count)
    let offsets = UnsafeMutableRawPointer(memory + 4 * count)
      .bindMemory(to: Int32.self, capacity: count)

    // Reads up to element (across − 1) + (kernel.width − 1) = count − 1.
    let across = count - (kernel.width - 1)
    for t in 0..<across {
      let isGreater = source[t] > Self.lowest
      rowBest[t] = isGreater ? source[t] : Self.lowest
      rowOffsets[t] = isGreater ? 0 : Self.nowhere
    }
    for j in 1..<max(kernel.width, 1) {
      for t in 0..<across {
        let isGreater = source[t + j] > rowBest[t]
        rowBest[t] = isGreater ? source[t + j] : rowBest[t]
        rowOffsets[t] = isGreater ? Int32(truncatingIfNeeded: j) : rowOffsets[t]
      }
    }
    // Reads up to element (down − 1) + (kernel.height − 1)·stride = across − 1.
    let down = across - (kernel.height - 1) * stride
    best.update(from: rowBest, count: down)
    offsets.update(from: rowOffsets, count: down)
    for i in 1..<max(kernel.height, 1) {
      let row = Int32(truncatingIfNeeded: i * width)
      for t in 0..<down {
        let below = t + i * stride
        let isGreater = rowBest[below] > best[t]
        best[t] = isGreater ? rowBest[below] : best[t]
        offsets[t] = isGreater ? row &+ rowOffsets[below] : offsets[t]
      }
    }
    for y in 0..<windows.outputHeight {
      let first = y * windows.stride.height * stride
      let row = (y * windows.stride.height - windows.pad.height) * width - windows.pad.width
      for x in 0..<windows.outputWidth {
        let t = first + x * windows.stride.width
        let position = row + x * windows.stride.width + Int(offsets[t])
        output[y * windows.outputWidth + x] = best[t]
        positions[y * windows.outputWidth + x] =
          offsets[t] == Self.nowhere ? -1 : Int32(truncatingIfNeeded: position)
      }
    }
  }

  /// Visits the windows one by one.
  @inline(__always)
  private func visitMaximum(
    _ windows: PoolingWindows, _ plane: UnsafePointer<Scalar>,
    _ output: UnsafeMutablePointer<Scalar>, _ positions: UnsafeMutablePointer<Int32>
  ) {
    for y in 0..<windows.outputHeight {
      let rows = windows.rows(at: y).onInput
      for x in 0..<windows.outputWidth {
        let columns = windows.columns(at: x).onInput
        var (best, position) = (Self.lowest, -1)
        for row in rows {
          for column in columns where plane[row * windows.width + column] > best {
            position = row * windows.width + column
            best = plane[position]
          }
        }
        output[y * windows.outputWidth + x] = best
        positions[y * windows.outputWidth + x] = Int32(truncatingIfNeeded: position)
      }
    }
  }

  /// ∂L/∂in[position of the maximum] += ∂L/∂out: overlapping windows may share a maximum.
  @inline(__always)
  func backwardMaximum(
    _ windows: PoolingWindows, _ upstream: UnsafePointer<Scalar>,
    _ positions: UnsafePointer<Int32>, _ gradient: UnsafeMutablePointer<Scalar>
  ) {
    let pieces = windows.pieces
    engine.run(pieces.parts) { piece in
      for plane in pieces[piece] {
        let target = gradient + plane * windows.plane
        target.fill(windows.plane, with: 0)
        for i in plane * windows.outputs..<(plane + 1) * windows.outputs {
          let position = Int(positions[i])
          // Positions come from the caller's `Saved`: what doesn't lie in the plane is left out.
          if position >= 0 && position < windows.plane { target[position] += upstream[i] }
        }
      }
    }
  }
}
