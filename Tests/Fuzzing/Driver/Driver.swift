import CFuzzer
import FuzzTargets

/// The fuzzers, in one program: it runs the target that the name it is called by ends with, as in
/// `fuzz-png`. `script/fuzz` makes the links of these names; all arguments are libFuzzer's.
@main
enum Driver {
  static let target = CommandLine.arguments.first.flatMap { program in
    FuzzTarget.allCases.first { program.hasSuffix("fuzz-\($0)") }
  }

  static func main() {
    guard target != nil else {
      fatalError("call this program by a name that ends in fuzz-TARGET, as script/fuzz does")
    }
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    _ = LLVMFuzzerRunDriver(&count, &arguments) { data, size in
      do {
        try Driver.target?.run([UInt8](UnsafeBufferPointer(start: data, count: size)))
      } catch {
        // A trap is what libFuzzer takes for a finding.
        fatalError("\(error)")
      }
      return 0
    }
  }
}
