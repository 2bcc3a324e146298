import Foundation
import Testing

@Suite(
  "the program, when things go wrong around it",
  .enabled(
    if: Tools.walkthrough != nil && Tools.python != nil, "no python3 in PATH"),
  // A sanitizer's runtime takes signals and address space for itself.
  .disabled(
    if: ProcessInfo.processInfo.environment["SANITIZER"] != nil,
    "memory, pipes and signals are the plain program's"))
struct FaultTests {
  /// `script/faults` does the same at more moments, sizes and limits.
  @Test("says what is wrong, and leaves nothing half-written")
  func faults() throws {
    let program = try #require(Tools.walkthrough)
    let problems = try Tools.problems("Faults/check_faults.py", [program.path])
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }

  @Test("keeps its promises, whatever the command line and the files are")
  func habits() throws {
    let program = try #require(Tools.walkthrough)
    let problems = try Tools.problems("Faults/check_habits.py", [program.path])
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }
}
