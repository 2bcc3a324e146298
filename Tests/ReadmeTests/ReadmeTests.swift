import Testing

@Suite("README.md tells the truth")
struct ReadmeTests {
  @Test("its code does what it says")
  func behaviour() throws {
    let losses = try runBothVersions()
    // Two right programs in Float: within some roundings of 6e-8.
    #expect(abs(losses.naive - losses.fast) <= 1e-5 * losses.naive)
    #expect(try checkCube(factor: 3).passed)
    #expect(try !checkCube(factor: 2).passed)
  }
}
