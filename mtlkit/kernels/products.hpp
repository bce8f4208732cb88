// Products of a few rows by a matrix that stays the same from step to step: what a recurrence is made of.
//
// A general product arranges the matrix anew in every call, which costs as much as the product of eight rows. Here it
// is arranged once, in panels of as many columns as fit the processor's registers, and each value of a result is one
// sum in the order of the inner index, whatever the number of rows: the bits do not depend on who shares the work.

#pragma once

#include <cstdint>
#include <cstring>
#include <new>

using Index = std::int64_t;

// Aligned and zero at first.
template <typename Real>
class Buffer {
public:
    explicit Buffer(Index size)
        : data_(static_cast<Real*>(::operator new(size * sizeof(Real), std::align_val_t(64)))) {
        std::memset(static_cast<void*>(data_), 0, size * sizeof(Real));
    }
    ~Buffer() { ::operator delete(data_, std::align_val_t(64)); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Real* get() { return data_; }
    const Real* get() const { return data_; }

private:
    Real* data_;
};

// A block of the result, BLOCK_ROWS x WIDEST vectors, stays in registers, of which there are 16 or 32.
#if defined(__AVX512F__)
constexpr Index VECTOR_BYTES = 64, BLOCK_ROWS = 8;
#elif defined(__AVX__)
constexpr Index VECTOR_BYTES = 32, BLOCK_ROWS = 4;
#elif defined(__aarch64__)
constexpr Index VECTOR_BYTES = 16, BLOCK_ROWS = 8;
#else
constexpr Index VECTOR_BYTES = 16, BLOCK_ROWS = 4;
#endif
constexpr Index WIDEST = 3;

template <typename Real>
class Matrix {
public:
    // `weight` is stored by rows: (inner, columns), or (columns, inner) if it is transposed.
    Matrix(const Real* weight, Index inner, Index columns, bool transposed)
        : inner_(inner), columns_(columns), vectors_((columns + LANES - 1) / LANES), panels_(vectors_ * LANES * inner) {
        const Index by_inner = transposed ? 1 : columns, by_column = transposed ? inner : 1;
        for (Index vector = 0; vector < vectors_; vector += WIDEST) {
            const Index width = LANES * wide(vector), first = vector * LANES;
            const Index filled = columns - first < width ? columns - first : width;
            Real* panel = panels_.get() + first * inner;
            for (Index k = 0; k < inner; k++) {
                const Real* from = weight + k * by_inner + first * by_column;
                for (Index c = 0; c < filled; c++) panel[k * width + c] = from[c * by_column];
            }
        }
    }

    // result = left matrix, plus `base` if there is one; `base` has the rows of `result` and may be the same.
    void product(Index rows, const Real* left, Index left_row, const Real* base, Real* result, Index result_row) const {
        for (Index vector = 0; vector < vectors_; vector += WIDEST) {
            const Index first = vector * LANES;
            const Panel panel{panels_.get() + first * inner_, columns_ - first, left_row, result_row};
            const Real* under = base ? base + first : nullptr;
            switch (wide(vector)) {
                case 3: all_rows<3>(panel, rows, left, under, result + first); break;
                case 2: all_rows<2>(panel, rows, left, under, result + first); break;
                default: all_rows<1>(panel, rows, left, under, result + first);
            }
        }
    }

private:
    static constexpr Index LANES = VECTOR_BYTES / sizeof(Real);
    typedef Real Vector __attribute__((vector_size(VECTOR_BYTES)));
    typedef Real Anywhere __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(Real)), may_alias));

    struct Panel {
        const Real* data;
        Index columns;  // those that are left, which may be fewer or more than those of the panel
        Index left_row, result_row;
    };

    Index wide(Index vector) const { return vectors_ - vector < WIDEST ? vectors_ - vector : WIDEST; }

    template <int width>
    void all_rows(const Panel& panel, Index rows, const Real* left, const Real* base, Real* result) const {
        Index row = 0;
        const auto at = [&](Index distance, auto* of) { return of ? of + row * distance : of; };
        for (; row + BLOCK_ROWS <= rows; row += BLOCK_ROWS)
            block<BLOCK_ROWS, width>(panel, at(panel.left_row, left), at(panel.result_row, base),
                                     at(panel.result_row, result));
        for (; row + 4 <= rows; row += 4)
            block<4, width>(panel, at(panel.left_row, left), at(panel.result_row, base), at(panel.result_row, result));
        for (; row < rows; row++)
            block<1, width>(panel, at(panel.left_row, left), at(panel.result_row, base), at(panel.result_row, result));
    }

    template <int rows, int width>
    void block(const Panel& panel, const Real* left, const Real* base, Real* result) const {
        Vector sums[rows][width] = {};
        for (Index k = 0; k < inner_; k++) {
            Vector weight[width];
            for (int w = 0; w < width; w++)
                weight[w] = *reinterpret_cast<const Vector*>(panel.data + (k * width + w) * LANES);
            for (int row = 0; row < rows; row++) {
                const Real value = left[row * panel.left_row + k];
                for (int w = 0; w < width; w++) sums[row][w] += value * weight[w];
            }
        }
        for (int row = 0; row < rows; row++) {
            const Real* under = base ? base + row * panel.result_row : nullptr;
            store<width>(sums[row], under, result + row * panel.result_row, panel.columns);
        }
    }

    template <int width>
    static void store(const Vector* sums, const Real* base, Real* result, Index columns) {
        if (columns >= width * LANES) {
            for (int w = 0; w < width; w++) {
                Vector sum = sums[w];
                if (base) sum += *reinterpret_cast<const Anywhere*>(base + w * LANES);
                *reinterpret_cast<Anywhere*>(result + w * LANES) = sum;
            }
            return;
        }
        Real some[width * LANES];
        std::memcpy(some, sums, sizeof some);
        for (Index c = 0; c < columns; c++) result[c] = base ? base[c] + some[c] : some[c];
    }

    Index inner_, columns_, vectors_;
    Buffer<Real> panels_;
};
