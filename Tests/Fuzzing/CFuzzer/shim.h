#include <stddef.h>
#include <stdint.h>

// libFuzzer has no header for this; https://llvm.org/docs/LibFuzzer.html describes it.
int LLVMFuzzerRunDriver(
    int *argc, char ***argv, int (*run)(const uint8_t *data, size_t size));
