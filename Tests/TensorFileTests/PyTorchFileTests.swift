import Foundation
import NumPyFiles
import Tensors
import TestTools
import Testing

@testable import TensorFiles

private let torchIsPresent = Python.withLibraries.has("torch")

@Suite struct PyTorchFileTests {
  private static let cases = Cases.of("pth")

  @Test func thereAreCases() {
    #expect(Self.cases.good.count == 11)
    #expect(Self.cases.bad.count == 47)
  }

  @Test(arguments: cases.good)
  func readsWhatPyTorchWrites(test: Cases.Good) throws {
    let file = try PyTorchFile(contentsOf: fixture("pth/\(test.file)"))
    try expect(file.tensors, toBe: test, of: "pth")
    #expect(file.stateName == test.inside)
  }

  /// Legal files that ask for much: one is refused, as a stride of 0 makes 4 TiB of 24 bytes; the
  /// others are read.
  private static let legal = ["memo_huge", "bomb"]

  @Test(arguments: cases.bad)
  func refusesWhatIsNoStateDict(test: Cases.Bad) throws {
    let url = fixture("pth/\(test.file)")
    if Self.legal.contains(test.name) {
      #expect(test.verdict == "may")
      #expect(try PyTorchFile(contentsOf: url).tensors.names == ["w"])
      return
    }
    let clock = ContinuousClock()
    let start = clock.now
    let error = #expect(throws: TensorFileError.self) { try PyTorchFile(contentsOf: url) }
    // Each takes some milliseconds: what follows a claim in the file would take hours.
    #expect(clock.now - start < .seconds(5))
    let text = error.map { "\($0)" } ?? ""
    for name in test.messageShouldName ?? [] { #expect(text.contains(name), "\(text)") }
    #expect(error?.path.hasSuffix(test.file) == true)
    // What the hostile ones would leave behind.
    #expect(!FileManager.default.fileExists(atPath: "interop_was_here"))
  }

  @Test func saysHowToGetTheWeightsOut() throws {
    func remedy(_ name: String) -> String {
      let error = #expect(throws: TensorFileError.self) {
        try PyTorchFile(contentsOf: fixture("pth/bad_\(name).pth"))
      }
      return "\(error?.problem ?? "") \(error?.remedy ?? "")"
    }
    #expect(remedy("module").contains("a whole pickled model"))
    #expect(remedy("module").contains("torch.nn.modules.conv.Conv2d"))
    #expect(remedy("module").contains(".state_dict()"))
    #expect(remedy("torchscript").contains("torch.jit.load(file).state_dict()"))
    #expect(remedy("tar").contains("weights_only=False"))
    #expect(remedy("lfs_pointer").contains("git lfs pull"))
    #expect(remedy("os_system").contains("nothing of it is executed"))
  }

  @Test func tellsOtherFilesByTheirBeginning() throws {
    for (content, name) in [
      (Array("<html>".utf8), "HTML"), ([0x1F, 0x8B, 8], "gzip"),
      ([0x80, 4, 0x2E], "not one that torch.save wrote"), ([1, 2, 3], "is no .pth file"),
      (try NumPyArray([1]).encoded(), ".npy"),
      (try SafeTensors(metadata: ["a": "b"]).encoded(), "safetensors"),
    ] {
      let error = #expect(throws: TensorFileError.self) { try PyTorchFile(decoding: content) }
      #expect(error?.problem.contains(name) == true, "\(error.map { "\($0)" } ?? "")")
    }
    var arrays = NumPyArchive()
    arrays["a"] = NumPyArray([1])
    let error = #expect(throws: TensorFileError.self) {
      try PyTorchFile(decoding: arrays.encoded())
    }
    #expect(error?.remedy?.contains(".npz") == true)
  }

  /// PyTorch writes files of many kinds; what is read of each is what PyTorch says.
  @Test(.enabled(if: torchIsPresent, "script/python has not installed torch"))
  func readsFilesMadeNow() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "pth-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let program = """
      import collections, sys, numpy, torch
      torch.manual_seed(1)
      w = torch.randn(4, 3, 5, 5)
      state = collections.OrderedDict(
          a=w, b=w.contiguous(memory_format=torch.channels_last), c=w.permute(3, 1, 0, 2)[1:, :, ::2],
          d=w.double().t() if w.dim() == 2 else w.double(), e=w.half(), f=w.bfloat16(),
          g=torch.arange(300), h=torch.tensor(3, dtype=torch.int16), i=torch.ones(3, 0, 2))
      for k in range(300): state[f"many.{k}"] = torch.full((2,), float(k))
      torch.save(state, sys.argv[1] + "/zip.pth")
      torch.save(state, sys.argv[1] + "/legacy.pth", _use_new_zipfile_serialization=False)
      torch.serialization.set_crc32_options(False)
      torch.save({"epoch": 3, "model": state, "loss": w[0, 0, 0, 0], "none": None, "rate": 1e-3,
          "big": 2 ** 70}, sys.argv[1] + "/nocrc.pth")
      numpy.savez(sys.argv[1] + "/expected.npz", **{k: (v.float() if v.dtype in (torch.float16,
          torch.bfloat16) else v).numpy() for k, v in state.items()})
      """
    #expect(Python.withLibraries.output(of: program, folder.path) != nil)
    let expected = try NumPyArchive(contentsOf: folder.appending(path: "expected.npz"))
    #expect(expected.names.count == 309)
    for name in ["zip", "legacy", "nocrc"] {
      let file = try PyTorchFile(contentsOf: folder.appending(path: "\(name).pth"))
      #expect(file.stateName == (name == "nocrc" ? "model" : ""))
      #expect(file.tensors == expected, "\(name)")
    }
  }

  /// The seeds of the fuzzers, as PyTorch reads them. In the legacy one the storage is a part of another.
  @Test(
    arguments: [
      ("zip", ["w": [0, 1, 2, 3, 4, 5], "t": [1, 3, 2, 4]]), ("deflated", ["w": [1, -2]]),
      ("protocol4", ["w": [0]]), ("legacy", ["w": [2, 3]]),
    ] as [(String, [String: [Float]])])
  func readsTheSeedsOfTheFuzzers(name: String, values: [String: [Float]]) throws {
    let file = try PyTorchFile(
      contentsOf: fixture("../../Fuzzing/Seeds/pth/\(name)").standardized)
    #expect(Set(file.tensors.names) == Set(values.keys))
    for (name, numbers) in values {
      #expect(file.tensors[name]?.tensor(as: Float.self).elements == numbers)
    }
  }

  @Test(arguments: ["zip", "legacy"]) func everyTruncationIsAnError(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture("pth/\(name).pth")))
    for length in whole.indices {
      #expect(throws: TensorFileError.self, "\(length)") {
        try PyTorchFile(decoding: Array(whole.prefix(length)))
      }
    }
  }

  /// Bytes changed, cut out, doubled: whatever comes of it, reading returns or throws.
  @Test(arguments: ["zip_old", "zip_deflated", "legacy", "legacy_views"])
  func mutatedFilesNeverTrap(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture("pth/\(name).pth")))
    var generator = SplitMix64(seed: 2012)
    var refused = 0
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &generator) { bytes.mutate(using: &generator) }
      do { _ = try PyTorchFile(decoding: bytes) } catch { refused += 1 }
    }
    #expect(refused > 500)  // most of the mutations hit something that matters
  }
}
