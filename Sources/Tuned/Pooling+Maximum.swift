import Fast
import Layers
import Tensors

/// Maximum pooling: forward with the positions, backward to them.
///
/// Vectors keep the position together with the maximum: windows visited one by one branch on values
/// that nothing predicts.
extension Pooling {
  /// What every maximum starts from, in Double too, as in Caffe.
  private static var lowest: Scalar { Scalar(-Double(Float.greatestFiniteMagnitude)) }

  /// Each plane's maxima and their positions; NaN is never greater, so it is passed over. The pieces'
  /// planes are all there are, of `windows.plane` numbers to read and `windows.outputs` to write.
  @inline(__always)
  func forwardMaximum(
    _ windows: PoolingWindows, _ input: UnsafePointer<Scalar>,
    _ output: UnsafeMutablePointer<Scalar>, _ positions: UnsafeMutablePointer<Int32>
  ) {
    let pieces = windows.pieces
    let visits =
      windows.areFew || SlidingMaximum<Scalar>.isTooSmall(windows) || !engine.uses(.slidingWindows)
    let scratch = visits ? 0 : SlidingMaximum<Scalar>.scratch(windows)
    engine.run(pieces.parts, scratch: scratch, of: Scalar.self) { piece, memory in
      for plane in pieces[piece] {
        let source = input + plane * windows.plane
        let target = output + plane * windows.outputs
        let targetPositions = positions + plane * windows.outputs
        if visits {
          visitMaximum(windows, source, target, targetPositions)
        } else {
          SlidingMaximum(windows, memory, lowest: Self.lowest)
            .run(source, target, targetPositions)
        }
      }
    }
  }

  /// Visits the windows one by one; what is `onInput` lies in the plane.
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
