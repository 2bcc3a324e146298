// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that an exercise may be wrong while the library is right.
//
// `EXERCISES_FOLDER` puts other files in the place of the learner's: script/check-exercises proves
// with it that the exercises can be solved.
let folder = Context.environment["EXERCISES_FOLDER"] ?? "Sources/Exercises"

let alexnet = Target.Dependency.product(name: "AlexNet", package: "swift-alexnet")
let numerics = Target.Dependency.product(name: "RealModule", package: "swift-numerics")

let package = Package(
  name: "Exercises",
  dependencies: [
    .package(name: "swift-alexnet", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
  ],
  targets: [
    .target(name: "Workbench", dependencies: [alexnet]),
    .target(name: "Exercises", dependencies: ["Workbench", alexnet, numerics], path: folder),
    .executableTarget(
      name: "exercise",
      dependencies: [
        "Exercises", "Workbench", alexnet, numerics,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
