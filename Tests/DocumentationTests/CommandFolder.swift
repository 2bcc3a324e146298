import Foundation

/// A folder with the files that the commands in the texts name, all of them small.
struct CommandFolder: ~Copyable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "commands-\(UUID())")
    try FileManager.default.createDirectory(
      at: url.appending(path: "photos"), withIntermediateDirectories: true)
    let fixtures = [
      "cat.jpg": "pictures/resized_256x256.png", "photos/a.png": "pictures/resized_256x256.png",
      "photos/b.png": "pictures/resized_256x256.png", "net.prototxt": "caffe/tiny35/net.prototxt",
      "net.caffemodel": "caffe/tiny35/weights.caffemodel", "images.npy": "caffe/tiny35/data.npy",
      "labels.npy": "caffe/tiny35/label.npy",
      "train.prototxt": "caffe/caffenet/train.upb.prototxt",
      "test.prototxt": "caffe/caffenet/test.upb.prototxt",
    ]
    for (name, fixture) in fixtures {
      try FileManager.default.copyItem(
        at: PackageFolder.root.appending(path: "Tests/Fixtures/\(fixture)"),
        to: url.appending(path: name))
    }
    let texts = [
      "list.txt": "a.png 0\nb.png 1\n",
      "solver.prototxt": """
      net: "solver_net.prototxt" base_lr: 0.001 lr_policy: "fixed" max_iter: 2 display: 1
      snapshot_prefix: "solver"
      """,
      "solver_net.prototxt": """
      layer { name: "data" type: "Data" top: "data" top: "label"
        transform_param { crop_size: 16 scale: 0.01 }
        data_param { source: "db" batch_size: 2 backend: LMDB } }
      layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
      """,
    ]
    for (name, text) in texts {
      try text.write(to: url.appending(path: name), atomically: true, encoding: .utf8)
    }
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// What is put behind a command of `script/walkthrough` so that it takes little time and says no
  /// less; `nil` where that can't be done.
  static func options(lessening arguments: [String]) -> [String]? {
    // What stands for something else, or is a file of hundreds of megabytes.
    let isPlaceholder = { (word: String) in word == "…" || word.contains(/^[A-Z]+$/) }
    guard !arguments.contains(where: isPlaceholder),
      !arguments.contains("--weights") || ["dump", "evaluate"].contains(arguments[0])
    else { return nil }
    switch arguments.first {
    case nil, "tour": return ["--network", "mini"]
    case "compare":
      // A sweep sets the batch or the threads itself.
      return ["--network", "mini", "--repeats", "1"]
        + (arguments.contains("--sweep") ? [] : ["--batch", "1"])
    case "check":
      guard arguments.contains("--network") else { return nil }
      if arguments.contains("--second"), arguments.contains("--end-to-end") {
        return ["--mode", "directional"]
      }
      return arguments.contains("--layer") ? [] : ["--layer", "fc8"]
    case "train":
      // The full-size network alone takes gigabytes, a lesson a minute.
      if arguments.contains("caffenet") || arguments.contains("--lesson") { return nil }
      if arguments.contains("--solver") { return [] }
      if arguments.contains("--resume") { return ["--iterations", "2"] }
      let small = ["--iterations", "1", "--batch", "2", "--test-images", "2", "--snapshot", "1"]
      // A folder holds the snapshots of one run.
      if arguments.contains("--dataset") { return small + ["--output", "other"] }
      let folder = arguments.contains("--snapshot") ? ["--output", "snapshots"] : []
      return small + ["--images", "4"] + folder
    case "prototxt": return []
    // Without files these are names in a sentence.
    case "lint", "dump", "evaluate", "mean", "convert-images": return arguments.count > 1 ? [] : nil
    default: return nil
    }
  }

  /// Commands that write what others read come first.
  static func isBefore(_ a: QuotedCommand, _ b: QuotedCommand) -> Bool {
    rank(a) < rank(b)
  }

  private static func rank(_ command: QuotedCommand) -> Int {
    if command.words.contains("convert-images") { return 0 }
    return command.words == ["script/walkthrough", "train"] ? 1 : 2
  }
}
