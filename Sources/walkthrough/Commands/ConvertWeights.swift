import ArgumentParser
import CaffeFormats
import CaffeMessages
import Foundation
import NumPyFiles
import ONNXFiles
import Tensors
import TensorFiles
import WholeFiles

/// Weights from one program's file into another's.
struct ConvertWeights: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert-weights",
    abstract: "Converts weights between files of Caffe, PyTorch, ONNX and numpy.",
    discussion: """
      The endings say what the files are: .caffemodel, .safetensors and .npz are read and written, \
      .onnx, .pth and .pt only read (PyTorch reads .safetensors). Names and numbers stay as they are in the \
      file; numbers of 16 bits become floats. A .caffemodel has blobs of layers instead of names: \
      blob 0 of conv1 is conv1_0. The other way, conv1_0, conv1.weight and conv1_w_0 become blob 0 \
      of conv1; conv1_1, conv1.bias and conv1_b_0 blob 1. Nothing is transposed, and nothing in a \
      .pth is executed.
      """)

  @Argument(help: "The file to read.")
  var input: String

  @Argument(help: "The file to write. It appears whole or not at all.")
  var output: String

  @OptionGroup var writing: Writing

  func run() throws {
    let (source, target) = (URL(fileNamed: input), URL(fileNamed: output))
    // The target first: it is known before anything has been read.
    let format = try WeightFile.Format(ofOutput: output)
    try writing.check(output, inputs: [input])
    let file = try WeightFile(contentsOf: source)
    try file.write(to: target, as: format)
    var count = 0
    for name in file.tensors.names {
      guard let array = file.tensors[name] else { continue }
      print("\(Escaping.visible(name))  \(array.shape)  \(array.elementType.rawValue)")
      count += array.shape.count
    }
    print(
      "wrote \(Format.grouped(file.tensors.names.count)) tensors with \(Format.grouped(count)) "
        + "numbers: \(output)")
  }
}

/// Named tensors in any of the formats that are read.
struct WeightFile {
  /// The formats, by the endings of their files.
  enum Format: String, CaseIterable {
    case caffemodel, safetensors, npz, onnx, pth, pt

    init(of path: String, problem: String) throws(FileError) {
      let ending = path.split(separator: ".").last?.lowercased() ?? ""
      guard path.contains("."), let format = Self(rawValue: ending) else {
        throw FileError(path: path, problem: problem)
      }
      self = format
    }

    init(ofInput path: String) throws(FileError) {
      try self.init(
        of: path,
        problem: "the name must end in .caffemodel, .safetensors, .npz, .onnx, .pth or .pt")
    }

    init(ofOutput path: String) throws(FileError) {
      let problem = "the name must end in .caffemodel, .safetensors or .npz"
      try self.init(of: path, problem: problem)
      switch self {
      case .caffemodel, .safetensors, .npz: break
      case .onnx:
        throw FileError(path: path, problem: "\(problem): an .onnx has a graph beside its weights")
      case .pth, .pt:
        throw FileError(
          path: path,
          problem: "\(problem): PyTorch reads .safetensors with safetensors.torch.load_file")
      }
    }
  }

  /// The tensors by name, in the order of the file.
  private(set) var tensors = NumPyArchive()
  /// What a safetensors file says of itself.
  private(set) var metadata: [String: String] = [:]

  /// Reads a file whose ending says what it is.
  init(contentsOf url: URL) throws {
    switch try Format(ofInput: url.relativePath) {
    case .caffemodel:
      let model = try CaffeModel(contentsOf: url)
      for layer in model.message.layer {
        for (number, blob) in layer.blobs.enumerated() {
          let name = "\(layer.name)_\(number)"
          guard tensors[name] == nil else {
            throw FileError(path: url.relativePath, problem: "layer \"\(layer.name)\" occurs twice")
          }
          let part = "layer \"\(layer.name)\": blob \(number)"
          tensors[name] =
            blob.doubleData.isEmpty
            ? NumPyArray(try blob.tensor(as: Float.self, named: part, file: url.relativePath))
            : NumPyArray(try blob.tensor(as: Double.self, named: part, file: url.relativePath))
        }
      }
    case .safetensors:
      let file = try SafeTensors(contentsOf: url)
      (tensors, metadata) = (file.tensors, file.metadata)
    case .npz:
      tensors = try NumPyArchive(contentsOf: url)
      for name in tensors.names { tensors[name] = tensors[name]?.widened() }
    case .onnx:
      tensors = try ONNXModel(contentsOf: url).tensors()
    case .pth, .pt:
      tensors = try PyTorchFile(contentsOf: url).tensors
    }
  }

  /// Writes all tensors, or nothing.
  func write(to url: URL, as format: Format) throws {
    switch format {
    case .safetensors:
      // Some readers ask for the entry "format"; "pt" is what PyTorch's files say.
      try SafeTensors(tensors, metadata: metadata.isEmpty ? ["format": "pt"] : metadata)
        .write(to: url)
    case .npz: try tensors.write(to: url)
    case .caffemodel: try caffeModel(for: url.relativePath).write(to: url)
    case .onnx, .pth, .pt: _ = try Format(ofOutput: url.relativePath)
    }
  }

  /// The tensors as blobs of layers.
  private func caffeModel(for path: String) throws(FileError) -> CaffeModel {
    var names: [String] = []
    var blobs: [String: [Int: Caffe_BlobProto]] = [:]
    for name in tensors.names {
      guard let array = tensors[name] else { continue }
      let (layer, number) = try Self.place(of: name, path: path)
      let blob: Caffe_BlobProto
      switch array.elementType {
      case .float32: blob = Caffe_BlobProto(array.tensor(as: Float.self))
      case .float64: blob = Caffe_BlobProto(array.tensor(as: Double.self))
      default:
        throw FileError(
          path: path,
          problem: "\(name): a .caffemodel holds no numbers of type "
            + "\(array.elementType.rawValue), only floats and doubles")
      }
      if blobs[layer] == nil { names.append(layer) }
      guard blobs[layer, default: [:]].updateValue(blob, forKey: number) == nil else {
        throw FileError(
          path: path, problem: "\(name): blob \(number) of layer \"\(layer)\" has two tensors")
      }
    }
    var layers: [Caffe_LayerParameter] = []
    for name in names {
      let found = blobs[name] ?? [:]
      var layer = Caffe_LayerParameter()
      layer.name = name
      for number in 0..<found.count {
        guard let blob = found[number] else {
          throw FileError(
            path: path,
            problem: "layer \"\(name)\" has \(found.count) blobs, but none for number \(number)")
        }
        layer.blobs.append(blob)
      }
      // What Caffe doesn't look at, but who opens the file to see it.
      layer.type =
        ["InnerProduct": 2, "Convolution": 4]
        .first { $0.value == layer.blobs.first?.shape.dim.count }?.key ?? ""
      layers.append(layer)
    }
    return CaffeModel(layers: layers)
  }

  /// The layer and blob that a tensor's name means.
  static func place(
    of name: String, path: String
  ) throws(FileError) -> (layer: String, blob: Int) {
    for (ending, blob) in [(".weight", 0), (".bias", 1), ("_w_0", 0), ("_b_0", 1)]
    where name.hasSuffix(ending) && name.count > ending.count {
      return (String(name.dropLast(ending.count)), blob)
    }
    if let underscore = name.lastIndex(of: "_"), underscore > name.startIndex,
      let blob = Int(name[name.index(after: underscore)...]), (0..<100).contains(blob)
    {
      return (String(name[..<underscore]), blob)
    }
    throw FileError(
      path: path,
      problem: "\(name): a .caffemodel holds blobs of layers; the name must end in .weight, "
        + ".bias, _w_0, _b_0 or the blob's number, as conv1_0 does")
  }
}
