import Layers
import Tensors

extension BrokenLayer {
  static let poolings = [
    BrokenLayer(
      "max-pool-shared", PoolingSpecification(.maximum, kernel: 3, stride: 2), Shape(2, 2, 5, 5),
      bug: "the gradient of a maximum is shared among its window, as an average's is",
      code: "dx[window] += dy / area    instead of    dx[maximum] += dy",
      expected: .wrongGradient(tensor: "input"),
      double: MaximumShared<Double>.self, float: MaximumShared<Float>.self),
    BrokenLayer(
      "max-pool-overwritten", PoolingSpecification(.maximum, kernel: 3), Shape(2, 2, 5, 5),
      bug:
        "where overlapping windows share a maximum, the last one's gradient replaces the others'",
      code: "dx[maximum] = dy    instead of    dx[maximum] += dy",
      expected: .wrongGradient(tensor: "input"),
      double: MaximumOverwritten<Double>.self, float: MaximumOverwritten<Float>.self),
    BrokenLayer(
      "max-pool-every-tie", PoolingSpecification(.maximum, kernel: 2, stride: 2),
      Shape(2, 2, 6, 6), at: .integers,
      bug: "of equal maxima each receives the whole gradient, which is given out several times",
      code: "if x == y { dx += dy }    instead of    dx[first maximum] += dy",
      expected: .wrongGradient(tensor: "input"),
      double: EveryMaximum<Double>.self, float: EveryMaximum<Float>.self),
    BrokenLayer(
      "average-pool-area-clipped",
      PoolingSpecification(.average, kernel: 3, stride: 2, pad: 1), Shape(2, 2, 5, 5),
      bug: "the backward pass divides by the positions on the input, the forward pass by all",
      code: "dy / positions.count    instead of    dy / (area with padding)",
      expected: .wrongGradient(tensor: "input"),
      double: AreaClipped<Double>.self, float: AreaClipped<Float>.self),
    BrokenLayer(
      "average-pool-cut-window-lost", PoolingSpecification(.average, kernel: 3, stride: 2),
      Shape(2, 2, 6, 6),
      bug: "windows that the border cuts off pass nothing back",
      code: "if end > height { continue }    instead of    end = min(end, height)",
      expected: .wrongGradient(tensor: "input"),
      double: CutWindowsLost<Double>.self, float: CutWindowsLost<Float>.self),
  ]
}
