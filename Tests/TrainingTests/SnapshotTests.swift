import Datasets
import Foundation
import Networks
import NumPyFiles
import Tensors
import Testing
import Training
import WholeFiles

@Suite("Snapshots")
struct SnapshotTests {
  private let folder: TemporaryFolder
  private let snapshots: SnapshotFolder

  init() throws {
    folder = try TemporaryFolder()
    snapshots = SnapshotFolder(folder.url)
  }

  /// Snapshots behind iterations 2, 4 and 10.
  private func writeThree() throws {
    let run = try smallRun()
    for iteration in 1...10 {
      try run.step()
      if [2, 4, 10].contains(iteration) {
        try run.snapshot().write(to: snapshots.file(iteration: iteration))
      }
    }
  }

  @Test("the newest is the one of the greatest iteration, not of the last name")
  func newest() throws {
    try writeThree()
    #expect(
      snapshots.files.map(\.lastPathComponent)
        == ["snapshot_iter_10.npz", "snapshot_iter_4.npz", "snapshot_iter_2.npz"])
    let found = try snapshots.newest()
    #expect(found.snapshot.iteration == 10)
    #expect(found.damaged.isEmpty)
  }

  /// Cut at every part of the file, and with a flipped bit at every part of it.
  @Test("a damaged newest file is passed over, and named")
  func damaged() throws {
    try writeThree()
    let newest = snapshots.file(iteration: 10)
    let whole = [UInt8](try Data(contentsOf: newest))
    for part in 0..<16 {
      let place = part * whole.count / 16
      var flipped = whole
      // Names, lengths, checksums and content are all guarded; bytes of the ZIP format that no
      // reader looks at, such as times, aren't part of the snapshot.
      flipped[place + 40] ^= 0x10
      for bytes in [Array(whole.prefix(place)), flipped] {
        try Data(bytes).write(to: newest)
        for url in [folder.url, newest] {
          let found = try SnapshotFolder.newest(at: url)
          if found.snapshot.iteration == 10 {
            // Only where the flipped byte means nothing.
            #expect(bytes.count == whole.count)
            continue
          }
          #expect(found.snapshot.iteration == 4)
          #expect(found.file == snapshots.file(iteration: 4))
          #expect(found.damaged.count == 1)
          #expect(found.damaged[0].description.contains("snapshot_iter_10.npz"))
        }
      }
    }
  }

  @Test("an older file that was asked for is not passed over for a newer one")
  func olderFile() throws {
    try writeThree()
    let older = snapshots.file(iteration: 4)
    #expect(try SnapshotFolder.newest(at: older).snapshot.iteration == 4)
    try Data([1, 2, 3]).write(to: older)
    #expect(try SnapshotFolder.newest(at: older).snapshot.iteration == 2)
  }

  @Test("says what is missing")
  func missing() throws {
    let nowhere = folder.url.appending(path: "nowhere")
    let none = #expect(throws: SnapshotError.self) { try SnapshotFolder.newest(at: nowhere) }
    #expect(none?.description.contains("no such file or folder") == true)
    let empty = #expect(throws: SnapshotError.self) { try SnapshotFolder.newest(at: folder.url) }
    #expect(empty?.description.contains("holds no whole snapshot_iter_<N>.npz") == true)
    let other = folder.url.appending(path: "other.npz")
    try Data("no archive".utf8).write(to: other)
    let error = #expect(throws: SnapshotError.self) { try SnapshotFolder.newest(at: other) }
    #expect(error?.description.contains("other.npz") == true)
  }

  @Test("removes what a killed process was writing, and nothing else")
  func unfinished() throws {
    try writeThree()
    let names = [".snapshot_iter_12.npz.1a2b.tmp", ".other.tmp", "snapshot_iter_3.txt"]
    for name in names { try Data([1]).write(to: folder.url.appending(path: name)) }
    snapshots.removeUnfinished()
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
    #expect(
      left == [
        ".other.tmp", "snapshot_iter_10.npz", "snapshot_iter_2.npz", "snapshot_iter_3.txt",
        "snapshot_iter_4.npz",
      ])
  }

  /// What somebody's own archive may hold, or a snapshot that another program has written over.
  @Test(
    "an archive of something else is refused by the array that shows it",
    arguments: [
      ("format", nil, "is no snapshot of a training run: it has no array \"format\""),
      ("format", NumPyArray([2]), "has format 2; this program reads format 1"),
      (
        "iteration", NumPyArray([1, 2]),
        "array \"iteration\" must be one number from 0 to 2^60"
      ),
      ("iteration", NumPyArray([-1]), "array \"iteration\" must be one number from 0 to 2^60"),
      (
        "dropout_random", NumPyArray([1, 2, 3]),
        "array \"dropout_random\" must hold the 625 words of a Mersenne Twister"
      ),
      (
        "tests", NumPyArray(Tensor<Double>(Shape(1, 2))),
        "array \"tests\" must hold rows of iteration, loss, accuracy from 0 to 1, and update ratios"
      ),
      ("next_record", NumPyArray(Tensor<Double>(Shape(1), [0.5])), "array \"next_record\": "),
    ] as [(String, NumPyArray?, String)])
  func otherArchive(name: String, array: NumPyArray?, problem: String) throws {
    let file = snapshots.file(iteration: 1)
    try smallRun().snapshot().write(to: file)
    var archive = try NumPyArchive(contentsOf: file)
    archive[name] = array
    let bytes = try archive.encoded()
    let error = #expect(throws: SnapshotError.self) { try Snapshot(decoding: bytes, file: "a.npz") }
    #expect(error?.description.contains(problem) == true)
  }

  @Test("a snapshot of another network is refused, naming layer, array and shapes")
  func otherNetwork() throws {
    let snapshot = try smallRun().snapshot()
    func refusal(outputs: Int, named name: String) -> String? {
      let error = #expect(throws: SnapshotError.self) {
        var net = NetworkBuilder(name: "other", channels: 3, height: 19, width: 19)
        net.softmaxWithLoss(
          "loss",
          net.fullyConnected(name, net.data, outputs: outputs, weights: .msra(), bias: 0))
        let network = try Network(net.definition, backend: Twin.fast.backend, batch: 2)
        _ = try snapshot.states(of: SGD(), for: network)
      }
      return error?.description
    }
    #expect(
      refusal(outputs: 10, named: "fc9")
        == "the snapshot has no history/fc9/0; it is of another network")
    #expect(
      refusal(outputs: 10, named: "fc3")
        == "layer fc3, history/fc3/0: the snapshot's shape is 10×32, that of the network 10×1083")
  }

  /// /dev/full takes no byte, as a full disk does.
  @Test(
    "a full disk is an error that names the file",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDisk() throws {
    let run = try smallRun()
    try run.step()
    let file = snapshots.file(iteration: 1)
    try FileManager.default.createSymbolicLink(
      at: file, withDestinationURL: URL(filePath: "/dev/full"))
    let error = #expect(throws: SnapshotError.self) { try run.snapshot().write(to: file) }
    #expect(error?.description.contains("snapshot_iter_1.npz") == true)
    // The run goes on.
    try run.step()
  }
}
