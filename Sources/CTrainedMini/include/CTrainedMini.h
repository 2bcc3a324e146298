// The files of the trained network, inside the program: see Sources/CaffeTools/TrainedMini.swift.
#ifndef TRAINED_MINI_H
#define TRAINED_MINI_H

#include <stddef.h>

/// A file's bytes, which are there as long as the program runs.
typedef struct {
  const unsigned char *bytes;
  size_t count;
} trained_mini_file;

/// `mini.caffemodel`.
trained_mini_file trained_mini_model(void);

/// `history.npz`.
trained_mini_file trained_mini_history(void);

#endif
