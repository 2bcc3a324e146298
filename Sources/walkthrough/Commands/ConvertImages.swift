import ArgumentParser
import Datasets
import Foundation
import WholeFiles

/// Pictures into a database.
struct ConvertImages: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes pictures and labels into an LMDB database, as Caffe's convert_imageset does.",
    discussion: """
      The list has a line for each picture: its file, a space, its label. Keys are the number of \
      the line and the file. The database appears whole or not at all.
      """)

  @Argument(help: "The list of pictures.")
  var list: String

  @Argument(help: "The folder that the files of the list lie in.")
  var root: String

  @Argument(help: "The folder to make, with the database in it.")
  var database: String

  @Option(parsing: .unconditional, help: "Resize pictures to so many rows.")
  var resizeHeight: Int?

  @Option(parsing: .unconditional, help: "Resize pictures to so many columns.")
  var resizeWidth: Int?

  @Flag(help: "Keep one plane of gray instead of blue, green and red.")
  var gray = false

  @Flag(help: "Store pictures compressed, in the format of the first file of the list.")
  var encoded = false

  @Option(help: "Store pictures compressed in this format: png or jpg.")
  var encodeType: ImageConversion.Encoding?

  @Flag(help: "Shuffle the list; --seed decides how.")
  var shuffle = false

  @Option(parsing: .unconditional, help: "The start of all randomness.")
  var seed: UInt64?

  @Flag(help: "Stop at the first picture whose size is not that of the first one.")
  var checkSize = false

  @Flag(help: "Pass over files that are no pictures, with a warning, instead of stopping.")
  var skipUnreadable = false

  func validate() throws {
    guard seed == nil || shuffle else {
      throw ValidationError("--seed decides how --shuffle shuffles: leave it out, or add that.")
    }
    for (name, value) in [("height", resizeHeight), ("width", resizeWidth)] {
      guard (1...65_536).contains(value ?? 1) else {
        throw ValidationError("--resize-\(name) \(value ?? 1): must be from 1 to 65536.")
      }
    }
  }

  func run() throws {
    var images = try ImageList(contentsOf: URL(fileNamed: list))
    if shuffle { images.shuffle(seed: seed ?? 1) }
    let folder = URL(fileNamed: root)
    var conversion = ImageConversion(
      height: resizeHeight, width: resizeWidth, isGray: gray, encoding: encodeType)
    let writer = try DatumDatabaseWriter(database)
    let progress = Progress(steps: images.entries.count)
    defer { progress.finish() }
    var extents: [Int]?
    // A half-written database goes away with its writer, whatever ends the loop.
    let interruption = Interruption()
    for entry in images.entries {
      if interruption.hasCome { throw interruption.exitCode }
      progress.step(entry.path)
      do {
        let file = folder.appending(path: entry.path)
        if encoded, conversion.encoding == nil {
          conversion.encoding = Picture.encoding(of: try Picture.fileContent(file))
        }
        let message = try conversion.message(of: file, label: entry.label)
        if checkSize {
          let datum = try Datum(message)
          let own = [datum.channels, datum.height, datum.width]
          guard own == extents ?? own else {
            throw DatasetError(
              "\(list):\(entry.line): \(entry.path) has \(Format.extents(own)) numbers, the first "
                + "picture \(Format.extents(extents ?? own))")
          }
          extents = own
        }
        try writer.append(message, name: entry.path)
      } catch let error as FileError {
        let problem = "\(list):\(entry.line): \(error)"
        guard skipUnreadable else { throw DatasetError(problem) }
        progress.finish()
        Output.say("Warning: \(Escaping.visible(problem))\n")
      }
    }
    try writer.finish()
    progress.finish()
    print("\(database): \(Format.grouped(writer.count)) records")
  }
}

extension ImageConversion.Encoding: ExpressibleByArgument {}
