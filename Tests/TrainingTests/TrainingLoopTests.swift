import Foundation
import Testing
import Training

@Suite("The loop of training")
struct TrainingLoopTests {
  /// What happens in a run of the small network, in its order: steps by number, tests and snapshots
  /// with the number of steps taken.
  private func events(
    _ schedule: TrainingLoop.Schedule, from iteration: Int = 0, interruptedAt stop: Int? = nil
  ) throws -> (events: String, ending: TrainingLoop.Ending) {
    let run = try smallRun()
    for _ in 0..<iteration { try run.step() }
    var events: [String] = []
    let ending = try TrainingLoop(run, schedule: schedule).run(
      test: { events.append("test\(run.solver.iteration)") },
      snapshot: {
        events.append("snapshot\(run.solver.iteration)")
        return URL(filePath: "\(run.solver.iteration)")
      },
      isInterrupted: { run.solver.iteration == stop },
      didStep: { step in
        #expect(step.iteration == run.solver.iteration)
        #expect(step.loss == run.log.losses.last)
        #expect(step.learningRate == 0.05 && step.imagesPerSecond > 0)
        events.append("\(step.iteration)")
      })
    return (events.joined(separator: " "), ending)
  }

  @Test("tests right after a step, before the snapshot, and always in the end")
  func testsAfterSteps() throws {
    let plain = try events(.init(iterations: 5, testInterval: 2, snapshotInterval: 2))
    #expect(plain.events == "1 2 test2 snapshot2 3 4 test4 snapshot4 5 test5")
    let last = try events(
      .init(iterations: 3, snapshotInterval: 2, takesLastSnapshot: true))
    #expect(last.events == "1 2 snapshot2 3 test3 snapshot3")
    #expect(try events(.init(iterations: 2)).events == "1 2 test2")
  }

  @Test("tests before the next step as Caffe does, after the snapshot")
  func testsBeforeSteps() throws {
    func schedule(first: Bool, last: Bool) -> TrainingLoop.Schedule {
      .init(
        iterations: 5, testInterval: 2, testTime: .beforeStep(first: first), snapshotInterval: 2,
        takesLastSnapshot: last)
    }
    #expect(
      try events(schedule(first: true, last: true)).events
        == "test0 1 2 snapshot2 test2 3 4 snapshot4 test4 5 snapshot5")
    #expect(
      try events(schedule(first: false, last: false)).events
        == "1 2 snapshot2 test2 3 4 snapshot4 test4 5")
    // A run that goes on tests first what it goes on from.
    #expect(try events(schedule(first: false, last: false), from: 4).events == "test4 5")
  }

  @Test("an interruption leaves a snapshot and takes no further step")
  func interruption() throws {
    let stopped = try events(.init(iterations: 5, testInterval: 2), interruptedAt: 3)
    #expect(stopped.events == "1 2 test2 3 snapshot3")
    guard case .interrupted(let file) = stopped.ending else {
      Issue.record("it went on to the end")
      return
    }
    #expect(file?.relativePath == "3")
    guard case .finished = try events(.init(iterations: 2)).ending else {
      Issue.record("it didn't end")
      return
    }
  }

  @Test("a run that stands at its end takes no step, and its last snapshot if it is to")
  func nothingLeft() throws {
    #expect(try events(.init(iterations: 3), from: 3).events == "")
    let last = TrainingLoop.Schedule(
      iterations: 3, snapshotInterval: 2, takesLastSnapshot: true)
    #expect(try events(last, from: 3).events == "snapshot3")
  }
}
