import NumPyFiles
import Testing

@testable import TensorFiles

/// A pickle in pieces: instructions as letters, as Python's pickletools lists them.
private func pickle(_ text: String, _ more: [UInt8]...) -> [UInt8] {
  Array(text.utf8) + more.joined()
}

@Suite struct UnpicklerTests {
  private let place = FilePlace(file: "a.pth", part: nil)

  private func value(of bytes: [UInt8]) throws(TensorFileError) -> PickleValue {
    var unpickler = Unpickler(bytes, place: place)
    return try unpickler.run()
  }

  @Test(
    arguments: [
      ([0x8A, 0], 0), ([0x8A, 1, 0xFF], -1), ([0x8A, 2, 0xFF, 0], 255),
      ([0x8B, 2, 0, 0, 0, 0, 0x80], -32768), ([0x4A, 0xFE, 0xFF, 0xFF, 0xFF], -2),
      ([0x4D, 1, 2], 513),
    ] as [([UInt8], Int)])
  func readsIntegers(bytes: [UInt8], number: Int) throws {
    #expect(try value(of: bytes + [0x2E]) == .integer(number))
  }

  @Test func readsOtherValues() throws {
    #expect(try value(of: [0x47, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 0x2E]) == .real(1.5))
    #expect(try value(of: pickle("U", [2], Array("hi.".utf8))) == .text("hi"))
    #expect(try value(of: [0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0x61, 0x2E]) == .text("a"))
    #expect(try value(of: pickle("N.")) == .none)
    #expect(try value(of: [0x8A, 9] + [UInt8](repeating: 1, count: 9) + [0x2E]) == .wideInteger)
  }

  @Test(
    arguments: [
      (pickle("."), "takes a value where there is none"),
      (pickle("(."), "takes a value where there is none"),
      (pickle("NN."), "leaves values over"),
      (pickle("N(."), "takes a value where there is none"),
      (pickle("t."), "has set none"),
      (pickle("N", [0x87]), "takes 3 values where there are fewer"),
      (pickle("NNa."), "only a list takes items"),
      (pickle("NNNs."), "only a dictionary takes"),
      (pickle("}(Nu."), "a name has no value"),
      (pickle("NN", [0x93]), "STACK_GLOBAL takes two texts"),
      (pickle("N)R."), "REDUCE calls None"),
      (pickle("ccollections\nOrderedDict\n(NtR."), "is made with 1 arguments"),
      (pickle("ctorch\nSize\n)R."), "torch.Size is made of something else"),
      (pickle("ctorch._utils\n_rebuild_parameter\n)R."), "a parameter is made of something else"),
      (pickle("ctorch._utils\n_rebuild_tensor\n)R."), "a tensor is made of other values"),
      (pickle("}}b."), "BUILD changes a dictionary"),
      (pickle("NQ."), "named by something else than a tuple"),
      (pickle(")Q."), "named by other values"),
      (pickle("h", [9]), "value 9, which it never stored"),
      (pickle("X", [0xFF, 0xFF, 0xFF, 0x7F], pickle("abc.")), "reaches beyond the end"),
      (pickle("cabc"), "reaches beyond the end"),
      (pickle("U", [1, 0xFF]), "not in UTF-8"),
      (pickle("N"), "ends without its last instruction"),
      (pickle("S'a'\n."), "instruction 0x53"),
      (pickle("C", [1, 0], pickle(".")), "BINBYTES"),
      (pickle("i__main__\nNet\n."), "__main__.Net"),
      (pickle("ctorch\nQInt8Storage\n."), "quantised"),
      (pickle("cposix\nsystem\ncbuiltins\neval\n."), "posix.system, builtins.eval"),
      (pickle("cposix\nsystem\n\u{8C}"), "posix.system"),
    ] as [([UInt8], String)])
  func namesWhatIsWrong(bytes: [UInt8], message: String) {
    let error = #expect(throws: TensorFileError.self) { try value(of: bytes) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(message), "\(text)")
    #expect(text.hasPrefix("a.pth, byte "), "\(text)")
  }

  /// A tensor of a storage of 6 numbers; of it stand here offset, size and strides.
  private func tensor(_ view: String) -> [UInt8] {
    let storage = "(U\u{7}storagectorch\nFloatStorage\nU\u{1}0U\u{3}cpuK\u{6}tQ"
    return pickle("ctorch._utils\n_rebuild_tensor\n(\(storage)\(view)tR.")
  }

  @Test func checksEveryView() throws {
    #expect(try value(of: tensor("K\u{1}(K\u{5}t(K\u{1}t")) == .tensor(0))
    for (view, message) in [
      ("K\u{2}(K\u{5}t(K\u{1}t", "reaches beyond the 6 numbers"),
      ("K\u{0}(K\u{5}t(t", "1 extents and 0 strides"),
      ("J\u{7F}\u{7F}\u{7F}\u{7F}(K\u{1}t(K\u{1}t", "reaches beyond the 6 numbers"),
      ("K\u{0}(U\u{1}xt(K\u{1}t", "made of other values"),
    ] {
      let error = #expect(throws: TensorFileError.self) { try value(of: tensor(view)) }
      #expect(error?.problem.contains(message) == true, "\(error?.problem ?? "")")
    }
  }

  @Test func aStrideOfZeroMakesNoGigabytes() throws {
    // 2^30 numbers of 4 bytes, all of them the first of the storage.
    let bytes = tensor("K\u{0}(J\u{0}\u{0}\u{0}\u{40}t(K\u{0}t").dropLast()
    var unpickler = Unpickler(pickle("}U\u{1}w") + bytes + pickle("s."), place: place)
    let state = try StateDict(of: try unpickler.run(), in: unpickler.heap, place: place)
    struct NoSource: StorageSource {
      func content(of storage: PickleStorage) -> ArraySlice<UInt8> { [] }
    }
    let error = #expect(throws: TensorFileError.self) {
      try state.arrays(from: NoSource(), fileSize: 100, place: place)
    }
    #expect(error?.part == "tensor \"w\"")
    #expect(error?.remedy?.contains("tensor.clone") == true)
  }

  @Test func stopsAfterAMillionInstructions() {
    let error = #expect(throws: TensorFileError.self) {
      try value(of: [UInt8](repeating: 0x4E, count: 2 << 20))
    }
    #expect(error?.problem.contains("more than 1048576 instructions") == true)
  }

  @Test(arguments: [
    (pickle("N."), "holds None"),
    (pickle("}(K\u{1}Nu."), "name is a whole number"),
    (pickle("}(U\u{1}aNu."), "is None, not a tensor"),
  ])
  func aStateDictHoldsTensorsByName(bytes: [UInt8], message: String) {
    let error = #expect(throws: TensorFileError.self) {
      var unpickler = Unpickler(bytes, place: place)
      let value = try unpickler.run()
      _ = try StateDict(of: value, in: unpickler.heap, place: place)
    }
    #expect(error?.problem.contains(message) == true)
  }
}
