import Testing

/// As in Swift's standard library, what says nothing of its cost takes O(1). So what may take more
/// has to say so, and whether it may is judged by its code.
///
/// A property that only hands on another one, which is costly, isn't noticed.
@Suite("The cost of public declarations")
struct StatedComplexity {
  @Test("is stated where the code isn't plainly O(1)")
  func stated() throws {
    let symbols = try SymbolGraph.all.get().values.joined().flatMap(\.symbols)
    let plain = PlainBodies(symbols)
    var sources: [String: SwiftCode] = [:]
    var bodies = 0
    for symbol in symbols where symbol.complexity == nil {
      guard let path = symbol.path, let position = symbol.location?.position else { continue }
      let source = try sources[path] ?? SwiftCode(PackageFolder.contents(path))
      sources[path] = source
      let isProperty = symbol.kind.identifier.hasSuffix("property")
      let isSubscript = symbol.kind.identifier.hasSuffix("subscript")
      let isCase = symbol.kind.identifier == "swift.enum.case"
      guard isProperty || isSubscript || (symbol.calledName != nil && !isCase),
        let body = source.body(
          line: position.line, column: position.character, isProperty: isProperty)
      else { continue }
      bodies += 1
      if let obstacle = plain.obstacle(in: body, of: symbol.pathComponents.dropLast().last ?? "") {
        Issue.record(
          "\(symbol.place): \(symbol.name) has \(obstacle): add \"- Complexity:\" to its comment")
      }
    }
    // Else the bodies weren't found.
    #expect(bodies > 200)
    #expect(symbols.count { $0.complexity != nil } > 300)
  }

  @Test("is stated of a requirement that some type fulfils at a cost")
  func requirements() throws {
    let graphs = try SymbolGraph.all.get().values.joined()
    let symbols = Dictionary(
      graphs.flatMap(\.symbols).map { ($0.identifier.precise, $0) }, uniquingKeysWith: { a, _ in a }
    )
    var count = 0
    for link in graphs.flatMap(\.relationships) {
      guard let origin = link.sourceOrigin, let requirement = symbols[origin.identifier],
        let fulfilled = symbols[link.source], !fulfilled.isConstant
      else { continue }
      count += 1
      #expect(
        requirement.complexity != nil,
        "\(requirement.place): \(requirement.name) says no cost, \(fulfilled.name) has one")
    }
    #expect(count > 40)
  }

  @Test(
    "is asked for by code, not by comments, texts or names of arguments",
    arguments: [
      ("func f() { g(1) }", nil),
      ("func f(a: Int = min(1, 2)) -> [Int] { for x in a {} }", "a loop"),
      ("func f() { g(for: 1) } // for a while", nil),
      ("func f() -> String { \"for \\(g(1)) while \" }", nil),
      ("func f() -> String { \"\\(h(\"for\"))\" }", "a call of h"),
      ("func f() { a.map { $0 } }", "a closure"),
      ("func f() { a.update { x in x = 1 } }", "a closure"),
      ("func f() { h(1) }", "a call of h"),
      ("func f() { self.init(1) }", nil),
      ("func f() { Costly(1) }", "a call of Costly"),
    ] as [(String, String?)])
  func judgement(source: String, obstacle: String?) throws {
    let plain = PlainBodies([
      symbol("g(_:)", "swift.func"), symbol("Type.init(_:)", "swift.init"),
      symbol("Costly.init(_:)", "swift.init", comment: "- Complexity: O(n)."),
    ])
    let body = try #require(SwiftCode(source).body(line: 0, column: 5, isProperty: false))
    #expect(plain.obstacle(in: body, of: "Type") == obstacle)
  }

  private func symbol(_ name: String, _ kind: String, comment: String = "") -> SymbolGraph.Symbol {
    SymbolGraph.Symbol(
      pathComponents: name.split(separator: ".").map(String.init), kind: .init(identifier: kind),
      identifier: .init(precise: name), docComment: .init(lines: [.init(text: comment)]),
      declarationFragments: nil, location: nil)
  }
}
