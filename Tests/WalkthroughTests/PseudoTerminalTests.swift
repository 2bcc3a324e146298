import Foundation
import Testing

@Suite(
  "the tour in a terminal",
  .enabled(
    if: Tools.walkthrough != nil && Tools.python != nil, "no python3 in PATH"))
struct PseudoTerminalTests {
  @Test("goes where it is told, follows the window, and leaves the terminal as it was")
  func tour() throws {
    let program = try #require(Tools.walkthrough)
    let problems = try Tools.problems("Terminal/check_tour.py", [program.path])
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }
}
