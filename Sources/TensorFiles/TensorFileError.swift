import WholeFiles

/// What is wrong with a file of tensors, and where.
public typealias TensorFileError = FileError

/// Where something is in a file of tensors.
package typealias FilePlace = WholeFiles.FilePlace
