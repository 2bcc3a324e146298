/// What the first bytes of a file show it to be: for those who were handed something else than they
/// wanted.
package enum FileKind: CaseIterable, Sendable {
  case empty, gitLFSPointer, page, zip, legacyPyTorch, pickle, tar, gzip, hdf5, npy, safetensors

  /// Nil for bytes that begin like none of these.
  ///
  /// - Complexity: O(1).
  package init?(_ bytes: [UInt8]) {
    func hasText(_ text: String, at offset: Int = 0) -> Bool {
      bytes.dropFirst(offset).starts(with: text.utf8)
    }
    let start = String(decoding: bytes.prefix(256), as: UTF8.self).lowercased()
      .drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    if bytes.isEmpty {
      self = .empty
    } else if hasText("version https://git-lfs") {
      self = .gitLFSPointer
    } else if ["<!doctype", "<html", "<?xml"].contains(where: { start.hasPrefix($0) }) {
      self = .page
    } else if bytes.starts(with: [0x50, 0x4B, 3, 4]) || bytes.starts(with: [0x50, 0x4B, 5, 6]) {
      self = .zip
    } else if bytes.starts(with: Self.legacyMagic) {
      self = .legacyPyTorch
    } else if bytes.first == 0x80, bytes.count > 1, (2...5).contains(bytes[1]) {
      self = .pickle
    } else if hasText("ustar", at: 257) {
      self = .tar
    } else if bytes.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) {
      self = .hdf5
    } else if hasText("NUMPY", at: 1) {
      self = .npy
    } else if hasText("{\"", at: 8) {
      self = .safetensors
    } else {
      return nil
    }
  }

  /// The pickle of PyTorch's magic number, 0x1950a86a20f9469cfc6c, with which its files began before
  /// version 1.6.
  static let legacyMagic: [UInt8] = [
    0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]

  /// What it is, as the end of a sentence, and the way out.
  package var notice: (problem: String, remedy: String) {
    switch self {
    case .empty:
      ("is empty", "a download may have failed: fetch it again")
    case .gitLFSPointer:
      (
        "is a Git LFS pointer, a text that stands for the file",
        "fetch the file itself: `git lfs pull` in the clone, or the page's download link"
      )
    case .page:
      (
        "is an HTML or XML page, not the file",
        "the server answered with a page: fetch the file by its download link"
      )
    case .zip:
      (
        "is a zip archive, as .pth files of PyTorch and .npz files of numpy are",
        "give it the ending that it should have"
      )
    case .legacyPyTorch:
      ("is a .pth file of PyTorch", "give it the ending .pth")
    case .pickle:
      (
        "is a pickle, a program for Python, which is not run",
        "if you trust it, load it in Python and write its tensors with safetensors or numpy.savez"
      )
    case .tar:
      (
        "is a tar archive, as PyTorch's first versions wrote",
        "if you trust it, rewrite it in Python: "
          + "torch.save(torch.load(file, weights_only=False), new_file)"
      )
    case .gzip:
      ("is compressed by gzip", "unpack it first: gunzip, or tar -xzf")
    case .hdf5:
      (
        "is an HDF5 file, which is not read",
        "Caffe writes the other form with snapshot_format: BINARYPROTO"
      )
    case .npy:
      ("is an .npy file of numpy with one array", "numpy.savez makes an .npz of named arrays")
    case .safetensors:
      ("is a safetensors file", "give it the ending .safetensors")
    }
  }
}
