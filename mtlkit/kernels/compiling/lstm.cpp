// One direction of an LSTM on a CPU, over rows of different lengths: one call for all steps forward, one for all back.
//
// lstm/compiled.py documents what is computed and how rows are packed; it compiles this file on the machine that runs
// it. Rows of a batch are independent: with OpenMP they are divided among threads once per call.
//
// Shapes: B batch, T time steps, E input size, H state size, R all valid words, packed by step.

#include "panels.hpp"

// The same fields in the same order as `_Arguments` of lstm/compiled.py.
template <typename Real>
struct Arguments {
    Index batch, steps, input, dim, tiles, state_row, leftward;  // state_row: from one word's state to the next one's
    const Index *lengths, *order;    // (B) longest first; (B) the row of the batch that each is
    const Real *inputs;              // (B, T, E)
    const Real *weight, *recurrent;  // (4H, E), (4H, H): input, forget, candidate, output
    const Real *bias;                // (4H)
    Real *states;                    // (B, T, H)
    Real *packed, *gates;            // (R, E), (R, 4H)
    Real *before, *cells, *squashed; // (R, H): the state and cell before, and tanh of the cell after
    const Real *gradient;            // (B, T, H), as states
    Real *slopes;                    // (R, 4H)
    Real *slope_inputs;              // (B, T, E), added to
    Real *slope_weight;              // (4H, E)
    Real *slope_recurrent;           // (4H, H)
};

namespace {

// The position of each step's first row among the packed ones. Rows are sorted longest first, so the rows that have a
// word at a step are always a prefix of the batch.
class Packing {
public:
    Packing(const Index* lengths, Index batch) : longest(batch ? lengths[0] : 0), offsets_(longest + 1) {
        Index rows = batch;
        for (Index t = 0; t < longest; t++) {
            while (lengths[rows - 1] <= t) rows--;
            offsets_.get()[t + 1] = offsets_.get()[t] + rows;
        }
    }
    Index begin(Index t) const { return offsets_.get()[t]; }
    Index rows(Index t) const { return t < longest ? begin(t + 1) - begin(t) : 0; }
    Index words() const { return begin(longest); }
    const Index longest;

private:
    Buffer<Index> offsets_;
};

// The index in (B, T) of the word that a row reads at a step. This is the only place where the direction matters.
template <typename Real>
inline Index word(const Arguments<Real>& a, Index t, Index row) {
    return a.order[row] * a.steps + (a.leftward ? a.lengths[row] - 1 - t : t);
}

// Divides rows among threads, and calls `work(first, last)` for each part.
template <typename Work>
void share(Index tiles, Index rows, Work work) {
#pragma omp parallel for schedule(static, 1) num_threads(tiles)
    for (Index tile = 0; tile < tiles; tile++) work(rows * tile / tiles, rows * (tile + 1) / tiles);
}

template <typename Real>
void forward_row(const Arguments<Real>& a, Index at, Real* __restrict state, Real* __restrict next_state,
                 Real* __restrict next_cell) {
    const Index dim = a.dim;
    Real* __restrict gate = a.gates + at * 4 * dim;
    Real* __restrict squashed = a.squashed + at * dim;
    const Real* __restrict bias = a.bias;
    const Real* __restrict cells = a.cells + at * dim;
#pragma omp simd
    for (Index k = 0; k < dim; k++) {
        const Real enter = sigmoid(gate[k] + bias[k]), keep = sigmoid(gate[dim + k] + bias[dim + k]);
        const Real candidate = hyperbolic_tangent(gate[2 * dim + k] + bias[2 * dim + k]);
        const Real leave = sigmoid(gate[3 * dim + k] + bias[3 * dim + k]);
        const Real cell = keep * cells[k] + enter * candidate, y = hyperbolic_tangent(cell);
        gate[k] = enter;
        gate[dim + k] = keep;
        gate[2 * dim + k] = candidate;
        gate[3 * dim + k] = leave;
        squashed[k] = y;
        next_cell[k] = cell;
        state[k] = next_state[k] = leave * y;
    }
}

template <typename Real>
void forward_rows(const Arguments<Real>& a, const Packing& packing, const Panels<Real>& weight,
                  const Panels<Real>& recurrent, Index first, Index last) {
    const Index dim = a.dim, width = 4 * dim, input = a.input;
    // A new state is written where the next step reads it, so that nothing is copied. A row that ends has no next step.
    Buffer<Real> no_state(dim), no_cell(dim);
    for (Index t = 0; t < packing.longest; t++) {
        const Index at = packing.begin(t) + first, rows = smaller(last, packing.rows(t)) - first;
        if (rows <= 0) break;  // longest first: a share without a row here has none later
        const Index next = packing.begin(t + 1) + first, continued = smaller(last, packing.rows(t + 1)) - first;
        for (Index row = 0; row < rows; row++) {
            const Real* from = a.inputs + word(a, t, first + row) * input;
            std::memcpy(a.packed + (at + row) * input, from, input * sizeof(Real));
        }
        weight.multiply(rows, {a.packed + at * input, input, 1}, false, a.gates + at * width, width);
        if (t > 0) {
            recurrent.multiply(rows, {a.before + at * dim, dim, 1}, true, a.gates + at * width, width);
        } else {
            std::memset(static_cast<void*>(a.before + at * dim), 0, rows * dim * sizeof(Real));
            std::memset(static_cast<void*>(a.cells + at * dim), 0, rows * dim * sizeof(Real));
        }
        for (Index row = 0; row < rows; row++) {
            const bool goes_on = row < continued;
            forward_row(a, at + row, a.states + word(a, t, first + row) * a.state_row,
                        goes_on ? a.before + (next + row) * dim : no_state.get(),
                        goes_on ? a.cells + (next + row) * dim : no_cell.get());
        }
    }
}

template <typename Real>
void backward_row(const Arguments<Real>& a, Index at, const Real* __restrict gradient, const Real* __restrict of_state,
                  Real* __restrict of_cell) {
    const Index dim = a.dim;
    const Real* __restrict gate = a.gates + at * 4 * dim;
    const Real* __restrict squashed = a.squashed + at * dim;
    const Real* __restrict cells = a.cells + at * dim;
    Real* __restrict slope = a.slopes + at * 4 * dim;
#pragma omp simd
    for (Index k = 0; k < dim; k++) {
        const Real enter = gate[k], keep = gate[dim + k], candidate = gate[2 * dim + k], leave = gate[3 * dim + k];
        const Real state = gradient[k] + of_state[k], y = squashed[k];
        const Real cell = of_cell[k] + state * leave * (Real(1) - y * y);
        slope[k] = cell * candidate * enter * (Real(1) - enter);
        slope[dim + k] = cell * cells[k] * keep * (Real(1) - keep);
        slope[2 * dim + k] = cell * enter * (Real(1) - candidate * candidate);
        slope[3 * dim + k] = state * y * leave * (Real(1) - leave);
        of_cell[k] = cell * keep;
    }
}

template <typename Real>
void backward_rows(const Arguments<Real>& a, const Packing& packing, const Panels<Real>& weight,
                   const Panels<Real>& recurrent, Index first, Index last) {
    const Index dim = a.dim, width = 4 * dim, input = a.input;
    Buffer<Real> of_inputs((last - first) * input);
    Buffer<Real> of_states((last - first) * dim), of_cells((last - first) * dim);  // zeros where a row has not begun
    for (Index t = packing.longest - 1; t >= 0; t--) {
        const Index at = packing.begin(t) + first, rows = smaller(last, packing.rows(t)) - first;
        if (rows <= 0) continue;  // the rows of this share are shorter, and come in at an earlier step
        for (Index row = 0; row < rows; row++) {
            backward_row(a, at + row, a.gradient + word(a, t, first + row) * a.state_row, of_states.get() + row * dim,
                         of_cells.get() + row * dim);
        }
        const Matrix<Real> slopes{a.slopes + at * width, width, 1};
        if (t > 0) recurrent.multiply(rows, slopes, false, of_states.get(), dim);
        if (!a.slope_inputs) continue;
        // Added and not written: the other direction has its share of the same gradient.
        weight.multiply(rows, slopes, false, of_inputs.get(), input);
        for (Index row = 0; row < rows; row++) {
            const Real* __restrict slope = of_inputs.get() + row * input;
            Real* __restrict sum = a.slope_inputs + word(a, t, first + row) * input;
#pragma omp simd
            for (Index k = 0; k < input; k++) sum[k] += slope[k];
        }
    }
}

// (4H, columns): the sum over all words of their gradients times what the weight was multiplied by. This is one product
// over all steps. Threads divide the rows of the result and not the words, so that every sum has a fixed order and
// results are bitwise the same for any number of threads.
template <typename Real>
void slopes_of_weight(const Arguments<Real>& a, const Packing& packing, const Real* factors, Index columns,
                      Real* result) {
    const Index width = 4 * a.dim;
    const Panels<Real> panels({factors, columns, 1}, packing.words(), columns);
    share(a.tiles, width, [&](Index first, Index last) {
        panels.multiply(last - first, {a.slopes + first, 1, width}, false, result + first * columns, columns);
    });
}

template <typename Real>
void forward(const Arguments<Real>& a) {
    const Index dim = a.dim, width = 4 * dim, input = a.input;
    const Packing packing(a.lengths, a.batch);
    // Nothing else writes at padding, and the memory of `states` is not initialised.
    for (Index row = 0; row < a.batch; row++) {
        for (Index t = a.lengths[row]; t < a.steps; t++) {
            Real* padding = a.states + (a.order[row] * a.steps + t) * a.state_row;
            std::memset(static_cast<void*>(padding), 0, dim * sizeof(Real));
        }
    }
    const Panels<Real> weight({a.weight, 1, input}, input, width), recurrent({a.recurrent, 1, dim}, dim, width);
    share(a.tiles, a.batch,
          [&](Index first, Index last) { forward_rows(a, packing, weight, recurrent, first, last); });
}

template <typename Real>
void backward(const Arguments<Real>& a) {
    const Index dim = a.dim, width = 4 * dim, input = a.input;
    const Packing packing(a.lengths, a.batch);
    const Panels<Real> weight({a.weight, input, 1}, width, input), recurrent({a.recurrent, dim, 1}, width, dim);
    share(a.tiles, a.batch,
          [&](Index first, Index last) { backward_rows(a, packing, weight, recurrent, first, last); });
    if (a.slope_weight) slopes_of_weight(a, packing, a.packed, input, a.slope_weight);
    if (a.slope_recurrent) slopes_of_weight(a, packing, a.before, dim, a.slope_recurrent);
}

}  // namespace

extern "C" {
void forward_float(const Arguments<float>* a) { forward(*a); }
void forward_double(const Arguments<double>* a) { forward(*a); }
void backward_float(const Arguments<float>* a) { backward(*a); }
void backward_double(const Arguments<double>* a) { backward(*a); }
int shares_rows() {
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}
}
