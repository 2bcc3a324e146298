import ArgumentParser
import CaffeTools
import Fast
import Foundation
import Layers
import Networks
import Tensors
import Training
import Tuned

/// What more machines would bring.
struct Scale: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Predicts how fast several machines train together.",
    discussion: """
      Steps on one machine are measured here, unless --time says what they take. All machines are \
      taken to be like this one. Docs/19-ManyMachines.md has the formulas.

      Data parallel is what `train --distributed` does, overlapped what it does with --overlap. Hybrid \
      shares out the weights of the inner products ("one weird trick"), which this program doesn't do.

      With --distributed the processes that mpirun has started add gradients, and what that takes is \
      compared with the prediction, and with MPI_Allreduce.
      """)

  @Option(parsing: .unconditional, help: "How many machines at most.")
  var machines = 16

  @Option(parsing: .unconditional, help: "The bandwidth between them, in Gbit/s each way.")
  var link = 10.0

  @Option(parsing: .unconditional, help: "The latency of a message, in microseconds.")
  var latency = 20.0

  @Option(parsing: .unconditional, help: "The share of the bandwidth that is reached.")
  var efficiency = 0.8

  @Option(
    parsing: .unconditional,
    help: "The images of a step, of all machines together. (default: 256)")
  var batch: Int?

  @Option(
    parsing: .unconditional, help: "The images of a step on each machine, in place of --batch.")
  var each: Int?

  @Option(help: "The network: \(NetworkChoice.list).")
  var network = NetworkChoice.caffenet

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "What a step takes on one machine, for example 64:1.336 for 64 images; give it twice.",
      valueName: "images:seconds"))
  var time: [StepTime] = []

  @Option(
    parsing: .unconditional,
    help: "The seconds that an exchange took, to be compared with the prediction for --machines.")
  var exchange: Double?

  @Flag(
    help: """
      Measure the exchange between the processes that mpirun has started, each of which is one of \
      --machines. script/walkthrough-mpi gives this.
      """)
  var distributed = false

  @Flag(help: "Print JSON for programs.")
  var json = false

  func validate() throws {
    guard !distributed || exchange == nil else {
      throw ValidationError("--distributed measures what --exchange would say: leave out one.")
    }
    guard (1...100_000).contains(machines) else {
      throw ValidationError("--machines \(machines): must be from 1 to 100000.")
    }
    let limits: [(String, Double, ClosedRange<Double>, String)] = [
      ("--link", link, 1e-6...1e9, "from 0.000001 to 1000000000"),
      ("--latency", latency, 0...1e9, "from 0 to 1000000000"),
      ("--efficiency", efficiency, 1e-6...1, "a share, from 0.000001 to 1"),
      ("--exchange", exchange ?? 1, 1e-9...1e9, "from 0.000000001 to 1000000000"),
    ]
    for (option, value, range, words) in limits where !range.contains(value) {
      throw ValidationError("\(option) \(value): must be \(words).")
    }
    guard (1...1_000_000).contains(batch ?? 1), (1...1_000_000).contains(each ?? 1) else {
      throw ValidationError("--batch and --each must be from 1 to 1000000.")
    }
    guard batch == nil || each == nil else {
      throw ValidationError(
        "--batch is of all machines together, --each of one: give one of the two.")
    }
    guard exchange == nil || machines > 1 else {
      throw ValidationError(
        "--exchange: one machine exchanges nothing; --machines says how many there were.")
    }
    guard time.isEmpty || time.count == 2 && time[0].images != time[1].images else {
      throw ValidationError(
        "--time: give it twice, with different numbers of images, or not at all.")
    }
  }

  func run() throws {
    let model = ScalingModel(try NetworkPlan(network.definition(includeAccuracy: false)))
    guard distributed else { return try show(model, exchange: exchange, of: machines) }
    let ranks = try Ranks(isDistributed: true)
    try ranks.run {
      let (seconds, allreduce) = try ranks.exchangeSeconds(
        parameters: Int(model.parameterBytes) / 4)
      guard ranks.isFirst else { return }
      try show(model, exchange: seconds, of: ranks.communicator.size, allreduce: allreduce)
    }
  }

  private func show(
    _ model: ScalingModel, exchange: Double?, of machines: Int, allreduce: Double? = nil
  ) throws {
    let times = try time.isEmpty ? measured() : time
    guard
      let machine = ScalingModel.Machine(
        seconds: times[0].seconds, forImages: times[0].images, seconds: times[1].seconds,
        forImages: times[1].images)
    else {
      throw SettingsError(
        description:
          "\(times[0]) and \(times[1]): more images don't take longer. Measure on a quiet "
          + "machine, or say with --time what steps take.")
    }
    let report = ScaleReport(
      model: model, network: network.rawValue, times: times, machine: machine,
      link: .init(
        bytesPerSecond: link * 1e9 / 8, efficiency: efficiency, latency: latency * 1e-6),
      machines: machines, batch: batch ?? 256, each: each, measuredExchange: exchange,
      allreduce: allreduce)
    print(json ? try JSON.text(report) : report.lines().joined(separator: "\n"))
  }

  /// Steps of two sizes on this machine: for each the fastest of three, behind one that isn't counted.
  private func measured() throws -> [StepTime] {
    let sizes = [16, 64]
    // The last is what tuned layers keep of them.
    try MemoryNeed(
      NetworkPlan(network.definition(includeAccuracy: false), batch: sizes[1]),
      [.network, .momentum, .parameters(1), .blobs(1)]
    ).require()
    return try sizes.map { images in
      let backend = TunedBackend()
      let network = try Network(
        self.network.definition(includeAccuracy: false), backend: backend, batch: images,
        keepingGradients: false)
      let solver = try Solver(
        SolverSpecification(baseLearningRate: 1e-4, momentum: 0.9), network: network,
        backend: backend)
      var generator = SplitMix64(seed: 1)
      let noise = Tensor<Float>.normal(network.input.shape, using: &generator)
      var best = Double.infinity
      for repetition in 0..<4 {
        let start = ContinuousClock.now
        _ = try solver.step {
          try $0.load(images: noise, labels: (0..<images).map { $0 % 10 })
        }
        if repetition > 0 { best = min(best, start.duration(to: .now) / .seconds(1)) }
      }
      return StepTime(images: images, seconds: best)
    }
  }
}

/// That a step of some images takes some seconds.
struct StepTime: ExpressibleByArgument, Encodable, CustomStringConvertible {
  var images: Int
  var seconds: Double

  init(images: Int, seconds: Double) {
    (self.images, self.seconds) = (images, seconds)
  }

  init?(argument: String) {
    let parts = argument.split(separator: ":")
    guard parts.count == 2, let images = Int(parts[0]), let seconds = Double(parts[1]),
      (1...1_000_000).contains(images), seconds > 0, seconds < 1e6
    else { return nil }
    self.init(images: images, seconds: seconds)
  }

  var description: String { "\(images):\(seconds)" }
}

/// What `scale` shows.
struct ScaleReport: Encodable {
  /// A number of machines.
  struct Row: Encodable {
    var machines: Int
    var imagesPerStep: Double
    var exchangeSeconds: Double
    /// By method.
    var imagesPerSecond: [String: Double]
    /// Against as many machines that don't have to talk, with the overlapped exchange.
    var efficiency: Double
  }

  var network: String
  var times: [StepTime]
  var secondsPerStep: Double
  var secondsPerImage: Double
  var exchangedBytes: Double
  var parameterBytes: Double
  var breakEvenImages: Double
  var limitImagesPerSecond: Double?
  var measuredExchangeSeconds: Double?
  var allreduceSeconds: Double?
  var rows: [Row]

  init(
    model: ScalingModel, network: String, times: [StepTime], machine: ScalingModel.Machine,
    link: ScalingModel.Link, machines: Int, batch: Int, each: Int?, measuredExchange: Double?,
    allreduce: Double? = nil
  ) {
    self.network = network
    self.times = times
    secondsPerStep = machine.secondsPerStep
    secondsPerImage = machine.secondsPerImage
    exchangedBytes = model.exchangedBytes(machines: machines)
    parameterBytes = model.parameterBytes
    breakEvenImages = model.breakEvenImages
    limitImagesPerSecond = each == nil ? model.limit(images: Double(batch), link: link) : nil
    (measuredExchangeSeconds, allreduceSeconds) = (measuredExchange, allreduce)
    var counts = Array(sequence(first: 1) { 2 * $0 }.prefix { $0 < machines })
    counts.append(machines)
    rows = counts.map { count in
      let images = each.map { Double($0 * count) } ?? Double(batch)
      func speed(_ method: ScalingModel.Method, _ link: ScalingModel.Link) -> Double {
        images
          / model.stepSeconds(
            method, machines: count, images: images, machine: machine, link: link)
      }
      let alone = ScalingModel.Link(bytesPerSecond: .infinity, efficiency: 1, latency: 0)
      return Row(
        machines: count, imagesPerStep: images,
        exchangeSeconds: model.exchangeSeconds(machines: count, link: link),
        imagesPerSecond: Dictionary(
          uniqueKeysWithValues: ScalingModel.Method.allCases.map { ($0.rawValue, speed($0, link)) }),
        efficiency: speed(.overlapped, link) / speed(.dataParallel, alone))
    }
  }

  /// For a terminal.
  func lines() -> [String] {
    func milliseconds(_ seconds: Double) -> String { String(format: "%.2f ms", seconds * 1000) }
    func whole(_ number: Double) -> String { Format.grouped(Int(number.rounded())) }
    var table = TextTable(
      header: [
        "machines", "images a step", "exchange", "data parallel", "overlapped", "hybrid",
        "efficiency",
      ])
    table.rows = rows.map { row in
      [
        whole(Double(row.machines)), whole(row.imagesPerStep),
        String(format: "%.3f s", row.exchangeSeconds),
      ]
        + ScalingModel.Method.allCases.map { whole(row.imagesPerSecond[$0.rawValue] ?? 0) }
        + [Format.percent(row.efficiency)]
    }
    var lines = [
      "\(network), predicted images per second", "",
      "one machine: \(milliseconds(secondsPerStep)) a step and \(milliseconds(secondsPerImage)) an "
        + "image",
      "gradients: \(Format.grouped(Int(parameterBytes))) bytes; each of \(rows.last?.machines ?? 1) "
        + "machines sends \(whole(exchangedBytes)) a step", "",
    ]
    lines += table.lines() + [""]
    if let limitImagesPerSecond {
      lines.append(
        "Without overlap, no number of machines exceeds \(whole(limitImagesPerSecond)) images/s at "
          + "this batch.")
    }
    lines.append(
      "Hybrid moves fewer bytes for the inner products below \(whole(breakEvenImages)) images a step."
    )
    if let measured = measuredExchangeSeconds, let row = rows.last {
      lines.append(
        String(
          format: "The exchange of %d machines: measured %.3f s, predicted %.3f s, ratio %.2f.",
          row.machines, measured, row.exchangeSeconds,
          row.exchangeSeconds > 0 ? measured / row.exchangeSeconds : 0))
    }
    if let allreduceSeconds {
      lines.append(String(format: "MPI_Allreduce of as many numbers: %.3f s.", allreduceSeconds))
    }
    return lines
  }
}
