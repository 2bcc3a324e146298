extension BrokenLayer {
  /// Every broken layer: convolution first, in the order of AlexNet's layers.
  public static let gallery: [BrokenLayer] =
    convolutions + pointwise + poolings + normalisations + innerProducts + losses + contracts

  /// The member of a name.
  ///
  /// - Returns: `nil` when there is none.
  /// - Complexity: O(members).
  public static func named(_ name: String) -> BrokenLayer? {
    gallery.first { $0.name == name }
  }
}
