// `import AlexNet` imports every module of the library. Where the versions of a layer share a name,
// the module says which is meant: `Reference.Convolution`, `Fast.Convolution`, `Tuned.Convolution`.

@_exported import BrokenLayers
@_exported import CaffeFormats
@_exported import CaffeTools
@_exported import Datasets
@_exported import Fast
@_exported import GradientChecking
@_exported import Layers
@_exported import NetworkChecking
@_exported import Networks
@_exported import NumPyFiles
@_exported import ONNXFiles
@_exported import Reference
@_exported import TensorFiles
@_exported import Tensors
@_exported import Training
@_exported import Tuned
@_exported import WholeFiles
