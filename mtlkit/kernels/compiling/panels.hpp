// Products of many small matrices with one fixed matrix, as fast per row for 8 rows as for 800.
//
// A BLAS library rearranges (packs) both matrices at every call, which costs as much as the product itself if there
// are few rows. Here the fixed matrix is packed once, into panels of as many columns as two vectors hold, row by row.
// A block of results then stays in registers over the whole inner dimension.

#pragma once

#include "arithmetic.hpp"

#if defined(__AVX512F__)
constexpr Index VECTOR_BYTES = 64, ROWS_AT_ONCE = 8;  // 16 of 32 registers for sums
#elif defined(__AVX__)
constexpr Index VECTOR_BYTES = 32, ROWS_AT_ONCE = 6;  // 12 of 16
#else
constexpr Index VECTOR_BYTES = 16, ROWS_AT_ONCE = 6;
#endif

// A view of a matrix with strides `row` and `column`.
template <typename Real>
struct Matrix {
    const Real* data;
    Index row, column;
};

// The content of one register, which may be unaligned in memory and may alias arrays of Real.
template <typename Real, Index bytes>
struct Vector {
    typedef Real Type __attribute__((vector_size(bytes), aligned(sizeof(Real)), may_alias));
};

// The matrix B of C = A B or C += A B, packed.
template <typename Real>
class Panels {
    static constexpr Index LANES = VECTOR_BYTES / sizeof(Real), WIDTH = 2 * LANES;
    static constexpr Index INNER_AT_ONCE = 16384 / (WIDTH * sizeof(Real));  // so much of a panel stays in the L1 cache

public:
    Panels(Matrix<Real> matrix, Index inner, Index columns)
        : inner_(inner), columns_(columns), data_((columns + WIDTH - 1) / WIDTH * WIDTH * inner, false) {
        for (Index first = 0; first < columns; first += WIDTH) {
            const Real* from = matrix.data + first * matrix.column;
            const Index wide = smaller(columns - first, WIDTH);
            for (Index k = 0; k < inner; k++) {
                Real* to = data_.get() + first * inner + k * WIDTH;
                for (Index c = 0; c < wide; c++) to[c] = from[k * matrix.row + c * matrix.column];
                for (Index c = wide; c < WIDTH; c++) to[c] = 0;  // read by `block`, not stored
            }
        }
    }

    // `result_row` is the stride between rows of C. With `keep`, the product is added to C.
    void multiply(Index rows, Matrix<Real> left, bool keep, Real* result, Index result_row) const {
        for (Index begin = 0; begin == 0 || begin < inner_; begin += INNER_AT_ONCE) {  // sums of nothing are 0
            // Later parts of the inner dimension add to what the first one wrote, whatever `keep` says of it.
            Task task{nullptr, smaller(inner_ - begin, INNER_AT_ONCE), left, keep || begin > 0, result, result_row, 0};
            task.left.data += begin * left.column;
            for (Index first = 0; first < columns_; first += WIDTH, task.result += WIDTH) {
                task.panel = data_.get() + first * inner_ + begin * WIDTH;
                task.wide = smaller(columns_ - first, WIDTH);
                if (task.wide > LANES) {
                    all_rows<2, VECTOR_BYTES>(rows, task);
                } else if (task.wide > LANES / 2) {
                    all_rows<1, VECTOR_BYTES>(rows, task);
                } else {
                    all_rows<1, VECTOR_BYTES / 2>(rows, task);
                }
            }
        }
    }

private:
    struct Task {
        const Real* panel;
        Index inner;
        Matrix<Real> left;
        bool keep;
        Real* result;
        Index result_row, wide;
    };

    template <Index vectors, Index bytes>
    static void all_rows(Index rows, Task task) {
        for (; rows >= ROWS_AT_ONCE; rows -= ROWS_AT_ONCE) {
            block<ROWS_AT_ONCE, vectors, bytes>(task);
            task.left.data += ROWS_AT_ONCE * task.left.row;
            task.result += ROWS_AT_ONCE * task.result_row;
        }
        last_rows<ROWS_AT_ONCE - 1, vectors, bytes>(rows, task);
    }

    template <Index most, Index vectors, Index bytes>
    static void last_rows(Index rows, const Task& task) {
        if (rows == most) {
            block<most, vectors, bytes>(task);
        } else if constexpr (most > 1) {
            last_rows<most - 1, vectors, bytes>(rows, task);
        }
    }

    template <Index rows, Index vectors, Index bytes>
    static void block(const Task& task) {
        using Several = typename Vector<Real, bytes>::Type;
        constexpr Index lanes = bytes / sizeof(Real);
        const Real *panel = task.panel, *left = task.left.data;
        const Index inner = task.inner, row = task.left.row, column = task.left.column;
        Several sums[rows][vectors] = {};
        for (Index k = 0; k < inner; k++) {
#pragma GCC unroll 16
            for (Index r = 0; r < rows; r++) {
                const Real factor = left[r * row + k * column];
#pragma GCC unroll 2
                for (Index v = 0; v < vectors; v++) {
                    sums[r][v] += factor * *reinterpret_cast<const Several*>(panel + k * WIDTH + v * lanes);
                }
            }
        }
#pragma GCC unroll 16
        for (Index r = 0; r < rows; r++) {
#pragma GCC unroll 2
            for (Index v = 0; v < vectors; v++) {
                Real* to = task.result + r * task.result_row + v * lanes;
                if (task.wide >= (v + 1) * lanes) {
                    Several& whole = *reinterpret_cast<Several*>(to);
                    whole = task.keep ? whole + sums[r][v] : sums[r][v];
                } else {
                    const Index rest = task.wide - v * lanes;
                    for (Index c = 0; c < rest; c++) to[c] = task.keep ? to[c] + sums[r][v][c] : sums[r][v][c];
                }
            }
        }
    }

    const Index inner_, columns_;
    Buffer<Real> data_;
};
