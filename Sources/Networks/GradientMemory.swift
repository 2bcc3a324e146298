import Tensors

/// Memory for the gradients of blobs that are forgotten as soon as they have been passed on.
///
/// A blob's gradient is written by the layer that reads the blob and read by the layer that wrote
/// it: of a chain of layers, two gradients are alive at a time. The buffers go round, each as large
/// as the largest tensor that it ever holds.
struct GradientMemory<Scalar: Tensors.Scalar> {
  private let shapes: [Shape]
  private let assignment: [Int: Int]
  private var buffers: [[Scalar]]

  /// Plans for the gradients of a chain of layers.
  init(_ plan: NetworkPlan) {
    let shapes = plan.blobs.map(\.shape)
    var assignment: [Int: Int] = [:]
    var capacities: [Int] = []
    var free: [Int] = []
    func assign(_ blob: Int) {
      guard assignment[blob] == nil else { return }
      let buffer = free.popLast() ?? capacities.count
      if buffer == capacities.count { capacities.append(0) }
      assignment[blob] = buffer
      capacities[buffer] = max(capacities[buffer], shapes[blob].count)
    }
    for layer in plan.layers.reversed() {
      // Of an output that no layer behind writes the gradient of, it is the loss weight, or 0.
      if plan.blobs[layer.top].needsGradient { assign(layer.top) }
      for (bottom, propagates) in zip(layer.bottoms, layer.propagates) where propagates {
        assign(bottom)
      }
      if !layer.isInPlace, let buffer = assignment[layer.top] { free.append(buffer) }
    }
    self.shapes = shapes
    self.assignment = assignment
    // Touched once here, so that no page has to be given in a pass.
    buffers = capacities.map { [Scalar](repeating: 0, count: $0) }
  }

  /// The memory for a blob's gradient, its content undefined; `nil` for a blob without one.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  mutating func take(_ slot: Int) -> Tensor<Scalar>? {
    guard let index = assignment[slot] else { return nil }
    var elements: [Scalar] = []
    swap(&elements, &buffers[index])
    let count = shapes[slot].count
    if elements.count > count {
      elements.removeLast(elements.count - count)
    } else {
      elements.append(contentsOf: repeatElement(0, count: count - elements.count))
    }
    return Tensor(shapes[slot], elements)
  }

  /// Gives the memory of a blob's gradient back.
  mutating func giveBack(_ gradient: consuming Tensor<Scalar>, of slot: Int) {
    guard let index = assignment[slot] else { return }
    buffers[index] = gradient.elements
  }
}
