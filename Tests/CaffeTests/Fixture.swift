import Foundation
import NumPyFiles
import Tensors
import Testing

/// The arrays that Caffe computed, from `Tests/Fixtures/caffe`.
enum Fixture {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/caffe")

  static func archive(_ path: String) throws -> NumPyArchive {
    try NumPyArchive(contentsOf: folder.appending(path: path))
  }

  static func array(_ path: String) throws -> NumPyArray {
    try NumPyArray(contentsOf: folder.appending(path: path))
  }

  static func tensor<Scalar>(_ archive: NumPyArchive, _ name: String) throws -> Tensor<Scalar> {
    try #require(archive[name], "no array \(name)").tensor()
  }

  static func labels(_ archive: NumPyArchive, _ name: String) throws -> [Int] {
    try #require(archive[name], "no array \(name)").integers()
  }
}
