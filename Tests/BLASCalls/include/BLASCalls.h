// How often this thread has called OpenBLAS's products, by their letters: s for float, d for double.
struct BLASCalls {
  long sgemm, dgemm, sgemv, dgemv;
};

struct BLASCalls blas_calls(void);
