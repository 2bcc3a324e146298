#include "CTrainedMini.h"

// A Swift array of so many numbers takes the compiler minutes; #embed, of C23, takes it no time.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char model[] = {
#embed "mini.caffemodel"
};

static const unsigned char history[] = {
#embed "history.npz"
};

trained_mini_file trained_mini_model(void) {
  return (trained_mini_file){model, sizeof model};
}

trained_mini_file trained_mini_history(void) {
  return (trained_mini_file){history, sizeof history};
}
