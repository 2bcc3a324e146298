import Foundation
import Testing

@testable import WholeFiles

@Suite("the limit of a control group")
final class ControlGroupTests {
  let mount = FileManager.default.temporaryDirectory.appending(path: "groups-\(UUID())")

  deinit { try? FileManager.default.removeItem(at: mount) }

  private func write(_ folder: String, _ files: [String: String]) throws {
    let url = mount.appending(path: folder)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for (name, text) in files {
      try Data(text.utf8).write(to: url.appending(path: name))
    }
  }

  @Test("is the tightest of a group and those around it, less what is used and can't be dropped")
  func second() throws {
    try write("a", ["memory.max": "1000\n", "memory.current": "900\n"])
    try write(
      "a/b",
      [
        "memory.max": "800\n", "memory.current": "500\n",
        "memory.stat": "anon 100\ninactive_file 200\n",
      ])
    try write("a/b/c", ["memory.max": "max\n", "memory.current": "10\n"])
    #expect(ControlGroup(membership: "0::/a/b/c\n", mount: mount.path).room == 100)
    #expect(ControlGroup(membership: "0::/\n", mount: mount.path).room == nil)
    #expect(ControlGroup(membership: "0::/a/b\n", mount: mount.path).room == 100)
    try write("a", ["memory.current": "100\n"])
    #expect(ControlGroup(membership: "0::/a/b/c\n", mount: mount.path).room == 500)
  }

  @Test("has other names in version 1, and may be mounted itself")
  func first() throws {
    try write(
      "memory",
      [
        "memory.limit_in_bytes": "1000\n", "memory.usage_in_bytes": "400\n",
        "memory.stat": "total_inactive_file 100\n",
      ])
    let group = ControlGroup(
      membership: "5:cpu,cpuacct:/x\n4:memory:/docker/x\n", mount: mount.path)
    #expect(group.room == 700)
    try write("memory", ["memory.limit_in_bytes": "9223372036854771712\n"])
    #expect(group.room == nil)
    #expect(ControlGroup(membership: "", mount: mount.path).room == nil)
  }
}
