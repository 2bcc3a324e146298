import CaffeFormats
import CaffeMessages
import Foundation
import NumPyFiles
import ONNXFiles
import TensorFiles
import Tensors
import WholeFiles

/// Weights in any of the formats that are read.
package struct WeightFile {
  /// The formats, by the endings of their files.
  package enum Format: String, CaseIterable {
    case caffemodel, safetensors, npz, onnx, pth, pt, bin

    /// The format of a file to be read.
    package init(ofInput path: String) throws(FileError) {
      try self.init(
        of: path,
        problem: "the name must end in .caffemodel, .safetensors, .npz, .onnx, .pth, .pt or .bin")
    }

    /// The format of a file to be written.
    package init(ofOutput path: String) throws(FileError) {
      let problem = "the name must end in .caffemodel, .safetensors, .npz or .onnx"
      try self.init(of: path, problem: problem)
      guard ![.pth, .pt, .bin].contains(self) else {
        throw FileError(
          path: path,
          problem: "\(problem): PyTorch reads .safetensors with safetensors.torch.load_file")
      }
    }

    private init(of path: String, problem: String) throws(FileError) {
      let ending = path.split(separator: ".").last?.lowercased() ?? ""
      guard path.contains("."), let format = Self(rawValue: ending) else {
        throw FileError(path: path, problem: problem)
      }
      self = format
    }
  }

  /// What was read, in the file's own form.
  enum Content {
    case caffe(CaffeModel)
    case graph(ONNXModel)
    case tensors(NumPyArchive)
  }

  /// The file, as the caller named it.
  package let path: String
  let content: Content
  /// What a safetensors file says of itself.
  package private(set) var metadata: [String: String] = [:]

  /// Weights in Caffe's form that have been read.
  init(_ model: CaffeModel) {
    (path, content) = (model.file, .caffe(model))
  }

  /// Reads a file whose ending says what it is.
  package init(contentsOf url: URL) throws {
    path = url.relativePath
    let format: Format
    do throws(FileError) {
      format = try Format(ofInput: path)
    } catch {
      // Of a file that isn't there or can't be read, that is what is wrong.
      try WholeFile.requireReadable(url)
      guard let kind = CaffeFormats.FileKind(of: try WholeFile.read(url)) else { throw error }
      throw FileError(path: path, problem: "is \(kind.description); \(error.problem)")
    }
    switch format {
    case .caffemodel:
      try Self.refuseOtherKinds(url)
      content = .caffe(try CaffeModel(contentsOf: url))
    case .safetensors:
      let file = try SafeTensors(contentsOf: url)
      content = .tensors(file.tensors)
      metadata = file.metadata
    case .npz:
      try Self.refuseOtherKinds(url)
      var tensors = try NumPyArchive(contentsOf: url)
      for name in tensors.names { tensors[name] = tensors[name]?.widened() }
      content = .tensors(tensors)
    case .onnx: content = .graph(try ONNXModel(contentsOf: url))
    case .pth, .pt, .bin: content = .tensors(try PyTorchFile(contentsOf: url).tensors)
    }
  }

  /// Refuses what the first bytes show to be something else: a page, a text that stands for the file, an
  /// archive.
  private static func refuseOtherKinds(_ url: URL) throws {
    guard let handle = try? FileHandle(forReadingFrom: url) else { return }
    defer { try? handle.close() }
    let start = Array((try? handle.read(upToCount: 512)) ?? Data())
    guard let kind = TensorFiles.FileKind(start),
      !(kind == .zip && url.pathExtension.lowercased() == "npz")
    else { return }
    throw FileError(
      path: url.relativePath, problem: "\(kind.notice.problem); \(kind.notice.remedy)")
  }

  /// The tensors by name, in the order of the file. A blob of Caffe's is called as its layer and its number:
  /// conv1_0.
  package func tensors() throws -> NumPyArchive {
    switch content {
    case .tensors(let tensors): return tensors
    case .graph(let model): return try model.tensors()
    case .caffe(let model):
      var tensors = NumPyArchive()
      for layer in model.message.layer {
        for (number, blob) in layer.blobs.enumerated() {
          let name = "\(layer.name)_\(number)"
          guard tensors[name] == nil else {
            throw FileError(path: path, problem: "layer \"\(layer.name)\" occurs twice")
          }
          let part = "layer \"\(layer.name)\": blob \(number)"
          tensors[name] =
            blob.doubleData.isEmpty
            ? NumPyArray(try blob.tensor(as: Float.self, named: part, file: path))
            : NumPyArray(try blob.tensor(as: Double.self, named: part, file: path))
        }
      }
      return tensors
    }
  }
}

// MARK: - Writing

extension NumPyArchive {
  /// Writes all tensors by name, or nothing.
  ///
  /// - Parameters:
  ///   - url: the file.
  ///   - format: any but .onnx, which has a graph.
  ///   - metadata: what a safetensors file is to say of itself.
  package func write(
    to url: URL, as format: WeightFile.Format, metadata: [String: String] = [:]
  ) throws {
    switch format {
    case .safetensors:
      // Some readers ask for the entry "format"; "pt" is what PyTorch's files say.
      try SafeTensors(self, metadata: ["format": "pt"].merging(metadata) { $1 }).write(to: url)
    case .npz: try write(to: url)
    case .caffemodel: try CaffeModel(self, file: url.relativePath).write(to: url)
    case .onnx, .pth, .pt, .bin:
      throw FileError(path: url.relativePath, problem: "can't hold tensors without a graph")
    }
  }
}

extension CaffeModel {
  /// Tensors as blobs of layers, all of them.
  ///
  /// - Throws: `FileError` for a name that means no blob, or numbers that Caffe's files don't hold.
  package init(_ tensors: NumPyArchive, file: String) throws(FileError) {
    try self.init(tensors, file: file) { name throws(FileError) in
      guard let place = BlobPlace(name) else {
        throw FileError(
          path: file,
          problem: "\(name): a .caffemodel holds blobs of layers; the name must end in .weight, "
            + ".bias, _w_0, _b_0 or the blob's number, as conv1_0 does")
      }
      return place
    }
  }

  /// Those tensors as blobs of layers that have a place.
  init(
    _ tensors: NumPyArchive, file: String,
    place: (String) throws(FileError) -> BlobPlace?
  ) throws(FileError) {
    var names: [String] = []
    var blobs: [String: [Int: Caffe_BlobProto]] = [:]
    for name in tensors.names {
      guard let array = tensors[name], let place = try place(name) else { continue }
      let blob: Caffe_BlobProto
      switch array.elementType {
      case .float32: blob = Caffe_BlobProto(array.tensor(as: Float.self))
      case .float64: blob = Caffe_BlobProto(array.tensor(as: Double.self))
      default:
        throw FileError(
          path: file,
          problem: "\(name): a .caffemodel holds no numbers of type "
            + "\(array.elementType.rawValue), only floats and doubles")
      }
      if blobs[place.layer] == nil { names.append(place.layer) }
      guard blobs[place.layer, default: [:]].updateValue(blob, forKey: place.blob) == nil else {
        throw FileError(
          path: file,
          problem: "\(name): blob \(place.blob) of layer \"\(place.layer)\" has two tensors")
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
            path: file,
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
    self.init(layers: layers, file: file)
  }
}

/// The layer and blob that a tensor's name means.
struct BlobPlace {
  var layer: String
  var blob: Int

  /// Nil for a name that means none.
  init?(_ name: String) {
    for (ending, blob) in [(".weight", 0), (".bias", 1), ("_w_0", 0), ("_b_0", 1)]
    where name.hasSuffix(ending) && name.count > ending.count {
      self.init(layer: String(name.dropLast(ending.count)), blob: blob)
      return
    }
    guard let underscore = name.lastIndex(of: "_"), underscore > name.startIndex,
      let blob = Int(name[name.index(after: underscore)...]), (0..<100).contains(blob)
    else { return nil }
    self.init(layer: String(name[..<underscore]), blob: blob)
  }

  init(layer: String, blob: Int) {
    self.layer = layer
    self.blob = blob
  }
}
