import Foundation
import NumPyFiles
import Tensors
import Testing
import WholeFiles

@testable import walkthrough

private let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Fixtures/caffe")

/// Runs `dump` on the small network of the fixtures, and gives back what it wrote.
private func dump(_ options: String..., into folder: URL) throws -> NumPyArchive {
  let tiny = fixtures.appending(path: "tiny35").path
  let output = folder.appending(path: "out.npz")
  var arguments = ["dump", "--net", tiny + "/net.prototxt", "--output", output.path]
  if !options.contains("--input") { arguments += ["--input", tiny + "/data.npy"] }
  if !options.contains("--label") { arguments += ["--label", tiny + "/label.npy"] }
  if !options.contains("--weights") { arguments += ["--weights", tiny + "/weights.caffemodel"] }
  var command = try Walkthrough.parseAsRoot(arguments + options)
  try command.run()
  return try NumPyArchive(contentsOf: output)
}

private func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "dump-\(UUID())")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

@Suite("walkthrough dump")
struct DumpTests {
  /// A database named there is not opened, and so may be in any format.
  @Test("takes the size of images from the input where a data layer doesn't crop")
  func uncropped() throws {
    try withFolder { folder in
      let tiny = fixtures.appending(path: "tiny35")
      let expected = try dump(into: folder)
      let net = try String(contentsOf: tiny.appending(path: "net.prototxt"), encoding: .utf8)
      let layers = try #require(net.range(of: "layer { name: \"conv1\""))
      for kind in [
        "type: \"Data\" data_param { source: \"db\" batch_size: 7 }",
        "type: \"ImageData\" image_data_param { source: \"list\" batch_size: 7 }",
      ] {
        let file = folder.appending(path: "net.prototxt")
        let data = "layer { name: \"data\" top: \"data\" top: \"label\" \(kind) }\n"
        try Data((data + net[layers.lowerBound...]).utf8).write(to: file)
        let output = folder.appending(path: "out.npz")
        var command = try Walkthrough.parseAsRoot([
          "dump", "--net", file.path, "--weights", tiny.path + "/weights.caffemodel", "--input",
          tiny.path + "/data.npy", "--label", tiny.path + "/label.npy", "--output", output.path,
        ])
        try command.run()
        let found = try NumPyArchive(contentsOf: output)
        #expect(found.names == expected.names)
        for name in found.names { #expect(found[name] == expected[name], "\(name)") }
      }
    }
  }

  @Test("names what was given in place of an input, and misses the folder of the output first")
  func wrongFiles() throws {
    let weights = fixtures.appending(path: "tiny35/weights.caffemodel").path
    let error = #expect(throws: FileError.self) {
      try withFolder { try dump("--input", weights, into: $0) }
    }
    #expect(
      error?.description
        == "\(weights): is Caffe's weights (.caffemodel), which --weights takes; the input is an .npy or "
        + "an .npz")
    let missing = #expect(throws: FileError.self) {
      try withFolder { try dump("--input", weights, into: $0.appending(path: "missing")) }
    }
    #expect(missing?.problem == "cannot be written: No such file or directory")
  }

  @Test(
    "agrees with Caffe in every blob and gradient",
    arguments: [
      ("reference", "float"), ("reference", "double"), ("fast", "float"), ("fast", "double"),
      ("tuned", "float"),
    ])
  func tiny(version: String, precision: String) throws {
    let written = try withFolder {
      try dump(
        "--backward", "--phase", "train", "--version", version, "--precision", precision, into: $0)
    }
    let doubles = try NumPyArchive(contentsOf: fixtures.appending(path: "tiny35/float64.npz"))
    // Caffe's keys, and what they are called here.
    let kinds = [("top__", "top/"), ("bgrad__", "bottom_grad/"), ("pgrad__", "param_grad/")]
    var compared = 0
    for name in doubles.names {
      let (prefix, kind) = try #require(kinds.first { name.hasPrefix($0.0) })
      let rest = String(name.dropFirst(prefix.count))
      let key =
        kind == "param_grad/"
        ? kind + rest.replacingOccurrences(of: "_", with: "/")
        : kind + rest.replacingOccurrences(of: "__", with: "/")
      let expected = try #require(doubles[name]).tensor(as: Double.self)
      let actual = try #require(written[key], "no \(key)").tensor(as: Double.self)
      // A scalar has no axes here and in Caffe, but one in the fixtures.
      #expect(actual.shape == (key == "top/09_loss/loss" ? Shape() : expected.shape), "\(key)")
      // Float: what the fixtures' README allows. Double: the same, times the ratio of the two
      // precisions' steps, 2^-29.
      let tolerance = precision == "float" ? 1e-5 : 2e-14
      let difference = actual.largestDifference(to: expected)
      #expect(difference <= tolerance * expected.largestMagnitude, "\(key)")
      compared += 1
    }
    #expect(compared == 26)
    #expect(written.names.count { $0.hasPrefix("param/") } == 6)
    #expect(written.names.count == 32)
  }

  @Test("refuses Double of a version that has Float only")
  func tunedInDouble() throws {
    try withFolder { folder in
      let error = #expect(throws: (any Error).self) {
        try dump("--version", "tuned", "--precision", "double", into: folder)
      }
      let message = error.map { Walkthrough.message(for: $0) }
      #expect(message?.contains("--version tuned computes in Float only") == true)
    }
  }

  @Test("takes an .npz with an array for each input, and any number of images")
  func archive() throws {
    try withFolder { folder in
      var inputs = NumPyArchive()
      inputs["data"] = NumPyArray(Tensor<Float>(Shape(2, 3, 35, 35), repeating: 1))
      inputs["label"] = NumPyArray([3, 4])
      let file = folder.appending(path: "in.npz")
      try inputs.write(to: file)
      let tiny = fixtures.appending(path: "tiny35").path
      let output = folder.appending(path: "out.npz")
      var command = try Walkthrough.parseAsRoot([
        "dump", "--net", tiny + "/net.prototxt", "--weights", tiny + "/weights_v1.caffemodel",
        "--input", file.path, "--output", output.path,
      ])
      try command.run()
      let written = try NumPyArchive(contentsOf: output)
      #expect(written["top/08_fc3/fc3"]?.shape == Shape(2, 10))
      #expect(!written.names.contains { $0.contains("grad") })
    }
  }

  @Test("says what is wrong with what it is given, and writes nothing")
  func refusals() throws {
    try withFolder { folder in
      let wrong = folder.appending(path: "wrong.npy")
      try NumPyArray(Tensor<Float>(Shape(4, 3, 35, 34))).write(to: wrong)
      let error = #expect(throws: (any Error).self) {
        try dump("--input", wrong.path, into: folder)
      }
      #expect(
        "\(error.map(String.init(describing:)) ?? "")".hasSuffix(
          "wrong.npy: has shape 4×3×35×34; \"data\" needs 4×3×35×35, with any number of images"))
      let missing = #expect(throws: (any Error).self) {
        try dump("--weights", folder.appending(path: "no.caffemodel").path, into: folder)
      }
      #expect(
        "\(missing.map(String.init(describing:)) ?? "")".hasSuffix(
          "no.caffemodel: cannot be opened: No such file or directory"))
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "out.npz").path))
    }
  }
}

@Suite("walkthrough prototxt and lint")
struct PrototxtCommandTests {
  @Test("write what caffenet.py writes, and find what is wrong with it")
  func files() throws {
    try withFolder { folder in
      var command = try Walkthrough.parseAsRoot([
        "prototxt", "--output", folder.appending(path: "new").path,
      ])
      try command.run()
      for phase in ["train", "test"] {
        let file = folder.appending(path: "new/\(phase).prototxt")
        let golden = fixtures.appending(path: "caffenet/\(phase).upb.prototxt")
        #expect(try Data(contentsOf: file) == Data(contentsOf: golden))
        var lint = try Walkthrough.parseAsRoot(["lint", file.path])
        #expect(throws: (any Error).self) { try lint.run() }
      }
      var forms = try Walkthrough.parseAsRoot([
        "prototxt", "--named", "--deploy", "--network", "mini", "--output", folder.path,
      ])
      try forms.run()
      for name in ["train_val", "deploy"] {
        var lint = try Walkthrough.parseAsRoot([
          "lint", folder.appending(path: "\(name).prototxt").path,
        ])
        try lint.run()
      }
    }
  }
}
