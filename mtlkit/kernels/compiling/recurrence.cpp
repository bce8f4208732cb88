// LSTM' with additive attention for a CPU: one call for all steps forward, one for all steps backward.
//
// The mathematics and the names are those of recurrence/attentive_recurrence.py; shapes are given at each field below.
// recurrence/compiled.py compiles this file on the machine that runs it.
// Rows of a batch are independent: with OpenMP they are divided among threads once per call, so that no thread waits
// for another inside the loop over time.

#include "panels.hpp"

// The same fields in the same order as `_Arguments` of recurrence/compiled.py.
template <typename Real>
struct Arguments {
    Index steps, batch, dim, attention, sources, message, tiles;
    Index key_row, key_step, source_row, source_step;  // distances; a step of 0: every step reads the same
    const Real *projected;               // (T, B, P)
    const Real *keys, *source;           // (B, [T,] N, A), (B, [T,] N, M)
    const std::uint8_t* padding;         // (B, N) or null
    const Real *recurrent, *fusion;      // (P, D), (F, M)
    const Real *cell, *score;            // (D, D), (A)
    Real *states, *cells;                // (S, B, D)
    Real *activations, *weights;         // (T, B, P), (T, B, N)
    Real *messages, *fused;              // (T, B, M), (T, B, F)
    Real *gates, *outputs;               // (T, B, D)
    const Real* gradient;                // (T, B, D)
    Real *slope_projected, *slope_fused; // (T, B, P), (T, B, F)
    Real *slope_messages, *slope_keys;   // (T, B, M), as keys
    Real* slope_score;                   // (tiles, A)
};

namespace {

// The weights that each step multiplies by: transposed in the forward pass, as they are in the backward pass.
template <typename Real>
struct Weights {
    Weights(const Arguments<Real>& a, bool back)
        : recurrent(turned(a.recurrent, 4 * a.dim + a.attention, a.dim, back)),
          fusion(turned(a.fusion, 2 * a.dim, a.message, back)),
          cell(turned(a.cell, a.dim, a.dim, back)) {}

    static Panels<Real> turned(const Real* weight, Index rows, Index columns, bool back) {
        return back ? Panels<Real>({weight, columns, 1}, rows, columns)
                    : Panels<Real>({weight, 1, columns}, columns, rows);
    }

    const Panels<Real> recurrent, fusion, cell;
};

// s of one source and one element: (1 - tanh) / 2 from exponentials, or the tanh itself.
template <typename Real, bool reciprocal>
inline Real activation(Real query, Real key) {
    return reciprocal ? Real(1) / (Real(1) + query * key) : hyperbolic_tangent(query + key);
}

// Computes the attention weights and the message of one row and step.
template <typename Real, bool reciprocal>
void read(const Arguments<Real>& a, Index step, Index row, const Real* scale) {
    const Index size = a.attention, at = step * a.batch + row;
    const Real* __restrict query = a.activations + at * (4 * a.dim + size) + 4 * a.dim;
    const Real* keys = a.keys + row * a.key_row + step * a.key_step;
    const Real* source = a.source + row * a.source_row + step * a.source_step;
    const std::uint8_t* padding = a.padding ? a.padding + row * a.sources : nullptr;
    Real* __restrict weights = a.weights + at * a.sources;
    Real* __restrict message = a.messages + at * a.message;
    // attentive_lstm requires a source that is not padding for each row, so `largest` is finite and `total` at least 1.
    Real largest = -INFINITY, total = 0;
    for (Index n = 0; n < a.sources; n++) {
        if (padding && padding[n]) continue;
        const Real* __restrict key = keys + n * size;
        Real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Index k = 0; k < size; k++) sum += scale[k] * activation<Real, reciprocal>(query[k], key[k]);
        weights[n] = sum;
        if (sum > largest) largest = sum;
    }
    for (Index n = 0; n < a.sources; n++) {
        // Less the largest score, so that no exponential overflows.
        weights[n] = padding && padding[n] ? Real(0) : std::exp(weights[n] - largest);
        total += weights[n];
    }
    std::memset(message, 0, a.message * sizeof(Real));
    for (Index n = 0; n < a.sources; n++) {
        const Real weight = weights[n] /= total;
        if (weight == 0) continue;
        const Real* __restrict value = source + n * a.message;
#pragma omp simd
        for (Index k = 0; k < a.message; k++) message[k] += weight * value[k];
    }
}

template <typename Real, bool reciprocal>
void forward_rows(const Arguments<Real>& a, const Weights<Real>& weights, Index first, Index last) {
    const Index dim = a.dim, size = a.attention, width = 4 * dim + size, rows = last - first;
    Buffer<Real> scale(size), from_cell(rows * dim);
    for (Index k = 0; k < size; k++) scale.get()[k] = reciprocal ? Real(-2) * a.score[k] : a.score[k];
    for (Index t = 0; t < a.steps; t++) {
        const Index at = t * a.batch + first, next = at + a.batch;
        std::memcpy(a.activations + at * width, a.projected + at * width, rows * width * sizeof(Real));
        weights.recurrent.multiply(rows, {a.states + at * dim, dim, 1}, true, a.activations + at * width, width);
        for (Index row = first; row < last; row++) {
            Real* __restrict gate = a.activations + (t * a.batch + row) * width;
            const Real* __restrict before = a.cells + (t * a.batch + row) * dim;
            Real* __restrict cell = a.cells + ((t + 1) * a.batch + row) * dim;
#pragma omp simd
            for (Index k = 0; k < 3 * dim; k++) gate[k] = sigmoid(gate[k]);
#pragma omp simd
            for (Index k = 3 * dim; k < 4 * dim; k++) gate[k] = hyperbolic_tangent(gate[k]);
            if (reciprocal) {
#pragma omp simd
                for (Index k = 4 * dim; k < width; k++) gate[k] = exponential(Real(2) * gate[k]);
            }
            read<Real, reciprocal>(a, t, row, scale.get());
#pragma omp simd
            for (Index k = 0; k < dim; k++) cell[k] = gate[2 * dim + k] * before[k] + gate[dim + k] * gate[3 * dim + k];
        }
        weights.fusion.multiply(rows, {a.messages + at * a.message, a.message, 1}, false, a.fused + at * 2 * dim,
                                2 * dim);
        weights.cell.multiply(rows, {a.cells + next * dim, dim, 1}, false, from_cell.get(), dim);
        for (Index row = first; row < last; row++) {
            const Index here = t * a.batch + row;
            const Real* __restrict leave = a.activations + here * width;
            const Real* __restrict fused = a.fused + here * 2 * dim;
            const Real* __restrict cell = a.cells + (here + a.batch) * dim;
            const Real* __restrict added = from_cell.get() + (row - first) * dim;
            Real* __restrict gate = a.gates + here * dim;
            Real* __restrict output = a.outputs + here * dim;
            Real* __restrict state = a.states + (here + a.batch) * dim;
#pragma omp simd
            for (Index k = 0; k < dim; k++) {
                gate[k] = sigmoid(fused[k] + added[k]);
                output[k] = hyperbolic_tangent(cell[k] + gate[k] * fused[dim + k]);
                state[k] = leave[k] * output[k];
            }
        }
    }
}

// Propagates the gradient `by` of one score to the argument of its tanh, without the factor `slope`, which is applied
// once at the end. Adds the gradient of the score's parameter to `of_score`.
template <typename Real, bool reciprocal>
inline Real slope_inside(Real by, Real query, Real key, Real& of_score) {
    const Real s = activation<Real, reciprocal>(query, key);
    const Real part = by * s;
    of_score += part;
    return (reciprocal ? part : by) - part * s;
}

// Propagates the gradient of one row's message to its scores, and from there to query, keys and score.
template <typename Real, bool reciprocal>
void read_back(const Arguments<Real>& a, Index step, Index row, const Real* slope, Real* of_score, Real* of_scores,
               Real* of_query) {
    const Index size = a.attention, at = step * a.batch + row, width = 4 * a.dim + size;
    const Real* __restrict query = a.activations + at * width + 4 * a.dim;
    const Real* keys = a.keys + row * a.key_row + step * a.key_step;
    const Real* source = a.source + row * a.source_row + step * a.source_step;
    const Real* __restrict weights = a.weights + at * a.sources;
    const Real* __restrict of_message = a.slope_messages + at * a.message;
    Real* slope_keys = a.slope_keys + row * a.key_row + step * a.key_step;
    Real total = 0;
    for (Index n = 0; n < a.sources; n++) {
        if (weights[n] == 0) {
            of_scores[n] = 0;
            continue;
        }
        const Real* __restrict value = source + n * a.message;
        Real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Index k = 0; k < a.message; k++) sum += of_message[k] * value[k];
        of_scores[n] = sum;
        total += sum * weights[n];
    }
    std::memset(of_query, 0, size * sizeof(Real));
    for (Index n = 0; n < a.sources; n++) {
        // With the same keys at every step there is nothing to add. With keys of its own, each step has to write its
        // gradients, zeros included, since nobody has cleared them.
        if (weights[n] == 0 && a.key_step == 0) continue;
        // The gradient of a softmax.
        const Real by = weights[n] * (of_scores[n] - total);
        const Real* __restrict key = keys + n * size;
        Real* __restrict of_key = slope_keys + n * size;
        Real* __restrict score = of_score;
        Real* __restrict sum = of_query;
        if (a.key_step == 0) {  // the same keys at every step: their slopes add up
#pragma omp simd
            for (Index k = 0; k < size; k++) {
                const Real inner = slope_inside<Real, reciprocal>(by, query[k], key[k], score[k]);
                sum[k] += inner;
                of_key[k] += inner;
            }
        } else {
#pragma omp simd
            for (Index k = 0; k < size; k++) {
                const Real inner = slope_inside<Real, reciprocal>(by, query[k], key[k], score[k]);
                sum[k] += inner;
                of_key[k] = inner * slope[k];
            }
        }
    }
    Real* __restrict result = a.slope_projected + at * width + 4 * a.dim;
#pragma omp simd
    for (Index k = 0; k < size; k++) result[k] = of_query[k] * slope[k];
}

template <typename Real, bool reciprocal>
void backward_rows(const Arguments<Real>& a, const Weights<Real>& weights, Index first, Index last, Real* of_score) {
    const Index dim = a.dim, size = a.attention, width = 4 * dim + size, rows = last - first;
    Buffer<Real> of_states(rows * dim), of_cells(rows * dim), slope(size), of_scores(a.sources), of_query(size);
    for (Index k = 0; k < size; k++) slope.get()[k] = reciprocal ? Real(4) * a.score[k] : a.score[k];
    for (Index t = a.steps - 1; t >= 0; t--) {
        const Index at = t * a.batch + first;
        for (Index row = first; row < last; row++) {
            const Index here = t * a.batch + row;
            const Real* __restrict leave = a.activations + here * width;
            const Real* __restrict fused = a.fused + here * 2 * dim;
            const Real* __restrict gate = a.gates + here * dim;
            const Real* __restrict output = a.outputs + here * dim;
            const Real* __restrict gradient = a.gradient + here * dim;
            const Real* __restrict of_state = of_states.get() + (row - first) * dim;
            Real* __restrict of_cell = of_cells.get() + (row - first) * dim;
            Real* __restrict projected = a.slope_projected + here * width;
            Real* __restrict of_fused = a.slope_fused + here * 2 * dim;
#pragma omp simd
            for (Index k = 0; k < dim; k++) {
                const Real state = of_state[k] + gradient[k], o = leave[k], y = output[k], g = gate[k];
                const Real sum = state * o * (Real(1) - y * y);
                projected[k] = state * y * o * (Real(1) - o);
                of_fused[k] = sum * fused[dim + k] * g * (Real(1) - g);
                of_fused[dim + k] = sum * g;
                of_cell[k] += sum;
            }
        }
        // `cell` reads only the first dim columns of of_fused, the gradient of the gate; that completes of_cells.
        const Matrix<Real> of_fused{a.slope_fused + at * 2 * dim, 2 * dim, 1};
        weights.cell.multiply(rows, of_fused, true, of_cells.get(), dim);
        weights.fusion.multiply(rows, of_fused, false, a.slope_messages + at * a.message, a.message);
        for (Index row = first; row < last; row++) {
            const Index here = t * a.batch + row;
            read_back<Real, reciprocal>(a, t, row, slope.get(), of_score, of_scores.get(), of_query.get());
            const Real* __restrict gate = a.activations + here * width;
            const Real* __restrict before = a.cells + here * dim;
            Real* __restrict of_cell = of_cells.get() + (row - first) * dim;
            Real* __restrict projected = a.slope_projected + here * width;
#pragma omp simd
            for (Index k = 0; k < dim; k++) {
                const Real cell = of_cell[k], i = gate[dim + k], f = gate[2 * dim + k], z = gate[3 * dim + k];
                projected[dim + k] = cell * z * i * (Real(1) - i);
                projected[2 * dim + k] = cell * before[k] * f * (Real(1) - f);
                projected[3 * dim + k] = cell * i * (Real(1) - z * z);
                of_cell[k] = cell * f;
            }
        }
        weights.recurrent.multiply(rows, {a.slope_projected + at * width, width, 1}, false, of_states.get(), dim);
    }
    if (a.key_step != 0) return;
    for (Index row = first; row < last; row++) {
        for (Index n = 0; n < a.sources; n++) {
            Real* __restrict of_key = a.slope_keys + row * a.key_row + n * size;
            for (Index k = 0; k < size; k++) of_key[k] *= slope.get()[k];
        }
    }
}

template <typename Real>
void forward(const Arguments<Real>& a, bool reciprocal) {
    const Weights<Real> weights(a, false);
#pragma omp parallel for schedule(static, 1) num_threads(a.tiles)
    for (Index tile = 0; tile < a.tiles; tile++) {
        const Index first = a.batch * tile / a.tiles, last = a.batch * (tile + 1) / a.tiles;
        reciprocal ? forward_rows<Real, true>(a, weights, first, last)
                   : forward_rows<Real, false>(a, weights, first, last);
    }
}

template <typename Real>
void backward(const Arguments<Real>& a, bool reciprocal) {
    const Weights<Real> weights(a, true);
#pragma omp parallel for schedule(static, 1) num_threads(a.tiles)
    for (Index tile = 0; tile < a.tiles; tile++) {
        const Index first = a.batch * tile / a.tiles, last = a.batch * (tile + 1) / a.tiles;
        Real* of_score = a.slope_score + tile * a.attention;  // summed in order afterwards, so that bits repeat
        reciprocal ? backward_rows<Real, true>(a, weights, first, last, of_score)
                   : backward_rows<Real, false>(a, weights, first, last, of_score);
    }
}

}  // namespace

extern "C" {
void forward_float(const Arguments<float>* a, bool reciprocal) { forward(*a, reciprocal); }
void forward_double(const Arguments<double>* a, bool reciprocal) { forward(*a, reciprocal); }
void backward_float(const Arguments<float>* a, bool reciprocal) { backward(*a, reciprocal); }
void backward_double(const Arguments<double>* a, bool reciprocal) { backward(*a, reciprocal); }
int shares_rows() {
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}
}
