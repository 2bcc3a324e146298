// swift-tools-version: 6.2
import PackageDescription

let numerics = Target.Dependency.product(name: "RealModule", package: "swift-numerics")
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

/// The modules that `import AlexNet` imports, and that a package may import one by one.
let libraries = [
  "Tensors", "Layers", "Reference", "Fast", "Tuned", "Networks", "Training",
  "GradientChecking", "NetworkChecking", "BrokenLayers",
  "Datasets", "NumPyFiles", "TensorFiles", "WholeFiles", "CaffeMessages", "CaffeFormats",
  "CaffeTools", "ONNXMessages", "ONNXFiles",
]

let package = Package(
  name: "swift-alexnet",
  products: [
    .library(name: "AlexNet", targets: ["AlexNet"] + libraries),
    // For those who check layers of their own and need no more: it links no system library.
    .library(name: "GradientChecking", targets: ["GradientChecking", "Layers", "Tensors"]),
    .executable(name: "walkthrough", targets: ["walkthrough"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CProcessor"),
    // The trained network's files, inside the program.
    .target(name: "CTrainedMini", exclude: ["mini.caffemodel", "history.npz"]),
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

    .target(name: "AlexNet", dependencies: libraries.map { .target(name: $0) }),
    .target(name: "Tensors", dependencies: [numerics]),
    .target(name: "Layers", dependencies: ["Tensors"]),
    .target(name: "Reference", dependencies: ["Layers", numerics]),
    .target(name: "Fast", dependencies: ["Layers", "COpenBLAS", "CProcessor"]),
    .target(name: "Tuned", dependencies: ["Fast", "Layers", "CProcessor"]),
    // For reading: a convolution in ten steps, from the formula to the fastest. Only the walkthrough
    // runs it.
    .target(
      name: "Ladder", dependencies: ["Layers", "Tensors", "Tuned", "COpenBLAS", "CProcessor"]),
    .target(name: "GradientChecking", dependencies: ["Layers", numerics]),
    .target(
      name: "BrokenLayers", dependencies: ["GradientChecking", "Layers", "Reference", numerics]),
    .target(name: "Networks", dependencies: ["Layers"]),
    .target(
      name: "NetworkChecking", dependencies: ["GradientChecking", "Networks"]),
    .target(
      name: "Training",
      dependencies: ["Networks", "Datasets", "NumPyFiles", "WholeFiles", numerics]),
    .target(name: "WholeFiles"),
    .target(
      name: "Datasets",
      dependencies: [
        "CaffeMessages", "Tensors", "WholeFiles", "CLMDB", "CPNG", "CTurboJPEG", protobuf,
      ]),
    .target(name: "NumPyFiles", dependencies: ["Tensors", "WholeFiles", "CZlib"]),
    .target(name: "TensorFiles", dependencies: ["NumPyFiles", "Tensors", "WholeFiles"]),
    .target(
      name: "CaffeMessages", dependencies: [protobuf], exclude: ["caffe.proto", "generate.sh"]),
    .target(
      name: "CaffeFormats",
      dependencies: ["CaffeMessages", "Layers", "Networks", "Tensors", "WholeFiles", protobuf]),
    .target(
      name: "CaffeTools",
      dependencies: [
        "CTrainedMini", "CaffeFormats", "CaffeMessages", "Datasets", "Fast", "Layers", "Networks",
        "NumPyFiles", "Tensors", "Training", "Tuned", "WholeFiles",
      ]),
    .target(
      name: "ONNXMessages", dependencies: [protobuf], exclude: ["onnx.proto", "generate.sh"]),
    .target(
      name: "ONNXFiles",
      dependencies: [
        "Layers", "Networks", "NumPyFiles", "ONNXMessages", "TensorFiles", "Tensors", "WholeFiles",
        protobuf,
      ]),
    .target(
      name: "NetworkFiles",
      dependencies: [
        "CaffeFormats", "CaffeMessages", "CaffeTools", "Datasets", "Layers", "Networks",
        "NumPyFiles", "ONNXFiles", "TensorFiles", "Tensors", "WholeFiles",
      ]),
    .executableTarget(
      name: "walkthrough",
      dependencies: [
        "Reference", "Fast", "Tuned", "Ladder", "GradientChecking", "BrokenLayers",
        "NetworkChecking",
        "Networks", "Training", "Datasets", "WholeFiles", "CaffeFormats", "CaffeMessages",
        "CaffeTools", "NetworkFiles", "NumPyFiles", "ONNXFiles", "TensorFiles", "CCrypto",
        "COpenBLAS", argumentParser, numerics,
      ],
      // Inside the binary, so that a page is the same wherever the binary is moved.
      resources: [
        .embedInCode("Page/Resources/page.css"), .embedInCode("Page/Resources/page.js"),
        .embedInCode("Page/Resources/sliding.js"), .embedInCode("Page/Resources/shapes.js"),
        .embedInCode("Page/Resources/groups.js"), .embedInCode("Page/Resources/lrn.js"),
        .embedInCode("Live/Resources/network.js"), .embedInCode("Live/Resources/elements.js"),
        .embedInCode("Live/Resources/picture.js"), .embedInCode("Live/Resources/inside.js"),
        .embedInCode("Live/Resources/value.js"), .embedInCode("Live/Resources/nudge.js"),
        .embedInCode("Live/Resources/dependence.js"), .embedInCode("Live/Resources/learning.js"),
        .embedInCode("Live/Resources/live.js"), .embedInCode("Live/Resources/live.css"),
      ]),

    // What the fuzzers run, and the tests that run it once more on what the fuzzers found.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "CaffeFormats", "CaffeMessages", "Datasets", "Fast", "Layers", "Networks", "NumPyFiles",
        "ONNXFiles", "Reference", "TensorFiles", "Tensors", "Training", "Tuned", "WholeFiles",
        "CZlib", protobuf,
      ],
      path: "Tests/Fuzzing/Targets"),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"]),

    // The one table of cases, and what runs a layer on them.
    .target(name: "LayerCases", dependencies: ["Layers", "Tensors"], path: "Tests/LayerCases"),
    .testTarget(
      name: "GradientChecks",
      dependencies: [
        "BrokenLayers", "GradientChecking", "LayerCases", "NetworkChecking", "Reference", "Fast",
        "Tuned", "Networks", numerics,
      ]),
    .testTarget(
      name: "PropertyTests", dependencies: ["Reference", "Fast", "Tuned", numerics]),
    .testTarget(
      name: "OwnLayerTests",
      dependencies: [
        "CaffeFormats", "Datasets", "Fast", "GradientChecking", "NetworkChecking", "Networks",
        "Reference", "Training", numerics,
      ]),
    .testTarget(name: "ShapeTests", dependencies: ["LayerCases", "Networks"]),
    .testTarget(
      name: "NetworkTests", dependencies: ["Reference", "Fast", "Tuned", "Networks", "NumPyFiles"]),
    // Counts the calls of OpenBLAS in the tests' program.
    .target(name: "BLASCalls", dependencies: ["COpenBLAS"], path: "Tests/BLASCalls"),
    .testTarget(
      name: "TwinTests",
      dependencies: [
        "BLASCalls", "LayerCases", "Reference", "Fast", "Tuned", "Networks", numerics,
      ]),
    .testTarget(name: "LadderTests", dependencies: ["Ladder", "Layers", "Reference", "Tensors"]),
    .testTarget(
      name: "CaffeTests", dependencies: ["Reference", "Fast", "Tuned", "Networks", "NumPyFiles"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: ["Datasets", "Reference", "Fast", "Networks", "Training", "NumPyFiles"]),
    .target(name: "TestTools", path: "Tests/TestTools"),
    .testTarget(name: "NumPyFileTests", dependencies: ["NumPyFiles", "TestTools", "WholeFiles"]),
    .testTarget(
      name: "TensorFileTests", dependencies: ["NumPyFiles", "TensorFiles", "TestTools"]),
    .testTarget(
      name: "ONNXFileTests",
      dependencies: [
        "Fast", "GradientChecking", "Networks", "NumPyFiles", "ONNXFiles", "ONNXMessages",
        "Reference", "TensorFiles", "TestTools", "Tuned", protobuf,
      ]),
    .testTarget(name: "WholeFileTests", dependencies: ["WholeFiles"]),
    .testTarget(
      name: "DatasetTests",
      dependencies: [
        "CaffeMessages", "Datasets", "NumPyFiles", "TestTools", "WholeFiles", protobuf,
      ]),
    .testTarget(
      name: "CaffeFormatTests",
      dependencies: [
        "CaffeFormats", "CaffeMessages", "Fast", "GradientChecking", "NetworkChecking", "Networks",
        "NumPyFiles", "Reference", "TestTools", protobuf,
      ]),
    .testTarget(
      name: "DocsTests",
      dependencies: [
        "Reference", "Fast", "Networks", "Training", "Datasets", "GradientChecking", "CaffeFormats",
      ]),
    .testTarget(
      name: "DocumentationTests",
      dependencies: [
        "Reference", "Fast", "Networks", "GradientChecking", "CaffeFormats", "walkthrough",
        argumentParser,
      ]),
    .testTarget(
      name: "ReadmeTests",
      dependencies: [
        "AlexNet", "Reference", "Fast", "Networks", "GradientChecking", "walkthrough",
      ]),
    .testTarget(
      name: "WalkthroughTests",
      dependencies: [
        "BrokenLayers", "CaffeFormats", "CaffeMessages", "CaffeTools", "Datasets", "Fast",
        "GradientChecking", "NetworkFiles", "NumPyFiles", "ONNXFiles", "TensorFiles", "Tuned",
        "WholeFiles", "walkthrough",
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// What builds the reference pages: script/docs asks for it, and nobody else has to fetch it.
if Context.environment["ALEXNET_DOCS"] != nil {
  package.dependencies.append(
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}

// The fuzzers themselves, which only link under the flags that script/fuzz builds them with.
if Context.environment["ALEXNET_FUZZING"] != nil {
  package.targets += [
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzzing/CFuzzer"),
    .executableTarget(
      name: "fuzzer", dependencies: ["FuzzTargets", "CFuzzer"], path: "Tests/Fuzzing/Driver"),
  ]
}

// Training on several machines (script/walkthrough-mpi): the variable is the pkg-config name of the MPI to
// build for, for example ompi-c or mpich. Without it nobody needs one.
if let mpi = Context.environment["ALEXNET_MPI"] {
  package.targets += [
    .systemLibrary(name: "CMPI", pkgConfig: mpi, providers: [.apt(["libopenmpi-dev"])]),
    .target(name: "MessagePassing", dependencies: ["CMPI", "Training"]),
  ]
  for target in package.targets where target.name == "walkthrough" {
    target.dependencies.append("MessagePassing")
    target.swiftSettings = [.define("MPI")]
  }
}

// Some of the tests, named with commas between, and only what they need: script/test asks for it where all
// would take too long to build.
if let names = Context.environment["ALEXNET_TESTS"] {
  var needed: Set<String> = []
  func need(_ name: String) {
    guard let target = package.targets.first(where: { $0.name == name }),
      needed.insert(name).inserted
    else { return }
    for case .targetItem(let name, _) in target.dependencies { need(name) }
    for case .byNameItem(let name, _) in target.dependencies { need(name) }
  }
  for name in names.split(separator: ",") { need(String(name)) }
  package.targets.removeAll { !needed.contains($0.name) }
  package.products = []
}
