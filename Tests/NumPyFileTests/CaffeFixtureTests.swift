import Foundation
import NumPyFiles
import Tensors
import Testing

@Suite struct CaffeFixtureTests {
  @Test func archivesOfCaffeAreRead() throws {
    let tops = try NumPyArchive(contentsOf: fixture("caffe/tiny35/tops.npz"))
    #expect(tops.names.count == 11)
    let conv1 = try #require(tops["01_conv1__conv1"])
    #expect(conv1.shape == Shape(4, 8, 16, 16))
    #expect(conv1.elementType == .float32)

    let wide = try NumPyArchive(contentsOf: fixture("caffe/tiny35/float64.npz"))
    let same = try #require(wide["top__01_conv1__conv1"]).tensor(as: Double.self)
    let magnitude = same.largestMagnitude
    // Caffe's single precision is within 6e-7 of its double precision on this net.
    #expect(conv1.tensor(as: Double.self).largestDifference(to: same) < 1e-6 * magnitude)
  }

  @Test func labelsSavedAsFloatsAreWhole() throws {
    let labels = try NumPyArray(contentsOf: fixture("caffe/tiny35/label.npy"))
    #expect(labels.elementType == .float32)
    #expect(try labels.integers().allSatisfy { (0..<10).contains($0) })
  }
}
