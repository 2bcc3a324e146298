import Layers
import Networks
import Reference
import Tensors
import Testing

/// Reference, and what was asked of it.
private final class CountingBackend: DerivedBackend {
  let base = ReferenceBackend<Float>()
  let name = "counting"
  let asked = LockedState([String]())

  func convolution(_ specification: ConvolutionSpecification) -> any SingleInputLayer<Float> {
    asked.withLock { $0.append("Convolution") }
    return base.convolution(specification)
  }

  func innerProduct(_ specification: InnerProductSpecification) -> any SingleInputLayer<Float> {
    asked.withLock { $0.append("InnerProduct") }
    return base.innerProduct(specification)
  }
}

@Suite("A backend")
struct BackendCallTests {
  @Test("is asked once for each layer of a network, and not again by its passes")
  func onceForEachLayer() throws {
    let backend = CountingBackend()
    let network = try Network(mini(), backend: backend)
    try network.load(images: Tensor(network.input.shape, repeating: 1), labels: [1])
    try network.forward()
    network.backward()
    let types = mini().layers.map(\.typeName).filter { $0 == "Convolution" || $0 == "InnerProduct" }
    #expect(!types.isEmpty)
    #expect(backend.asked.withLock { $0 } == types)
  }
}
