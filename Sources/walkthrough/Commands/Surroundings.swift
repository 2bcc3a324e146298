import Foundation

/// What has to be there before any command can work.
enum Surroundings {
  /// Throws where names of files can't be told, or descriptors are so few that the first library to want
  /// one would end the process.
  static func check() throws(SurroundingsError) {
    for (number, argument) in CommandLine.arguments.enumerated()
    where !isText(CommandLine.unsafeArgv[number]) {
      throw SurroundingsError(
        description:
          "argument \(number), \"\(argument)\", isn't UTF-8: rename the file that it names")
    }
    if let folder = getcwd(nil, 0) {
      defer { free(folder) }
      guard isText(folder) else {
        throw SurroundingsError(
          description:
            "the name of the current folder, \"\(String(cString: folder))\", isn't UTF-8: "
            + "start from another one")
      }
    }
    let descriptors = (0..<leastDescriptors).map { _ in open("/dev/null", O_RDONLY) }
    for descriptor in descriptors where descriptor >= 0 { close(descriptor) }
    guard descriptors.allSatisfy({ $0 >= 0 }) else {
      throw SurroundingsError(
        description:
          "needs \(leastDescriptors) file descriptors more than this process is given: raise "
          + "its limit (ulimit -n)")
    }
  }

  /// The files of a database and its writer, of signals and of two threads' waiting, and as many again.
  private static let leastDescriptors = 16

  private static func isText(_ bytes: UnsafeMutablePointer<CChar>?) -> Bool {
    bytes.flatMap { String(validatingCString: $0) } != nil
  }
}

/// Surroundings in which no command can work.
struct SurroundingsError: Error, CustomStringConvertible {
  let description: String
}
