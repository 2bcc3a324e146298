import CaffeMessages

/// What a file is by its content. Where a reader refuses one, its message says what the file is and where
/// such a file is wanted.
public enum FileKind: Sendable, CaseIterable {
  /// A `.prototxt` of a network.
  case network
  /// A `.prototxt` of a solver.
  case solver
  /// Caffe's weights, `.caffemodel`.
  case model
  /// The state of Caffe's training, `.solverstate`.
  case solverState
  /// A mean image, `.binaryproto`.
  case blob
  /// An ONNX graph, `.onnx`.
  case graph
  /// An array of numpy, `.npy`.
  case array
  /// A zip archive: `.npz` of numpy, snapshots of `train`, `.pth` of PyTorch.
  case archive
  /// HDF5: `.h5`.
  case hdf5
  /// A PNG or JPEG picture.
  case picture
  /// A page for a browser, often in place of a file that could not be downloaded.
  case page
  /// What Git keeps in place of a large file that has not been fetched.
  case gitPointer
  /// A file compressed by gzip, or a tar archive.
  case compressed
  /// Nothing at all.
  case empty

  /// What a file is, as far as it is one of these.
  ///
  /// - Complexity: O(length) for texts and for Caffe's binary files, whose fields are looked at; O(1) for
  ///   all others.
  public init?(of bytes: [UInt8]) {
    func begins(_ text: String) -> Bool { bytes.starts(with: Array(text.utf8)) }
    if bytes.isEmpty {
      self = .empty
    } else if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) {
      self = .hdf5
    } else if bytes.starts(with: [0x93]) && bytes.dropFirst().starts(with: Array("NUMPY".utf8)) {
      self = .array
    } else if begins("PK") {
      self = .archive
    } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47])
      || bytes.starts(with: [0xFF, 0xD8, 0xFF])
    {
      self = .picture
    } else if begins("version https://git-lfs") {
      self = .gitPointer
    } else if bytes.starts(with: [0x1F, 0x8B])
      || bytes.dropFirst(257).starts(with: Array("ustar".utf8))
    {
      self = .compressed
    } else if let kind = Self.text(bytes) ?? Self.message(bytes) {
      self = kind
    } else {
      return nil
    }
  }

  /// A page, or the `.prototxt` whose fields are at the top of a text.
  private static func text(_ bytes: [UInt8]) -> FileKind? {
    let start = String(decoding: bytes.prefix(200), as: UTF8.self).lowercased()
      .drop(while: \.isWhitespace)
    if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") { return .page }
    var tokens = TextTokenizer(bytes, file: "")
    let (net, solver) = (
      MessageSchema.of(Caffe_NetParameter.self), MessageSchema.of(Caffe_SolverParameter.self)
    )
    var (depth, votes, isNext) = (0, (net: 0, solver: 0), true)
    while let token = try? tokens.next(), token.kind != .end {
      switch (token.kind, token.text) {
      case (.symbol, "{"), (.symbol, "<"): depth += 1
      case (.symbol, "}"), (.symbol, ">"): depth -= 1
      case (.identifier, let name) where depth == 0 && isNext:
        votes.net += net.field(named: name) == nil ? 0 : 1
        votes.solver += solver.field(named: name) == nil ? 0 : 1
      default: break
      }
      // A word behind a colon is a value.
      isNext = token.text != ":"
    }
    return votes.net == votes.solver ? nil : votes.net > votes.solver ? .network : .solver
  }

  /// Which of Caffe's messages has the fields at the top of a binary file.
  private static func message(_ bytes: [UInt8]) -> FileKind? {
    var reader = WireReader(bytes, file: "")
    var seen: [Int: WireType] = [:]
    do throws(CaffeFileError) {
      while let field = try reader.next() { seen[field.number] = field.type }
    } catch {
      return nil
    }
    // The version of the format and the graph.
    if seen[1] == .varint, seen[7] == .delimited { return .graph }
    switch (seen[1], seen[2], seen[3]) {
    case _ where seen[100] == .delimited, (.delimited?, _, _), (nil, .delimited?, _): return .model
    case (.varint?, .delimited?, _), (.varint?, nil, .delimited?): return .solverState
    default: return seen[5] == .delimited || seen[8] == .delimited ? .blob : nil
    }
  }

  /// What it is, and where such a file is wanted.
  public var description: String {
    switch self {
    case .network: "a network (.prototxt), which lint, shapes and --net take"
    case .solver: "a solver (.prototxt), which train --solver and test --solver take"
    case .model: "Caffe's weights (.caffemodel), which --weights takes"
    case .solverState:
      "the state of Caffe's training (.solverstate), which train --solver --resume takes"
    case .blob: "a mean image (.binaryproto), which --mean takes"
    case .graph:
      "an ONNX graph (.onnx), which --net, --weights and convert-weights take"
    case .array: "an array of numpy (.npy), which dump --input and classify --mean take"
    case .archive:
      "a zip archive: an .npz, which dump --input and train --resume take, or PyTorch's .pth, which "
        + "convert-weights takes"
    case .hdf5: "an HDF5 file; Caffe writes the other form with snapshot_format: BINARYPROTO"
    case .picture: "a picture (PNG or JPEG)"
    case .page: "a page in HTML: the download brought a message in place of the file"
    case .gitPointer: "what Git LFS keeps in place of the file: fetch it with \"git lfs pull\""
    case .compressed: "compressed (gzip or tar): unpack it first"
    case .empty: "empty"
    }
  }

  /// The error of a reader that expected something else, or `error` where it is not known what the file
  /// is, or it is of the right kind and damaged.
  static func explaining(
    _ error: CaffeFileError, of bytes: [UInt8], expected: FileKind
  ) -> CaffeFileError {
    guard let kind = FileKind(of: bytes), kind != expected else { return error }
    return CaffeFileError(file: error.file, problem: "is \(kind.description)")
  }
}
