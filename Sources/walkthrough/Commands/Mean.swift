import ArgumentParser
import CaffeFormats
import Datasets
import Foundation
import WholeFiles

/// The mean of a database.
struct Mean: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Computes the mean picture of an LMDB database, as Caffe's compute_image_mean does.",
    discussion: """
      The file is a .binaryproto, which "mean_file" of a network's transform_param names; the \
      means of the channels, which are printed, can stand there as "mean_value" instead.
      """)

  @Argument(help: "The folder of the database.")
  var database: String

  @Argument(help: "The file to write; only the channels' means are printed if left out.")
  var file: String?

  @OptionGroup var writing: Writing

  func run() throws {
    try writing.check(
      file, inputs: [database, database + "/data.mdb", database + "/lock.mdb"])
    let records = try DatumDatabase(database)
    let count = records.count ?? 0
    let progress = Progress(steps: count)
    let mean = try records.meanRecord { done in
      progress.step("record \(done)")
    }
    progress.finish()
    if let file { try MeanImage.write(mean, to: URL(fileNamed: file)) }
    print("Mean of \(Format.grouped(count)) records, \(Format.extents(mean.shape.dimensions)):")
    let area = mean.count / max(mean.shape.dimensions[0], 1)
    for channel in 0..<mean.shape.dimensions[0] {
      let values = mean.elements[channel * area..<(channel + 1) * area]
      let average = values.reduce(0.0) { $0 + Double($1) } / Double(area)
      print("mean_value channel [\(channel)]: \(Format.value(average))")
    }
  }
}
