// No `link` in the module map: what to link is what pkg-config says of the MPI that was chosen.
#pragma once
#include <mpi.h>

// Macros that Swift doesn't import, in one or the other implementation.
static inline MPI_Comm mpiWorld(void) { return MPI_COMM_WORLD; }
static inline MPI_Datatype mpiByte(void) { return MPI_BYTE; }
static inline MPI_Datatype mpiFloat(void) { return MPI_FLOAT; }
static inline MPI_Op mpiSum(void) { return MPI_SUM; }
static inline MPI_Info mpiNoInfo(void) { return MPI_INFO_NULL; }
