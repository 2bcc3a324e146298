import ArgumentParser
import Dispatch
import Foundation
import Synchronization
import Tensors

/// What a process has to do when its terminal, or whoever is behind it, sends a signal.
///
/// Handlers are called in the middle of anything, so they do nothing but what POSIX allows there:
/// they write to descriptors, and set or raise signals.
enum TerminalSignals {
  /// Takes the signals of a terminal. From now on `wakeUps` tells when the window has another size,
  /// or the process goes on after a stop.
  ///
  /// A process ended from outside (Ctrl-C, `kill`, a window that is closed) or stopped (Ctrl-Z) may
  /// leave colours or half a line behind in its terminal: they are taken back. It ends by that same
  /// signal, which shells show as the exit code 128 + its number.
  static func take() {
    _ = wakeUpPipe
    _ = isLeavingNow
    _ = readsKeys
    _ = lineSettings
    handle(SIGWINCH, by: wakeUp)
    handle(SIGCONT, by: hasTerminal ? resume : wakeUp)
    guard hasTerminal else { return }
    for number in [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP] {
      handle(number, by: resetStyleAndGoOn)
    }
  }

  /// Whether a signal is about to end or to stop the process. What another thread wrote to the terminal
  /// now would stand behind what the handler has left there.
  static var isLeaving: Bool { isLeavingNow.load(ordering: .acquiring) }

  /// The descriptor from which the number of each signal that was watched for can be read, a byte
  /// each. Reading never waits.
  static var wakeUps: Int32 { wakeUpPipe.reader }

  /// Has keys come as they are pressed, and doesn't show them. Whatever ends or stops the process gives
  /// the terminal's settings back.
  static func readKeys() {
    guard !readsKeys.load(ordering: .acquiring), tcgetattr(STDIN_FILENO, &lineSettings) == 0
    else { return }
    var settings = lineSettings
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
    readsKeys.store(true, ordering: .releasing)
    tcsetattr(STDIN_FILENO, TCSANOW, &settings)
  }

  /// Has whole lines come again.
  static func readLines() { giveSettingsBack() }

  private static func handle(_ number: Int32, by handler: @escaping @convention(c) (Int32) -> Void)
  {
    let before = signal(number, handler)
    // Whoever started the process may have had one ignored, as nohup does.
    if unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
      signal(number, SIG_IGN)
    }
  }
}

/// Where escape sequences are written: results in colour or progress, which is never shown where
/// none may be; −1 where it is nowhere.
private let styledDescriptor: Int32 =
  Terminal.isPlain ? -1 : [STDOUT_FILENO, STDERR_FILENO].first { isatty($0) == 1 } ?? -1

/// Whether there is a terminal to be left as it was.
private let hasTerminal = styledDescriptor >= 0 || isatty(STDIN_FILENO) == 1

private let isLeavingNow = Atomic(false)

/// Whether the terminal gives keys instead of lines, and its settings from before. Written by one thread,
/// before `readsKeys` says so.
private let readsKeys = Atomic(false)
nonisolated(unsafe) private var lineSettings = termios()

private func giveSettingsBack() {
  guard readsKeys.exchange(false, ordering: .acquiringAndReleasing) else { return }
  tcsetattr(STDIN_FILENO, TCSANOW, &lineSettings)
}

/// A pipe from the handlers to whoever waits; both ends are −1, on which nothing happens, where the
/// system has none left.
private let wakeUpPipe: (reader: Int32, writer: Int32) = {
  var ends: [Int32] = [-1, -1]
  guard pipe(&ends) == 0 else { return (-1, -1) }
  for end in ends {
    _ = fcntl(end, F_SETFL, O_NONBLOCK)
    _ = fcntl(end, F_SETFD, FD_CLOEXEC)
  }
  return (ends[0], ends[1])
}()

/// Takes colours back, then lets the signal do what it would have done.
private func resetStyleAndGoOn(_ number: Int32) {
  isLeavingNow.store(true, ordering: .releasing)
  giveSettingsBack()
  let reset: StaticString = "\u{1B}[0m\n"
  if styledDescriptor >= 0 {
    _ = write(styledDescriptor, reset.utf8Start, reset.utf8CodeUnitCount)
  }
  signal(number, SIG_DFL)
  // Held back until this handler returns.
  raise(number)
}

/// After a stop: the next one has to be handled as this one was.
private func resume(_ number: Int32) {
  isLeavingNow.store(false, ordering: .releasing)
  signal(SIGTSTP, resetStyleAndGoOn)
  wakeUp(number)
}

private func wakeUp(_ number: Int32) {
  var byte = UInt8(truncatingIfNeeded: number)
  _ = write(wakeUpPipe.writer, &byte, 1)
}

/// Remembers that the user (Ctrl-C), the system (SIGTERM) or a terminal that goes away (SIGHUP) wants the
/// process to end, so that a run can finish its iteration first. Asked a second time, the process ends at
/// once.
final class Interruption {
  private final class Signal: Sendable {
    let number = LockedState<Int32?>(nil)
  }

  private let received = Signal()
  private let sources: [any DispatchSourceSignal]

  /// Takes SIGINT, SIGTERM and SIGHUP from now on, and others if asked to, as long as this lives; not one
  /// that whoever started the process has had ignored, as nohup does.
  init(also others: [Int32] = []) {
    let queue = DispatchQueue(label: "signals", qos: .userInteractive)
    sources = ([SIGINT, SIGTERM, SIGHUP] + others).compactMap { [received] number in
      // Not SIG_IGN: what is ignored stays so in every program that is started meanwhile.
      let before = signal(number) { _ in }
      guard unsafeBitCast(before, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self) else {
        signal(number, SIG_IGN)
        return nil
      }
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [received] in
        received.number.withLock { $0 = $0 ?? number }
        source.cancel()
      }
      source.setCancelHandler { signal(number, before) }
      source.resume()
      return source
    }
  }

  deinit {
    for source in sources { source.cancel() }
  }

  /// Whether a signal has come.
  var hasCome: Bool { received.number.withLock { $0 != nil } }

  /// Says how to go on with a run that was stopped.
  ///
  /// - Parameters:
  ///   - iteration: how many iterations it had taken.
  ///   - arguments: what `walkthrough train` has to be told to go on.
  /// - Returns: the code to exit with.
  func farewell(iteration: Int, resuming arguments: [String]) -> ExitCode {
    let words = arguments.map(Self.quoted).joined(separator: " ")
    Output.say("stopped after iteration \(iteration). Go on with: walkthrough train \(words)\n")
    return exitCode
  }

  /// A word as a shell takes it.
  static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      switch Unicode.Scalar(byte) {
      case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", "/", ",", ":", "+", "@", "%", "=": true
      default: false
      }
    }
    if isPlain && !word.isEmpty { return word }
    // By scalars: to Swift, a quotation mark with a combining mark after it is another character.
    let escaped = word.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }
    return "'\(escaped.joined())'"
  }

  /// The exit code of a process that a signal ended, 128 + its number.
  var exitCode: ExitCode { ExitCode(128 + (received.number.withLock { $0 } ?? SIGINT)) }
}
