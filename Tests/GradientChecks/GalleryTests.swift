import BrokenLayers
import GradientChecking
import Testing

/// The checker is checked: every broken layer is caught, and for its own bug.
@Suite struct Gallery {
  @Test func hasManyMembersWithNamesOfTheirOwn() {
    #expect(BrokenLayer.gallery.count >= 20)
    #expect(Set(BrokenLayer.gallery.map(\.name)).count == BrokenLayer.gallery.count)
    for member in BrokenLayer.gallery {
      #expect(BrokenLayer.named(member.name)?.bug == member.bug)
    }
    #expect(BrokenLayer.named("no such bug") == nil)
  }

  @Test(arguments: BrokenLayer.gallery)
  func isCaughtForItsBug(_ member: BrokenLayer) throws {
    let report = try member.check()
    #expect(!report.passed)
    switch member.expected {
    case .wrongGradient(let tensor):
      #expect(report.tensors.filter { !$0.passed }.map(\.tensor) == [tensor])
      #expect(report.violations.isEmpty)
      #expect(report.tensors.first { !$0.passed }?.causes.isEmpty == false)
    case .brokenRule(let rule):
      #expect(report.violations.map(\.rule) == [rule])
      #expect(report.tensors.filter { !$0.passed }.isEmpty)
    }
  }
}

extension BrokenLayer: CustomTestStringConvertible {
  /// The member's name.
  public var testDescription: String { name }
}
