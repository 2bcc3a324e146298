import Foundation
import Tensors
import TestTools
import Testing
import WholeFiles

@testable import NumPyFiles

private let numpyIsPresent = Python.installed.has("numpy")

@Suite struct PythonTests {
  @Test(.enabled(if: numpyIsPresent, "python3 with numpy is not installed"), arguments: [nil, 0])
  func numpyReadsWhatIsWrittenHere(limit: Int?) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).npz")
    defer { try? FileManager.default.removeItem(at: file) }
    var archive = NumPyArchive()
    archive["top/größe"] = NumPyArray(Tensor(Shape(2, 3), [0, 1, 2, 3, 4, 5] as [Float]))
    archive["doubles"] = NumPyArray(Tensor(Shape(), [0.1] as [Double]))
    archive["labels"] = NumPyArray([-1, 7])
    archive["empty"] = NumPyArray(Tensor<Float>(Shape(0, 4)))
    let pieces = try archive.pieces(place: FilePlace(file: "a"), limit: limit ?? 0xFFFF_FFFE)
    try Data(pieces.joined()).write(to: file)
    let program = """
      import numpy, sys, zipfile
      assert zipfile.ZipFile(sys.argv[1]).testzip() is None
      z = numpy.load(sys.argv[1])
      for k in z.files: print(ascii(k), z[k].dtype, z[k].tolist())
      """
    #expect(
      Python.installed.output(of: program, file.path) == """
        'top/gr\\xf6\\xdfe' float32 [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
        'doubles' float64 0.1
        'labels' int64 [-1, 7]
        'empty' float32 []

        """)
  }
}
