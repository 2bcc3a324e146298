import Foundation
import Testing

/// `script/docs FOLDER` touches nothing in FOLDER that it hasn't written itself.
@Suite("script/docs") struct DocsScriptTests {
  /// A checkout in small, with a `swift` that writes pages at once, and a folder for them.
  private final class Checkout {
    let root: URL
    var pages: URL { root.appending(path: "pages") }

    init() throws {
      root = FileManager.default.temporaryDirectory.appending(path: "docs script \(UUID())")
      for folder in ["script", "bin"] {
        try FileManager.default.createDirectory(
          at: root.appending(path: folder), withIntermediateDirectories: true)
      }
      for file in ["script/docs", "script/bootstrap", "Package.swift"] {
        try FileManager.default.copyItem(
          at: PackageFolder.root.appending(path: file), to: root.appending(path: file))
      }
      try write(["index.html", "data/tensors.json", "css/page style.css"])
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    /// From now on, these are the pages that `swift package generate-documentation` makes. As DocC
    /// does, it replaces the folder that it is given.
    func write(_ pages: [String], then: String = "") throws {
      let commands = pages.map { "mkdir -p \"$(dirname '\($0)')\"; echo new > '\($0)'" }
      let stub = """
        #!/bin/bash
        while [ "$1" != --output-path ]; do shift; done
        rm -rf "$2"; mkdir -p "$2"; cd "$2"
        \(commands.joined(separator: "\n"))
        cd "\(root.path)"; \(then)
        """
      let file = root.appending(path: "bin/swift")
      try stub.write(to: file, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    }

    func run(_ arguments: [String]) throws -> (exitCode: Int32, errors: String) {
      let process = Process()
      process.executableURL = root.appending(path: "script/docs")
      process.arguments = arguments
      process.currentDirectoryURL = root
      var environment = ProcessInfo.processInfo.environment
      environment["PATH"] = root.path + "/bin:" + (environment["PATH"] ?? "/usr/bin:/bin")
      process.environment = environment
      let errors = Pipe()
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
      try process.run()
      let text = try errors.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }

    /// The files in a folder with what is in them, without the script's own list.
    func files(in folder: URL) throws -> [String: String] {
      var found: [String: String] = [:]
      for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
        let file = folder.appending(path: path)
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
        found[path] = text
      }
      found[".written-by-script-docs"] = nil
      return found
    }

    func put(_ text: String, _ path: String) throws {
      let file = pages.appending(path: path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
  }

  @Test func fillsAFolderThatIsNewOrEmpty() throws {
    let checkout = try Checkout()
    for _ in 1...2 {
      try #expect(checkout.run(["pages"]).exitCode == 0)
      let written = ["index.html", "data/tensors.json", "css/page style.css"]
      try #expect(
        checkout.files(in: checkout.pages)
          == Dictionary(uniqueKeysWithValues: written.map { ($0, "new\n") }))
      try FileManager.default.removeItem(at: checkout.pages)
      try FileManager.default.createDirectory(
        at: checkout.pages, withIntermediateDirectories: false)
    }
  }

  @Test(arguments: ["notes.md", ".hidden", "sub/.git/config"])
  func refusesAFolderWithFilesOfSomebodyElse(file: String) throws {
    let checkout = try Checkout()
    try checkout.put("mine", file)
    let result = try checkout.run(["pages"])
    #expect(result.exitCode == 64)
    #expect(result.errors.contains("/pages holds files that this script didn't write"))
    try #expect(checkout.files(in: checkout.pages) == [file: "mine"])
  }

  @Test func refusesTheCheckoutAndAFile() throws {
    let checkout = try Checkout()
    let before = try checkout.files(in: checkout.root)
    #expect(try checkout.run(["."]).exitCode == 64)
    #expect(try checkout.run(["script/docs"]).errors.contains("is a file"))
    #expect(try checkout.files(in: checkout.root) == before)
  }

  /// The second run takes away what the first one wrote, and nothing else.
  @Test func replacesItsOwnFilesOnly() throws {
    let checkout = try Checkout()
    #expect(try checkout.run(["pages"]).exitCode == 0)
    try checkout.put("mine", "CNAME")
    try checkout.put("mine", "data/mine.json")
    try checkout.write(["index.html", "data/layers.json"])
    #expect(try checkout.run(["pages"]).exitCode == 0)
    try #expect(
      checkout.files(in: checkout.pages) == [
        "CNAME": "mine", "data/mine.json": "mine", "index.html": "new\n",
        "data/layers.json": "new\n",
      ])
    #expect(!FileManager.default.fileExists(atPath: checkout.pages.path + "/css"))
  }

  @Test func refusesToReplaceAFileThatHasComeInTheWay() throws {
    let checkout = try Checkout()
    #expect(try checkout.run(["pages"]).exitCode == 0)
    try checkout.put("mine", "about.html")
    try checkout.write(["index.html", "about.html"])
    let before = try checkout.files(in: checkout.pages)
    let result = try checkout.run(["pages"])
    #expect(result.exitCode == 64)
    #expect(result.errors.contains("about.html is in the way"))
    try #expect(checkout.files(in: checkout.pages) == before)
  }

  /// Neither a list that names other files nor a link leads out of the folder.
  @Test func staysInTheFolder() throws {
    let checkout = try Checkout()
    try checkout.put(
      "../outside\0./../outside\0/\(checkout.root.path)/outside\0", ".written-by-script-docs")
    let outside = checkout.root.appending(path: "outside")
    try "mine".write(to: outside, atomically: true, encoding: .utf8)
    #expect(try checkout.run(["pages"]).exitCode == 0)
    #expect(FileManager.default.fileExists(atPath: outside.path))

    let data = checkout.pages.appending(path: "data")
    try FileManager.default.removeItem(at: data)
    let other = checkout.root.appending(path: "other")
    try FileManager.default.createDirectory(at: other, withIntermediateDirectories: false)
    try "mine".write(to: other.appending(path: "tensors.json"), atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(at: data, withDestinationURL: other)
    let result = try checkout.run(["pages"])
    #expect(result.exitCode == 64)
    #expect(result.errors.contains("is a link"))
    try #expect(checkout.files(in: other) == ["tensors.json": "mine"])
  }

  /// The build takes a while, in which a link may come into the folder.
  @Test func looksForLinksAgainAfterTheBuild() throws {
    let checkout = try Checkout()
    #expect(try checkout.run(["pages"]).exitCode == 0)
    try checkout.write(
      ["data/tensors.json"],
      then: "rm -r pages/data; mkdir else; echo mine >else/tensors.json; ln -s ../else pages/data")
    #expect(try checkout.run(["pages"]).errors.contains("is a link"))
    try #expect(
      checkout.files(in: checkout.root.appending(path: "else")) == ["tensors.json": "mine\n"])
  }

  @Test func keepsThePagesWhenThereAreNoNewOnes() throws {
    let checkout = try Checkout()
    #expect(try checkout.run(["pages"]).exitCode == 0)
    let before = try checkout.files(in: checkout.pages)
    try checkout.write([])
    let result = try checkout.run(["pages"])
    #expect(result.exitCode == 64 && result.errors.contains("there are no pages"))
    #expect(try checkout.files(in: checkout.pages) == before)
  }

  /// A page may come in the place of a folder of pages, and the other way round, but not in the place
  /// of somebody else's.
  @Test func exchangesItsOwnFilesAndFolders() throws {
    let checkout = try Checkout()
    #expect(try checkout.run(["pages"]).exitCode == 0)
    try checkout.write(["data", "index.html/x"])
    #expect(try checkout.run(["pages"]).exitCode == 0)
    try #expect(
      checkout.files(in: checkout.pages) == ["data": "new\n", "index.html/x": "new\n"])

    try checkout.put("mine", "mine")
    try checkout.put("mine", "folder/mine")
    let before = try checkout.files(in: checkout.pages)
    for (pages, obstacle) in [(["mine/x"], "/pages/mine is"), (["folder"], "/folder/mine is")] {
      try checkout.write(pages)
      let result = try checkout.run(["pages"])
      #expect(result.exitCode == 64 && result.errors.contains(obstacle), "\(result.errors)")
      #expect(try checkout.files(in: checkout.pages) == before)
    }
  }

  /// What a run that was interrupted has not written isn't its own.
  @Test func takesOnlyWrittenFilesForItsOwn() throws {
    let checkout = try Checkout()
    #expect(try checkout.run(["pages"]).exitCode == 0)
    // A folder in the place of a page ends the copying with an error.
    try checkout.write(["a.html", "b.html", "c.html"], then: "mkdir -p pages/b.html/empty")
    #expect(try checkout.run(["pages"]).exitCode != 0)
    try FileManager.default.removeItem(at: checkout.pages.appending(path: "b.html"))
    try checkout.put("mine", "c.html")
    try checkout.write(["a.html", "b.html", "c.html"])
    let result = try checkout.run(["pages"])
    #expect(result.exitCode == 64 && result.errors.contains("/c.html is in the way"))
    #expect(try checkout.files(in: checkout.pages)["c.html"] == "mine")
  }

  @Test func keepsOutOfItsBuildFolder() throws {
    let checkout = try Checkout()
    for arguments in [[], [".build-docs/site"], [".build-docs/site"]] {
      #expect(try checkout.run(arguments).exitCode == 0)
    }
    for folder in [".build-docs", ".build-docs/site/sub", ".build-docs/other"] {
      let result = try checkout.run([folder])
      #expect(result.exitCode == 64 && result.errors.contains("build folder"), "\(result.errors)")
    }
  }

  @Test(arguments: [["--help"], ["-h"]]) func explainsItself(arguments: [String]) throws {
    let result = try Checkout().run(arguments)
    #expect(result.exitCode == 0 && result.errors.isEmpty)
  }

  @Test(arguments: [["--bad"], ["a", "b"], [""]]) func refusesOtherArguments(_ arguments: [String])
    throws
  {
    let checkout = try Checkout()
    let result = try checkout.run(arguments)
    #expect(result.exitCode == 64 && result.errors.hasPrefix("script/docs: "))
  }
}
