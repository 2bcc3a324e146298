// Stands in front of OpenBLAS: what a program calls is looked for in the program first, and only then
// in the libraries that it loads. Each function counts, and calls the one that it hides.

#define _GNU_SOURCE
#include "BLASCalls.h"

#include <cblas.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local struct BLASCalls calls;

struct BLASCalls blas_calls(void) { return calls; }

static void *hidden(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) {
    fprintf(stderr, "OpenBLAS has no %s: %s\n", name, dlerror());
    abort();
  }
  return function;
}

#define GEMM(name, real)                                                                            \
  void cblas_##name(                                                                                \
      enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE a_transposed, enum CBLAS_TRANSPOSE b_transposed, \
      blasint m, blasint n, blasint k, real alpha, const real *a, blasint a_stride, const real *b,  \
      blasint b_stride, real beta, real *c, blasint c_stride) {                                     \
    static _Thread_local __typeof__(&cblas_##name) openblas;                                        \
    if (!openblas) openblas = hidden("cblas_" #name);                                               \
    calls.name++;                                                                                   \
    openblas(order, a_transposed, b_transposed, m, n, k, alpha, a, a_stride, b, b_stride, beta, c,  \
             c_stride);                                                                             \
  }

#define GEMV(name, real)                                                                            \
  void cblas_##name(                                                                                \
      enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transposed, blasint m, blasint n, real alpha,    \
      const real *a, blasint a_stride, const real *x, blasint x_step, real beta, real *y,           \
      blasint y_step) {                                                                             \
    static _Thread_local __typeof__(&cblas_##name) openblas;                                        \
    if (!openblas) openblas = hidden("cblas_" #name);                                               \
    calls.name++;                                                                                   \
    openblas(order, transposed, m, n, alpha, a, a_stride, x, x_step, beta, y, y_step);              \
  }

GEMM(sgemm, float)
GEMM(dgemm, double)
GEMV(sgemv, float)
GEMV(dgemv, double)
