import CCrypto
import Foundation

/// What a browser may do with a page: apply its own style sheet, run its own script, both known by
/// their hashes, and show pictures that stand in it. All else is forbidden: styles, handlers and scripts
/// that a name might have smuggled in, everything from outside, and strings that a script makes
/// elements or code of.
struct ContentPolicy {
  /// The directives, for `Content-Security-Policy`.
  let text: String

  /// - Throws: `ContentPolicyError` when the library computes no hash.
  init(style: OwnCode, script: OwnCode) throws(ContentPolicyError) {
    text = [
      "default-src 'none'", "img-src data:", "style-src \(try Self.source(style))",
      "script-src \(try Self.source(script))", "base-uri 'none'", "form-action 'none'",
      "require-trusted-types-for 'script'", "trusted-types 'none'",
    ].joined(separator: "; ")
  }

  /// The SHA-256 of an element's text, as a source of the policy.
  private static func source(_ code: OwnCode) throws(ContentPolicyError) -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    let bytes = Array(code.text.utf8)
    // The bounds: the bytes are read to their count, and a digest has SHA256_DIGEST_LENGTH bytes.
    guard SHA256(bytes, bytes.count, &digest) != nil else { throw ContentPolicyError() }
    return "'sha256-\(Data(digest).base64EncodedString())'"
  }
}

/// The library computed no hash.
struct ContentPolicyError: Error, CustomStringConvertible {
  let description = "the page can't be written: libcrypto computes no SHA-256"
}
