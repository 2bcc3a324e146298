import Fast
import Layers
import Tensors

/// Average pooling. The area of a window includes the padding that it covers.
extension Pooling {
  /// out = Σ over the window / area, of planes of `windows.plane` numbers, into as many of
  /// `windows.outputs`: the pieces' planes are all there are.
  @inline(__always)
  func forwardAverage(
    _ windows: PoolingWindows, _ input: UnsafePointer<Scalar>,
    _ output: UnsafeMutablePointer<Scalar>
  ) {
    let pieces = windows.pieces
    let visits = windows.areFew || !engine.uses(.slidingWindows)
    // A frame, the sums of a row and those of the window.
    engine.run(pieces.parts, scratch: 3 * windows.slidingCount, of: Scalar.self) { piece, memory in
      for plane in pieces[piece] {
        let source = input + plane * windows.plane
        let target = output + plane * windows.outputs
        if visits {
          visitAverage(windows, source, target)
        } else {
          slideAverage(windows, source, target, memory)
        }
      }
    }
  }

  /// Slides a row of the window, then a column, over the plane as over one vector. `memory` is for
  /// 3·`slidingCount` numbers, in which frame and sums stay; `down` below is the last window's corner + 1.
  @inline(__always)
  private func slideAverage(
    _ windows: PoolingWindows, _ plane: UnsafePointer<Scalar>,
    _ output: UnsafeMutablePointer<Scalar>, _ memory: UnsafeMutablePointer<Scalar>
  ) {
    let (count, stride) = (windows.slidingCount, windows.slidingStride)
    let kernel = windows.kernel
    let source = windows.framed(plane, in: memory, filler: 0)
    let (rowSums, sums) = (memory + count, memory + 2 * count)

    // Reads up to element (across − 1) + (kernel.width − 1) = count − 1.
    let across = count - (kernel.width - 1)
    rowSums.update(from: source, count: across)
    for j in 1..<max(kernel.width, 1) { rowSums.add(source + j, across) }
    // Reads up to element (down − 1) + (kernel.height − 1)·stride = across − 1.
    let down = across - (kernel.height - 1) * stride
    sums.update(from: rowSums, count: down)
    for i in 1..<max(kernel.height, 1) { sums.add(rowSums + i * stride, down) }

    for y in 0..<windows.outputHeight {
      let rows = windows.rows(at: y).extent
      for x in 0..<windows.outputWidth {
        let t = y * windows.stride.height * stride + x * windows.stride.width
        let area = rows * windows.columns(at: x).extent
        output[y * windows.outputWidth + x] = sums[t] / Scalar(area)
      }
    }
  }

  /// Visits the windows one by one, row by row; what is `onInput` lies in the plane.
  @inline(__always)
  private func visitAverage(
    _ windows: PoolingWindows, _ plane: UnsafePointer<Scalar>,
    _ output: UnsafeMutablePointer<Scalar>
  ) {
    for y in 0..<windows.outputHeight {
      let rows = windows.rows(at: y)
      for x in 0..<windows.outputWidth {
        let columns = windows.columns(at: x)
        var sum: Scalar = 0
        for row in rows.onInput {
          sum += (plane + row * windows.width + columns.onInput.lowerBound)
            .sum(columns.onInput.count)
        }
        output[y * windows.outputWidth + x] = sum / Scalar(rows.extent * columns.extent)
      }
    }
  }

  /// ∂L/∂in += ∂L/∂out / area, for each position of the window that is `onInput`: in the plane.
  @inline(__always)
  func backwardAverage(
    _ windows: PoolingWindows, _ upstream: UnsafePointer<Scalar>,
    _ gradient: UnsafeMutablePointer<Scalar>
  ) {
    let pieces = windows.pieces
    engine.run(pieces.parts) { piece in
      for plane in pieces[piece] {
        let target = gradient + plane * windows.plane
        let source = upstream + plane * windows.outputs
        target.fill(windows.plane, with: 0)
        for y in 0..<windows.outputHeight {
          let rows = windows.rows(at: y)
          for x in 0..<windows.outputWidth {
            let columns = windows.columns(at: x)
            let share = source[y * windows.outputWidth + x] / Scalar(rows.extent * columns.extent)
            for row in rows.onInput {
              for column in columns.onInput { target[row * windows.width + column] += share }
            }
          }
        }
      }
    }
  }
}
