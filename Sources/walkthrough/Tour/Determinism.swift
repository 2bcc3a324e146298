/// What `--deterministic` leaves out and rounds, so that a tour is the same text on every machine
/// and with every number of threads, and can be pinned by golden files.
///
/// - All values are those of Reference: IEEE 754 operations in a fixed order, on one
///   thread, without BLAS and without fused multiply-adds. The few functions of the C library in it
///   (e^x, ln x, powers, and sine and cosine for the random weights) are computed in more digits
///   than are kept.
/// - Values are rounded to four digits, in case a C library differs in the last of Float's seven.
///   (One that is all cancellation, as the mean of a gradient, could show such a difference still.)
/// - Clocks aren't read, the machine isn't named, and where code stands isn't said by line.
/// - Of the other versions, whose sums depend on the BLAS and the processor, it is only said whether
///   they agree; of the gradient checks, whose errors are nothing but rounding, whether they pass.
///
/// The guide leaves out; this rounds.
enum Determinism {
  /// The nearest number of four significant digits.
  static func rounded(_ number: Double) -> Double {
    Double(Format.value(number)) ?? number
  }

  /// The report with all numbers that aren't counts rounded.
  static func rounded(_ report: TourReport) -> TourReport {
    var report = report
    report.loss = rounded(report.loss)
    report.losses = report.losses.map {
      VersionValue(version: $0.version, value: rounded($0.value))
    }
    report.layers = report.layers.map(rounded)
    for index in report.predictions.indices {
      report.predictions[index].probability = rounded(report.predictions[index].probability)
    }
    for index in report.totals.types.indices {
      report.totals.types[index].parameterShare = rounded(report.totals.types[index].parameterShare)
      report.totals.types[index].macShare = rounded(report.totals.types[index].macShare)
    }
    return report
  }

  private static func rounded(_ layer: LayerReport) -> LayerReport {
    var layer = layer
    layer.statistics = rounded(layer.statistics)
    layer.histogram = rounded(layer.histogram)
    layer.maps = layer.maps.map(rounded)
    layer.filters = layer.filters.map(rounded)
    layer.example.byHand = rounded(layer.example.byHand)
    layer.example.versions = layer.example.versions.map {
      VersionValue(version: $0.version, value: rounded($0.value))
    }
    if var window = layer.example.window {
      window.inputs = window.inputs.map { $0.map { $0.map(rounded) } }
      window.weights = window.weights?.map { $0.map(rounded) }
      window.column = window.column?.map(rounded)
      window.plane = rounded(window.plane)
      layer.example.window = window
    }
    if var backward = layer.backward {
      backward.inputGradient = backward.inputGradient.map(rounded)
      backward.inputHistogram = backward.inputHistogram.map(rounded)
      backward.inputMaps = backward.inputMaps.map(rounded)
      backward.parameterGradients = backward.parameterGradients.mapValues(rounded)
      backward.parameterHistograms = backward.parameterHistograms.mapValues(rounded)
      backward.filterGradients = backward.filterGradients.map(rounded)
      backward.largestMagnitude = rounded(backward.largestMagnitude)
      layer.backward = backward
    }
    return layer
  }

  private static func rounded(_ statistics: Statistics) -> Statistics {
    var statistics = statistics
    statistics.mean = rounded(statistics.mean)
    statistics.deviation = rounded(statistics.deviation)
    statistics.minimum = rounded(statistics.minimum)
    statistics.maximum = rounded(statistics.maximum)
    statistics.zeroShare = rounded(statistics.zeroShare)
    return statistics
  }

  private static func rounded(_ histogram: Histogram) -> Histogram {
    var histogram = histogram
    histogram.lower = rounded(histogram.lower)
    histogram.upper = rounded(histogram.upper)
    return histogram
  }

  private static func rounded(_ map: FeatureMap) -> FeatureMap {
    var map = map
    map.raster = rounded(map.raster)
    if let peak = map.peak {
      map.peak?.value = rounded(peak.value)
      map.peak?.patch = rounded(peak.patch)
    }
    return map
  }

  private static func rounded(_ raster: Raster) -> Raster {
    var raster = raster
    raster.lower = rounded(raster.lower)
    raster.upper = rounded(raster.upper)
    return raster
  }
}
