/// A trick of the tuned layers that an engine can do without, so that its gain can be measured. The
/// layers of this module have none of them.
///
/// The results are the same but for rounding. Tricks that change what is computed, and not how, are
/// left out elsewhere: `Network` fuses no ReLU unless asked to, and asks for no gradient of images.
public enum Trick: String, CaseIterable, Sendable {
  /// Multiply `Float`s by `MatrixProduct` in builds for AVX-512. Without: by OpenBLAS.
  case ownProduct = "own-product"
  /// Let that product have what it needs next in the caches: blocks, panels copied while they are
  /// multiplied, lines fetched ahead. Without: whole matrices, and panels copied first.
  case cachedProduct = "cached-product"
  /// Convolve eight images at a time, their channels last: nothing is multiplied by the padding's
  /// zeros, and no columns are built. Without: by im2col.
  case channelsLast = "channels-last"
  /// Build a convolution's columns for a few channels at a time, so that they are multiplied while
  /// they are in the cache. Without: for all channels.
  case channelSlices = "channel-slices"
  /// Let small images share a product of a convolution. Without: a product for each image.
  case sharedProducts = "shared-products"
  /// Cut a convolution over few images by kernels. Without: by rows, images and groups alone.
  case kernelPieces = "kernel-pieces"
  /// Copy a channel as a whole where the output is as wide as the input. Without: row by row.
  case wholePlanes = "whole-planes"
  /// Split rows by the remainder of x before a convolution with a stride reads them. Without: read
  /// every s-th element for each weight.
  case splitRows = "split-rows"
  /// Slide pooling windows over a plane in vectors. Without: visit them one by one.
  case slidingWindows = "sliding-windows"
  /// Compute s^−¾ by Newton's method in vectors. Without: by the library's power.
  case inverseRoot = "inverse-root"
  /// Read the weights of an inner product once for up to 16 images. Without: multiply matrices.
  case fewImages = "few-images"
  /// Multiply an image with four rows of weights at a time. Without: with one after the other.
  case fourRows = "four-rows"
  /// Apply a ReLU in the pass that writes a layer's output. Without: in one of its own.
  case fusedReLU = "fused-relu"

  /// The tricks in whose place it works: to see what it gains, they are left out as well.
  ///
  /// - Complexity: O(1).
  public var rivals: Set<Trick> {
    switch self {
    case .channelSlices, .sharedProducts, .kernelPieces, .wholePlanes, .splitRows: [.channelsLast]
    default: []
    }
  }
}

extension Engine {
  /// Whether the tuned layers use a trick.
  ///
  /// - Complexity: O(1).
  public func uses(_ trick: Trick) -> Bool { !omitted.contains(trick) }
}
