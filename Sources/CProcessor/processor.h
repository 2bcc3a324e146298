// What this build may use of the processor, as with -march=native: the compiler of C knows it, and
// Swift's doesn't say. Vectors of AVX-512, and a product and a sum in one instruction.
#ifdef __AVX512F__
#define BUILT_FOR_AVX512 1
#else
#define BUILT_FOR_AVX512 0
#endif
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define BUILT_FOR_FMA 1
#else
#define BUILT_FOR_FMA 0
#endif

// Brings a line of memory near, to read or to write it soon. Nothing happens where there is no memory.
static inline void prefetch_to_read(const float *address) { __builtin_prefetch(address, 0, 3); }
static inline void prefetch_to_write(const float *address) { __builtin_prefetch(address, 1, 3); }
