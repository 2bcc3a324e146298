/// Stops the program, with a message, unless a condition holds that only a mistake in the program breaks.
///
/// As `precondition`, but a release build says the message too: there, `precondition` stops without a
/// word.
@usableFromInline
package func require(
  _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #file,
  line: UInt = #line
) {
  if !condition { fatalError(message(), file: file, line: line) }
}
