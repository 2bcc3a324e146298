import Fast
import Foundation
import GradientChecking
import Layers
import Reference
import Tensors

/// The versions under check, in Double.
let versions: [any Backend<Double>] = [ReferenceBackend<Double>(), FastBackend<Double>()]

/// The naive layers on dual numbers: they yield exact derivatives for all versions.
let exactVersion = ReferenceBackend<Dual<Double>>()

/// Whether the thread sanitizer watches, under which every access takes tens of times as long.
let isWatchedForRaces = ProcessInfo.processInfo.environment["SANITIZER"] == "thread"
