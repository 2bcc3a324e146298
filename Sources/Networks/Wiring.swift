import Layers
import Tensors

/// Which memory each layer of a network reads and writes, worked out once.
///
/// A slot is a tensor and its gradient. A layer in place uses its bottom's slot for its top too.
struct Wiring {
  /// The slots of one layer.
  struct Connection {
    var bottom: Int
    var top: Int
    /// Where the labels are, if they are a blob and not those of the batch.
    var labels: Int?
    /// Where a loss shows its probabilities, if it does.
    var probabilities: Int?
    /// Whether an error can reach a parameter, or an input that asks for it, through the bottom.
    var propagates: Bool
    /// Whether an earlier part of the backward pass has already written the bottom's gradient,
    /// because another layer reads the same blob.
    var sharesBottom: Bool
  }

  var shapes: [Shape]
  var slots: [String: Int]
  var connections: [Connection]
  /// Whether a gradient is needed in each slot.
  var needsGradient: [Bool]

  init(
    _ definition: NetworkDefinition, input: Shape, gradients: GradientScope
  ) throws(LayerError) {
    shapes = [input]
    slots = [definition.data: 0]
    connections = []
    needsGradient = [gradients == .parametersAndInput]
    for other in definition.otherInputs {
      guard slots[other.name] == nil, other.name != definition.label else {
        throw LayerError(
          layer: definition.name, value: "input \"\(other.name)\"",
          rule: "must not have the name of another input")
      }
      slots[other.name] = shapes.count
      shapes.append(try other.shape())
      needsGradient.append(gradients == .parametersAndInput)
    }
    var readers: [Int: [String]] = [:]
    var readsOwnOutput: [Int: String] = [:]
    var names: Set<String> = []

    for layer in definition.layers {
      func fail(_ value: String, _ rule: String) -> LayerError {
        LayerError(layer: layer.name, value: value, rule: rule)
      }
      guard names.insert(layer.name).inserted else {
        throw fail("name", "must not be that of an earlier layer")
      }
      let expected = layer.operation.takesLabels ? 2 : 1
      guard layer.bottoms.count == expected else {
        throw fail(
          "\(layer.bottoms.count) bottoms",
          "must be \(expected) for a \(layer.operation.typeName) layer")
      }
      let labels = expected == 2 ? slots[layer.bottoms[1]] : nil
      guard expected == 1 || labels != nil || layer.bottoms[1] == definition.label else {
        throw fail(
          "bottom \"\(layer.bottoms[1])\"",
          "must be the labels, \"\(definition.label)\", or the top of an earlier layer")
      }
      guard let bottom = slots[layer.bottoms[0]] else {
        throw definition.unknownBottom(of: layer)
      }
      let shape = shapes[bottom]
      let specification = layer.operation.specification
      let output = try layer.named { () throws(LayerError) in
        try specification.outputShape(for: shape)
      }
      let learns = try layer.named { () throws(LayerError) in
        try !specification.parameters(for: shape).isEmpty
      }

      let top: Int
      if layer.isInPlace {
        if let obstacle = layer.operation.inPlaceObstacle {
          throw fail("top equal to its bottom", "is not possible: \(obstacle)")
        }
        if let reader = readers[bottom]?.last {
          throw fail(
            "top \"\(layer.top)\"",
            "must not be written over: layer \"\(reader)\" reads it and needs it again backwards")
        }
        if let producer = readsOwnOutput[bottom] {
          throw fail(
            "top \"\(layer.top)\"",
            "must not be written over: layer \"\(producer)\" needs its output again backwards")
        }
        top = bottom
      } else {
        guard slots[layer.top] == nil, layer.top != definition.label else {
          throw fail("top \"\(layer.top)\"", "must not be that of an earlier layer")
        }
        top = shapes.count
        slots[layer.top] = top
        if backwardReadsOutput(layer.operation) { readsOwnOutput[top] = layer.name }
        shapes.append(output)
        needsGradient.append(gradients != .none && (needsGradient[bottom] || learns))
      }
      var probabilities: Int?
      if let name = layer.probabilities {
        guard case .softmaxWithLoss = layer.operation else {
          throw fail("a second top", "is not possible: only a loss has probabilities to show")
        }
        guard slots[name] == nil, name != definition.label else {
          throw fail("top \"\(name)\"", "must not be that of an earlier layer")
        }
        probabilities = shapes.count
        slots[name] = shapes.count
        shapes.append(shape)
        needsGradient.append(false)
      }
      let takesError = !isMetric(layer.operation)
      connections.append(
        Connection(
          bottom: bottom, top: top, labels: labels, probabilities: probabilities,
          propagates: takesError && needsGradient[bottom], sharesBottom: false))
      if !layer.isInPlace { readers[bottom, default: []].append(layer.name) }
    }
    markSharedBottoms()
  }

  /// Backwards, all but the first layer to write a blob's gradient have to add to it.
  private mutating func markSharedBottoms() {
    var written: Set<Int> = []
    for index in connections.indices.reversed() where connections[index].propagates {
      let connection = connections[index]
      guard connection.bottom != connection.top else { continue }
      connections[index].sharesBottom = !written.insert(connection.bottom).inserted
    }
  }
}

extension NetworkDefinition {
  /// What is said of a layer whose first bottom nothing produces.
  func unknownBottom(of layer: LayerDefinition) -> LayerError {
    LayerError(
      layer: layer.name, value: "bottom \"\(layer.bottoms.first ?? "")\"",
      rule: "must be \"\(data)\" or the top of an earlier layer")
  }

  /// Throws unless the layers can be connected as they ask to: each reads what is an input or the
  /// top of an earlier layer, and nobody writes over a blob that is needed again.
  ///
  /// - Throws: `LayerError` naming the first layer that is misconnected or impossible.
  /// - Complexity: O(layers).
  public func validate(batch: Int = 1) throws(LayerError) {
    _ = try Wiring(self, input: try inputShape(batch: batch), gradients: .parameters)
  }
}

/// Whether a layer's backward pass takes values from its output, so that nobody may change them.
private func backwardReadsOutput(_ operation: LayerOperation) -> Bool {
  switch operation {
  case .lrn, .softmax: true
  default: false
  }
}

private func isMetric(_ operation: LayerOperation) -> Bool {
  if case .accuracy = operation { return true }
  return false
}

/// Of what a network computes gradients.
public enum GradientScope: Hashable, Sendable {
  /// Of nothing: the network only runs forwards.
  case none
  /// Of the parameters, and of the blobs on the way to them.
  case parameters
  /// Of the input images too, Caffe's `force_backward`.
  case parametersAndInput
}
