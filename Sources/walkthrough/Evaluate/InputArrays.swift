import Foundation
import NumPyFiles
import WholeFiles

/// What is fed to a network: an array for each input, or one that goes to the images.
struct InputArrays {
  /// The arrays by the names of their blobs; the images of a plain `.npy` under "".
  private var arrays: [String: NumPyArray] = [:]
  /// Where each came from, for error messages.
  private var files: [String: String] = [:]
  private let labels: (array: NumPyArray, file: String)?

  init(input: URL, label: URL?) throws {
    labels = try label.map { (try NumPyArray(contentsOf: $0), $0.relativePath) }
    // Told apart by their first bytes: an .npz is a zip archive.
    if try WholeFile.read(input).starts(with: [0x50, 0x4B]) {
      let archive = try NumPyArchive(contentsOf: input)
      for name in archive.names {
        arrays[name] = archive[name]
        files[name] = "\(input.relativePath)(\(name))"
      }
    } else {
      arrays[""] = try NumPyArray(contentsOf: input)
      files[""] = input.relativePath
    }
  }

  /// The array for an input, and the file it came from.
  func array(for blob: String, isImages: Bool, isLabels: Bool) -> (array: NumPyArray, file: String)?
  {
    if isLabels, let labels { return labels }
    if let array = arrays[blob] { return (array, files[blob] ?? "") }
    if isImages, let array = arrays[""] { return (array, files[""] ?? "") }
    return nil
  }

  /// The names of arrays that belong to no input.
  func unknown(among blobs: [String]) -> [String] {
    arrays.keys.filter { !$0.isEmpty && !blobs.contains($0) }.sorted()
  }

  /// Whether labels were given in a file of their own.
  var hasLabels: Bool { labels != nil }
}
