import ArgumentParser
import CaffeFormats
import Foundation
import Networks
import WholeFiles

/// A network as Caffe's text files.
struct WritePrototxt: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prototxt", abstract: "Writes a network as Caffe's .prototxt files.",
    discussion: """
      Without options, train.prototxt and test.prototxt of CaffeNet, byte for byte what Caffe's \
      examples/pycaffe/caffenet.py writes. Those have automatic names and no fillers, and can't \
      learn: 'walkthrough lint' says why. With --named, train_val.prototxt, the form to train with; \
      with --deploy, deploy.prototxt, the form to classify with.
      """)

  @Option(help: "The folder to write into; it is made if it is missing.")
  var output = "."

  @Flag(help: "Write the named, trainable form: fillers, learning rates, a database a phase.")
  var named = false

  @Flag(help: "Write the form to classify with: images in, probabilities out.")
  var deploy = false

  @Option(
    help:
      "The network of --named and --deploy: caffenet, alexnet or mini. Torchvision's has no such form."
  )
  var network = NetworkChoice.caffenet

  @Option(help: "The database of training images.")
  var trainLmdb = Self.trainLmdb

  @Option(help: "The database of test images.")
  var testLmdb = Self.testLmdb

  private static let trainLmdb = "/path/to/caffe-train-lmdb"
  private static let testLmdb = "/path/to/caffe-val-lmdb"

  @OptionGroup var writing: Writing

  func validate() throws {
    guard named || deploy || network == .caffenet else {
      throw ValidationError(
        "--network \(network.rawValue): caffenet.py has CaffeNet only; add --named or --deploy.")
    }
    guard network != .torchvision else {
      throw ValidationError(
        "--network torchvision: Caffe has no layer that averages to 6×6, as torchvision's AlexNet does; "
          + "convert-weights writes that network as an .onnx.")
    }
    guard named || !deploy || trainLmdb == Self.trainLmdb && testLmdb == Self.testLmdb else {
      throw ValidationError(
        "--deploy has no database: leave out --train-lmdb and --test-lmdb, or add --named.")
    }
  }

  /// The files that are asked for: name and content.
  func files() throws -> [(name: String, text: String)] {
    var files: [(String, String)] = []
    if named {
      let definition = network.definition()
      let net = try definition.trainValForm(
        training: .init(source: trainLmdb, batchSize: 256),
        testing: .init(source: testLmdb, batchSize: 50), pixelScale: definition.transformer.scale)
      files.append(("train_val.prototxt", try net.prototxt()))
    }
    if deploy {
      files.append(
        ("deploy.prototxt", try network.definition().deployForm(batch: 10).prototxt()))
    }
    if files.isEmpty {
      // Python's print ends the text with a line of its own.
      let train = try CaffeFormats.caffenet(lmdb: trainLmdb).prototxt() + "\n"
      let test =
        try CaffeFormats.caffenet(lmdb: testLmdb, batchSize: 50, includeAccuracy: true)
        .prototxt() + "\n"
      files = [("train.prototxt", train), ("test.prototxt", test)]
    }
    return files
  }

  func run() throws {
    let folder = URL(fileNamed: output)
    let files = try files()
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError(path: output, problem: "cannot be made: \(error.localizedDescription)")
    }
    for file in files {
      let path = folder.appending(path: file.name).relativePath
      try writing.check(path, content: Array(file.text.utf8))
    }
    for file in files {
      let url = folder.appending(path: file.name)
      try WholeFile.write(Array(file.text.utf8), to: url)
      print("wrote \(url.relativePath)")
    }
  }
}
