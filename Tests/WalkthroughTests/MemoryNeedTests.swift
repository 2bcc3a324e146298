import CaffeTools
import Layers
import Networks
import Testing

/// What a command asks for follows from the plan of its network.
@Suite("The need of memory")
struct MemoryNeedTests {
  /// Parameters and blobs of mini, in tensors' numbers.
  private static func counts(_ plan: NetworkPlan) -> (parameters: Double, blobs: Double) {
    (
      Double(plan.parameterCount), plan.blobs.reduce(0) { $0 + Double($1.shape.count) }
    )
  }

  @Test(
    "of a network is what it allocates, and at most a number more for each of a blob's",
    arguments: [1, 7])
  func ofANetwork(batch: Int) throws {
    let forwards = try NetworkPlan(mini(), batch: batch, gradients: .none)
    let (parameters, blobs) = Self.counts(forwards)
    #expect(MemoryNeed(forwards, [.network]).bytes == 4 * (parameters + 2 * blobs))

    let both = try NetworkPlan(mini(), batch: batch)
    #expect(MemoryNeed(both, [.network]).bytes == 4 * (2 * parameters + 3 * blobs))
    #expect(
      MemoryNeed(both, [.network], precision: Double.self).bytes
        == 2 * MemoryNeed(both, [.network]).bytes)
  }

  @Test("of a training run has momentum, a snapshot twice and a test's blobs")
  func ofTraining() throws {
    let plan = try NetworkPlan(mini(), batch: 16)
    let (parameters, blobs) = Self.counts(plan)
    let need = MemoryNeed(plan, [.network, .momentum, .snapshot, .blobs(1)])
    #expect(need.bytes == 4 * (7 * parameters + 4 * blobs))
  }

  @Test("of what nobody has is refused with its size")
  func refusal() throws {
    let plan = try NetworkPlan(mini(), batch: 1 << 30)
    let error = #expect(throws: MemoryError.self) { try MemoryNeed(plan, [.network]).require() }
    #expect(error?.description.contains("mini with a batch of 1073741824 needs about ") == true)
  }
}
