import ArgumentParser
import CaffeFormats
import CaffeTools
import Foundation
import Layers
import NetworkFiles
import WholeFiles

/// The door through which any other program can check this one.
struct Dump: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a network and writes every blob and gradient for numpy.",
    discussion: """
      It was called evaluate before; in this release that name still works. How accurate a network \
      is, the command test says.

      The door through which any other program can check this one: hand both the same .prototxt, \
      .caffemodel and .npy, or the same .onnx and .npy, and compare.

      The input is the .npy of the images (N×C×H×W), with the labels in a file of their own, or an \
      .npz with an array for each input of the network, under its blob's name. The number of images \
      may differ from what the .prototxt says, and where it says nothing of the size of images, as a \
      Data layer without crop_size, the input does. What a DummyData layer fills may be left out.

      An .onnx is run as it is, with its own weights, and forwards only. Its nodes are the layers, \
      <index> is a node's place in the file, and blobs are its values. Weights of any format that \
      convert-weights reads will do for a .prototxt or a network by name.

      The output is an .npz with, where <index> counts the layers of the phase from 00:
        top/<index>_<layer>/<blob>          a blob right after the layer ran
        bottom_grad/<index>_<layer>/<blob>  its gradient right after the layer ran backwards
        param/<layer>/<i>                   weights (0) and bias (1)
        param_grad/<layer>/<i>              their gradients
      so that layers in place show both their sides. Of a blob that several layers read, a gradient \
      is the sum of what has reached it so far.

        import numpy
        arrays = numpy.load("out.npz")
        print(arrays["top/01_conv1/conv1"].shape)
      """,
    aliases: ["evaluate"])

  enum PhaseChoice: String, CaseIterable, ExpressibleByArgument {
    case test, train

    var phase: Phase { self == .test ? .testing : .training }
  }

  @Option(help: "The network: a .prototxt or .onnx; mini if left out.")
  var net: String?

  @Option(help: "The network by name instead of --net: \(NetworkChoice.list).")
  var network: NetworkChoice?

  @Option(
    help: """
      Its weights: a .caffemodel, .safetensors, .pth, .onnx or .npz. An .onnx needs none; if left out, \
      those that come with mini, random ones for the other networks by name.
      """)
  var weights: String?

  @Option(help: "The images: an .npy, or an .npz with an array for each input.")
  var input: String

  @Option(help: "The labels: an .npy.")
  var label: String?

  @Option(help: "The phase: test or train.")
  var phase = PhaseChoice.test

  @Flag(help: "Run backwards too, and write the gradients.")
  var backward = false

  @Option(help: "Which version of the layers: reference, fast or tuned.")
  var version = Version.fast

  @OptionGroup var exactness: ExactOption

  @Option(help: "The precision: float or double; tuned has float only.")
  var precision = Precision.float

  @Option(
    parsing: .unconditional,
    help: "The start of all randomness: what dropout drops, as Caffe's random_seed has it.")
  var seed: UInt32 = 1

  @Option(help: "The .npz to write.")
  var output: String

  @OptionGroup var writing: Writing

  func validate() throws {
    guard net == nil || network == nil else {
      throw ValidationError("--net and --network both name a network: leave one out.")
    }
    guard net == nil || weights != nil || net.map(NetworkFile.isONNX) == true else {
      throw ValidationError("--net needs --weights: what that network has learnt.")
    }
    guard precision == .float || version.doubleBackend() != nil else {
      throw ValidationError(
        "--version \(version.rawValue) computes in Float only: leave out --precision double, or take "
          + "--version reference or fast.")
    }
  }

  func run() throws { try exactness { try runVersions() } }

  private func runVersions() throws {
    try writing.check(output, mark: .blobs, inputs: [net, weights, input, label])
    let trace = try NetworkTrace(
      net: net.map { URL(fileNamed: $0) }, network: network,
      weights: weights.map { URL(fileNamed: $0) }, input: URL(fileNamed: input),
      label: label.map { URL(fileNamed: $0) }, phase: phase.phase, backward: backward, seed: seed)
    let archive =
      if precision == .double, let backend = version.doubleBackend() {
        try trace.run(on: backend)
      } else {
        try trace.run(on: version.backend())
      }
    try archive.arrays.write(to: URL(fileNamed: output))
    for note in archive.notes {
      Output.say("walkthrough dump: \(Escaping.visible(note))\n")
    }
    print("wrote \(archive.arrays.names.count) arrays to \(output)")
  }
}
