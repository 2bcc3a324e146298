// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who uses the library has to fetch a benchmark harness.
let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v14)],
  dependencies: [
    .package(name: "swift-alexnet", path: ".."),
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.0", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "Kernels",
      dependencies: [
        .product(name: "AlexNet", package: "swift-alexnet"),
        .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Kernels",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    // Lists times over the tests' table of cases, which is linked into its folder.
    .executableTarget(
      name: "Cases", dependencies: [.product(name: "AlexNet", package: "swift-alexnet")],
      path: "Benchmarks/Cases"),
  ],
  swiftLanguageModes: [.v6]
)
