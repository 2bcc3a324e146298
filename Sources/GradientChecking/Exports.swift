// Who checks a layer needs its protocols and tensors: one import is enough.
@_exported import Layers
@_exported import Tensors
