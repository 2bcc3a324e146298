import Testing

/// BlockTests sees to it that the articles show this code.
@Suite("The code in the articles of the reference pages")
struct ArticleTests {
  @Test("runs a network")
  func gettingStarted() throws {
    let network = try firstPass()
    #expect(network.loss > 0 && network.loss.isFinite)
    #expect(try #require(network.gradient(of: "pool1")).largestMagnitude > 0)
  }

  @Test("finds a wrong factor, and names it")
  func checkYourOwnLayer() throws {
    #expect(try checkSquare(factor: 2).passed)
    let report = try checkSquare(factor: 1)
    #expect(!report.passed)
    #expect(report.explanation.contains("lacks a factor of 2"))
  }

  @Test("adds a layer whose gradients are right")
  func addALayer() throws {
    #expect(try checkScale().passed)
  }

  @Test("compares both versions")
  func compareVersions() throws {
    // 18 products in each sum: six deviations of their rounding, 2·ε·√18, are 1e-6.
    #expect(try compareConvolutions() <= 1e-6)
  }
}
