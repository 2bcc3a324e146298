import GradientChecking
import Layers
import Networks
import Tensors

/// A network with a batch in it, as a function from its parameters, and its images if wanted, to
/// the loss.
///
/// When one layer's parameter has moved, only the layers from there on run again. The network is a
/// reference: nobody else may run it meanwhile. State that isn't learnt stays as it is.
public struct NetworkFunction<Scalar: Tensors.Scalar>: DifferentiableFunction {
  /// The network, with images and labels loaded.
  public let network: Network<Scalar>
  /// The parameters, `conv1 weights` for example, in the order of the layers; then the images.
  public let variables: [Variable]
  /// The precision of the network's scalar.
  public let precision: Double
  /// The layer of each variable, and which of its parameters it is; `nil` for the images.
  public let places: [(layer: Int, parameter: Int)?]

  /// The random numbers as each layer finds them, from the last evaluation of all layers.
  private var contexts: [RunContext] = []

  /// A network at its present parameters and batch.
  ///
  /// - Parameters:
  ///   - network: computes gradients: of the images too if `images` is true.
  ///   - images: whether the images are a variable.
  /// - Complexity: O(layers).
  public init(_ network: Network<Scalar>, images: Bool = false) {
    self.network = network
    var variables: [Variable] = []
    var places: [(layer: Int, parameter: Int)?] = []
    for (layer, planned) in network.plan.layers.enumerated() {
      for (number, parameter) in planned.parameters.enumerated()
      where planned.learns[number] && planned.owners[number] == nil {
        variables.append(
          Variable(name: "\(planned.name) \(parameter.name)", shape: parameter.shape))
        places.append((layer, number))
      }
    }
    if images {
      variables.append(Variable(name: network.definition.data, shape: network.input.shape))
      places.append(nil)
    }
    self.variables = variables
    self.places = places
    precision = Scalar(1 + 0x1p-40).doubleValue > 1 ? 0x1p-52 : 0x1p-23
  }

  /// A parameter, or the images.
  ///
  /// - Complexity: O(count), copying.
  public func values(of variable: Int) -> Tensor<Double> {
    guard let place = places[variable] else { return network.input.converted() }
    return network.parameters[place.layer][place.parameter].converted()
  }

  /// Moves a parameter, or the images.
  ///
  /// - Complexity: O(count), copying.
  public mutating func setValues(of variable: Int, to values: Tensor<Double>) {
    let values = values.converted(to: Scalar.self)
    if let place = places[variable] {
      network.parameters[place.layer][place.parameter] = values
    } else {
      load(values)
    }
  }

  /// One element of a parameter, or of the images.
  ///
  /// - Complexity: O(1).
  public func value(of variable: Int, at position: Int) -> Double {
    guard let place = places[variable] else { return network.input[position].doubleValue }
    return network.parameters[place.layer][place.parameter][position].doubleValue
  }

  /// Moves one element of a parameter, or of the images.
  ///
  /// - Complexity: O(1) for a parameter, O(images) for an image.
  public mutating func setValue(of variable: Int, at position: Int, to value: Double) {
    if let place = places[variable] {
      network.parameters[place.layer][place.parameter][position] = Scalar(value)
    } else {
      var images = network.input
      images[position] = Scalar(value)
      load(images)
    }
  }

  /// The loss, the weighted sum of all losses of the network.
  ///
  /// - Complexity: A forward pass, from the layer on whose parameter has moved.
  public mutating func evaluate(
    into outputs: inout [Double], seed: UInt32, movedOnly variable: Int?
  ) throws {
    var first = 0
    if let variable, let place = places[variable], contexts.count == network.plan.layers.count {
      first = place.layer
      network.context = contexts[first]
    } else {
      network.context = RunContext(phase: network.context.phase, seed: seed)
      contexts = []
    }
    let updatesState = network.updatesState
    defer { network.updatesState = updatesState }
    network.updatesState = false
    for layer in first..<network.plan.layers.count {
      if contexts.count == layer { contexts.append(network.context) }
      try network.forward(layer: layer)
    }
    outputs = [network.loss.doubleValue]
  }

  /// The gradients of the loss, by a forward and a backward pass.
  ///
  /// - Complexity: A forward and a backward pass of the whole network, and a copy of all gradients.
  public mutating func gradients(upstream: [Double], seed: UInt32) throws -> [Tensor<Double>] {
    network.context = RunContext(phase: network.context.phase, seed: seed)
    let updatesState = network.updatesState
    defer { network.updatesState = updatesState }
    network.updatesState = false
    try network.forward()
    network.backward()
    return try places.map { place in
      var gradient: Tensor<Double>
      if let place {
        gradient = network.parameterGradients[place.layer][place.parameter].converted()
      } else if let images = network.gradient(of: network.definition.data) {
        gradient = images.converted()
      } else {
        throw CheckError(
          reason: "the network computes no gradient of its images: make it with gradients: "
            + ".parametersAndInput")
      }
      if let factor = upstream.first, factor != 1 {
        for i in 0..<gradient.count { gradient[i] *= factor }
      }
      return gradient
    }
  }

  private func load(_ images: Tensor<Scalar>) {
    // Images of the network's own shape can't be refused.
    try? network.load(images: images, labels: network.labels)
  }
}
