/// The known name that somebody most likely meant, `nil` if none is near.
///
/// - Parameters:
///   - name: what was written.
///   - known: what could have been meant.
func nearestName(to name: String, among known: some Sequence<String>) -> String? {
  // Two of three letters right is near enough to be worth a guess.
  let limit = max(name.count / 3, 1)
  let distances = known.map { (distance(name, $0, limit: limit), $0) }
  return distances.filter { $0.0 <= limit }.min { $0 < $1 }?.1
}

/// The letters to insert, remove or replace to make one name of another (Levenshtein 1966); any
/// number above `limit` when it takes more than that.
private func distance(_ first: String, _ second: String, limit: Int) -> Int {
  let (a, b) = (Array(first.utf8), Array(second.utf8))
  guard abs(a.count - b.count) <= limit else { return limit + 1 }
  var row = Array(0...b.count)
  for (i, letter) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in b.enumerated() {
      let replaced = diagonal + (letter == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}

/// `; did you mean "name"?`, or nothing where nothing is near.
func suggestion(for name: String, among known: some Sequence<String>) -> String {
  nearestName(to: name, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
}
