/// The style sheet of a page: that of all pages, and a rule for each share that the page's elements ask
/// for. Lengths of bars and depths of colours stand there, as the policy lets no element have a style
/// of its own.
enum PageStyle {
  /// The attribute by which an element asks for a share.
  static let attribute = "data-share"

  /// A share from 0 to 1 in thousandths; 0 for what is no number.
  static func thousandths(_ share: Double) -> Int {
    share.isFinite ? Int((min(max(share, 0), 1) * 1000).rounded()) : 0
  }

  /// The text of the style sheet.
  static func code(shares: Set<Int>) -> OwnCode {
    OwnCode(
      PackageResources.page_css, PackageResources.live_css,
      rules: shares.sorted().map { "[\(attribute)=\"\($0)\"] { --share: \(decimal($0)); }\n" }
        .joined())
  }

  private static func decimal(_ thousandths: Int) -> String {
    String(Double(thousandths) / 1000)
  }
}
