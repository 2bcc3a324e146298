import Testing

@Suite("Public declarations")
struct DocumentedSymbols {
  @Test("are documented, and say what they throw", arguments: SymbolGraph.modules)
  func documented(module: String) throws {
    let graphs = try #require(SymbolGraph.all.get()[module])
    // What fulfils a requirement is described there: a layer's passes by the protocol of layers.
    let fulfilling = Set(
      graphs.flatMap(\.relationships).filter {
        ["requirementOf", "defaultImplementationOf", "overrides"].contains($0.kind)
          || $0.sourceOrigin != nil
      }.map(\.source))
    let symbols = graphs.flatMap(\.symbols)
    #expect(!symbols.isEmpty)
    for symbol in symbols {
      let text = symbol.comment.joined(separator: "\n")
      #expect(
        text.contains { $0.isLetter || $0.isNumber },
        "\(symbol.place): \(module).\(symbol.name) has no comment")
      guard symbol.throwsErrors, !fulfilling.contains(symbol.identifier.precise) else { continue }
      #expect(
        text.contains("Throws"), "\(symbol.place): \(module).\(symbol.name) may throw: what?")
    }
  }
}
