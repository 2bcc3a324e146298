import ArgumentParser
import BrokenLayers
import Foundation
import GradientChecking
import Networks
import Testing

@testable import walkthrough

@Suite("walkthrough check")
struct CheckTests {
  /// The part of `check --json` that programs rely on.
  private struct Face: Decodable {
    struct Tensor: Decodable {
      var layer: String
      var version: String
      var tensor: String
      var checked: Int
      var worstRelativeError: Double?
      var worstErrorOverBar: Double?
      var dualRelativeError: Double?
      var kinks: Int
      var passed: Bool
    }

    var passed: Bool
    var tensors: [Tensor]
  }

  @Test("prints the names that programs rely on, for both versions of a layer")
  func json() throws {
    let definition = mini()
    let report = try NetworkLayersCheck(
      definition: definition, versions: [.reference, .fast], only: try definition.index(of: "fc8"),
      mode: .sampled(5), seed: 1, progress: Progress(steps: 1)
    ).run()
    let face = try JSONDecoder().decode(Face.self, from: Data(JSON.text(report).utf8))
    #expect(face.passed)
    #expect(
      face.tensors.map(\.version) == Array(repeating: "reference", count: 3)
        + Array(repeating: "fast", count: 3))
    #expect(face.tensors.prefix(3).map(\.tensor) == ["input", "weights", "bias"])
    #expect(face.tensors.allSatisfy { $0.layer == "fc8" && $0.checked == 5 && $0.passed })
    // A smooth layer in Double: what the checker is to reach.
    #expect(face.tensors.allSatisfy { $0.worstRelativeError ?? 1 <= 1e-9 })
    #expect(face.tensors.allSatisfy { $0.dualRelativeError ?? 1 <= 1e-12 })
  }

  @Test("finds every gradient of every layer of a network right, in the order of the layers")
  func wholeNetwork() throws {
    let definition = mini()
    let check = NetworkLayersCheck(
      definition: definition, versions: [.reference, .fast], only: nil, mode: .sampled(2), seed: 4,
      progress: Progress(steps: 1))
    let report = try check.run()
    let passed = report.passed
    #expect(passed)
    var places = report.tensors.map(\.layer)
    places = places.indices.filter { $0 == 0 || places[$0] != places[$0 - 1] }.map { places[$0] }
    #expect(places == definition.layers.map(\.name))
    // The goals of the checker, for smooth layers; all of these are, at points without ties.
    #expect(report.tensors.allSatisfy { $0.worstRelativeError <= 1e-9 })
    #expect(report.tensors.allSatisfy { $0.dualRelativeError ?? 1 <= 1e-12 })
  }

  /// In Float, the bars of the report are as wide as its rounding demands.
  @Test("finds every gradient of Tuned right, in Float")
  func tuned() throws {
    let definition = mini()
    let report = try NetworkLayersCheck(
      definition: definition, versions: [.tuned], only: nil, mode: .sampled(10), seed: 4,
      progress: Progress(steps: 1)
    ).run()
    let passed = report.passed
    #expect(passed, "\(report.explanation)")
    #expect(Set(report.tensors.map(\.version)) == ["tuned"])
    #expect(Set(report.tensors.map(\.layer)) == Set(definition.layers.map(\.name)))
    // Sums of up to 1,024 products in Float against exact derivatives: √1024 roundings of 6e-8.
    #expect(report.tensors.allSatisfy { $0.dualRelativeError ?? 1 <= 1e-4 })
    #expect(report.tensors.contains { $0.dualRelativeError ?? 0 > 1e-9 }, "that isn't Float")
  }

  @Test(
    "takes a list of versions",
    arguments: [
      ("tuned", [Version.tuned]), ("fast,reference", [.reference, .fast]),
      ("both", [.reference, .fast]), ("tuned,fast,reference", Version.allCases),
    ])
  func versions(text: String, versions: [Version]) throws {
    #expect(try VersionList(parsing: text).versions == versions)
  }

  @Test(
    "refuses versions that it doesn't know, and what can't be checked in Float",
    arguments: [
      (["--version", "naive"], "\"naive\" is no version. There are reference, fast, tuned;"),
      (["--version", "fast,fast"], "\"fast\" is there twice"),
      (["--version", "fast,"], "\"\" is no version"),
      (["--version", "tuned", "--end-to-end"], "--end-to-end needs Double"),
      (["--version", "tuned", "--mode", "directional"], "--mode directional can't tell"),
      (["--version", "tuned", "--second"], "--second needs Double"),
      (["--second", "--steps"], "--steps shows a check of first derivatives"),
      (["--second", "--end-to-end", "--layer", "conv1"], "leave out --layer"),
      (["--gallery", "--second"], "leave out --second"),
    ])
  func refusesVersions(arguments: [String], message: String) {
    let error = #expect(throws: (any Error).self) {
      try Walkthrough.parseAsRoot(["check"] + arguments)
    }
    #expect(error.map { Walkthrough.message(for: $0) }?.contains(message) == true)
  }

  @Test("finds the second derivatives of a layer right, and prints them for programs")
  func second() throws {
    struct Face: Decodable {
      struct Symmetry: Decodable { var layer, version: String }
      struct Quotients: Decodable { var passed: Bool }
      var passed: Bool
      var symmetries: [Symmetry]
      var quotients: Quotients
    }
    let definition = mini()
    let report = try NetworkLayersCheck(
      definition: definition, versions: [.reference, .fast],
      only: try definition.index(of: "loss"), mode: .sampled(3), seed: 1,
      progress: Progress(steps: 1)
    ).runSecond()
    let passed = report.passed
    #expect(passed, "\(report.explanation)")
    let face = try JSONDecoder().decode(Face.self, from: Data(JSON.text(report).utf8))
    #expect(Set(face.symmetries.map(\.version)) == ["reference", "fast"])
    #expect(face.symmetries.allSatisfy { $0.layer == "loss" })
    #expect(face.passed && face.quotients.passed)
    let terminal = Terminal(width: 80, isStyled: false, isInteractive: false)
    let lines = CheckText.lines(report, terminal: terminal)
    #expect(lines.last == "All second derivatives are right.")
  }

  @Test("lists the gallery, all of it caught")
  func gallery() throws {
    let report = try GalleryReport(seed: 2)
    let passed = report.passed
    #expect(passed && report.members.count == BrokenLayer.gallery.count)
    let missedByCaffe = report.members.filter { !$0.isCaughtByCaffe }
    #expect(!missedByCaffe.isEmpty)
    let terminal = Terminal(width: 80, isStyled: false, isInteractive: false)
    #expect(GalleryText(terminal: terminal).lines(report).count == report.members.count + 2)
  }

  @Test("fails on a broken layer and explains it")
  func broken() throws {
    let broken = try #require(BrokenLayer.named("lrn-two-forgotten"))
    let report = try broken.check()
    let terminal = Terminal(width: 80, isStyled: false, isInteractive: false)
    let text = try GalleryText(terminal: terminal).lines(broken, report, seed: 1)
      .joined(separator: "\n")
    #expect(!report.passed)
    #expect(text.contains("WRONG") && text.contains("error bar") && text.contains("step h"))
    var command = try Walkthrough.parseAsRoot(["check", "--broken", "lrn-two-forgotten"])
    #expect(throws: ExitCode.failure) { try command.run() }
  }

  @Test(
    "refuses what it doesn't know",
    arguments: [
      (["--broken", "nothing"], "--broken nothing: must be one of: conv-"),
      (["--network", "mini", "--layer", "conv9"], "layer \"conv9\" must be one of: conv1"),
      (
        ["--network", "mini", "--end-to-end", "--layer", "conv9"],
        "layer \"conv9\" must be one of: conv1"
      ),
    ])
  func refuses(arguments: [String], message: String) throws {
    var command = try Walkthrough.parseAsRoot(["check"] + arguments)
    let error = #expect(throws: (any Error).self) { try command.run() }
    #expect(error.map { String(describing: $0) }?.contains(message) == true)
  }
}
