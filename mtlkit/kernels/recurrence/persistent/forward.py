"""The forward pass of LSTM' with additive attention as a Triton kernel.

The mathematics and the names are those of attentive_recurrence.py, how programs work together is told in tiles.py.
The phases of a step compute activations and query; cells, weights and messages; gates and states.
"""

import triton
import triton.language as tl

from mtlkit.kernels.recurrence.persistent.tiles import (
    VARIABLE,
    activations_of_scorer,
    hyperbolic_tangent,
    load_columns,
    load_row,
    product,
    sigmoid,
    sources_of,
    store_columns,
    wait_for_others,
)


@triton.jit
def _activate(
    program, at, is_row, projected, recurrent, states, activations,
    DIM, WIDTH, PROGRAMS, COLUMNS, INNER,
):  # fmt: skip
    for start in range(program * COLUMNS, WIDTH, PROGRAMS * COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        sums = load_columns(projected, at, is_row, WIDTH, 0, columns, WIDTH)
        sums = product(sums, states, at, is_row, DIM, DIM, recurrent, 1, columns, DIM, WIDTH, INNER)
        gates = tl.where((columns < 3 * DIM)[None, :], sigmoid(sums), hyperbolic_tangent(sums))
        values = tl.where((columns < 4 * DIM)[None, :], gates, sums)
        store_columns(activations, at, is_row, WIDTH, 0, columns, WIDTH, values)


@triton.jit
def _advance_cell(at, after, activations, cells, DIM, WIDTH, DIM_BLOCK):
    columns = tl.arange(0, DIM_BLOCK)
    gates = activations + at * WIDTH
    enter, keep = load_row(gates + DIM, columns, DIM), load_row(gates + 2 * DIM, columns, DIM)
    candidate, cell = load_row(gates + 3 * DIM, columns, DIM), load_row(cells + at * DIM, columns, DIM)
    tl.store(cells + after * DIM + columns, keep * cell + enter * candidate, mask=columns < DIM)


@triton.jit
def _read(
    at, num_sources, keys, source, padding, score, query, weights, messages,
    ATTENTION, MESSAGE, PADDED, SOURCES, ATTENTION_BLOCK, MESSAGE_BLOCK,
):  # fmt: skip
    """Computes weights and message of one row. Sources are read once: the sum of exponentials and the message are
    rescaled as larger scores are found.
    """
    columns, message_columns = tl.arange(0, ATTENTION_BLOCK), tl.arange(0, MESSAGE_BLOCK)
    asked, by = load_row(query, columns, ATTENTION), load_row(score, columns, ATTENTION)
    message = tl.zeros([MESSAGE_BLOCK], dtype=asked.dtype)
    largest, total = tl.full([], -3.0e38, asked.dtype), tl.full([], 0.0, asked.dtype)
    own_weights = weights + at * num_sources
    for start in range(0, num_sources, SOURCES):
        numbers = start + tl.arange(0, SOURCES)
        is_read = numbers < num_sources
        if PADDED:
            is_read = is_read & (tl.load(padding + numbers, mask=is_read, other=1) == 0)
        s = activations_of_scorer(asked, keys, numbers, is_read, columns, ATTENTION)
        scores = tl.where(is_read, tl.sum(s * by[None, :], axis=1), float("-inf"))
        tl.store(own_weights + numbers, scores, mask=numbers < num_sources)
        larger = tl.maximum(largest, tl.max(scores, axis=0))
        shrink, shares = tl.exp(largest - larger), tl.exp(scores - larger)
        values = load_columns(source, numbers, is_read, MESSAGE, 0, message_columns, MESSAGE)
        message = message * shrink + tl.sum(shares[:, None] * values, axis=0)
        total = total * shrink + tl.sum(shares, axis=0)
        largest = larger
    tl.store(messages + at * MESSAGE + message_columns, message / total, mask=message_columns < MESSAGE)
    tl.debug_barrier()  # other threads have written the scores
    for start in range(0, num_sources, SOURCES):
        numbers = start + tl.arange(0, SOURCES)
        scores = tl.load(own_weights + numbers, mask=numbers < num_sources, other=float("-inf"))
        tl.store(own_weights + numbers, tl.exp(scores - largest) / total, mask=numbers < num_sources)


@triton.jit
def _fuse(
    program, at, after, is_row, fusion, cell, activations, cells, messages, fused, gates, outputs, states,
    DIM, MESSAGE, WIDTH, PROGRAMS, COLUMNS, INNER,
):  # fmt: skip
    for start in range(program * COLUMNS, DIM, PROGRAMS * COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        own_cells = load_columns(cells, after, is_row, DIM, 0, columns, DIM)
        nothing, values = tl.zeros_like(own_cells), fusion + DIM * MESSAGE
        to_gate = product(nothing, messages, at, is_row, MESSAGE, MESSAGE, fusion, 1, columns, MESSAGE, DIM, INNER)
        value = product(nothing, messages, at, is_row, MESSAGE, MESSAGE, values, 1, columns, MESSAGE, DIM, INNER)
        gate = sigmoid(product(to_gate, cells, after, is_row, DIM, DIM, cell, 1, columns, DIM, DIM, INNER))
        output = hyperbolic_tangent(own_cells + gate * value)
        leave = load_columns(activations, at, is_row, WIDTH, 0, columns, DIM)
        store_columns(fused, at, is_row, 2 * DIM, 0, columns, DIM, to_gate)
        store_columns(fused, at, is_row, 2 * DIM, DIM, columns, DIM, value)
        store_columns(gates, at, is_row, DIM, 0, columns, DIM, gate)
        store_columns(outputs, at, is_row, DIM, 0, columns, DIM, output)
        store_columns(states, after, is_row, DIM, 0, columns, DIM, leave * output)


@triton.jit(do_not_specialize=VARIABLE)
def run_forward(
    arrived, first, last, first_group, num_steps, batch, num_sources,
    projected, keys, source, padding, recurrent, fusion, cell, score,
    states, cells, activations, weights, messages, fused, gates, outputs,
    DIM: tl.constexpr, ATTENTION: tl.constexpr, MESSAGE: tl.constexpr, SHARED: tl.constexpr, PADDED: tl.constexpr,
    PHASES: tl.constexpr, PROGRAMS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr,
    SOURCES: tl.constexpr, DIM_BLOCK: tl.constexpr, ATTENTION_BLOCK: tl.constexpr, MESSAGE_BLOCK: tl.constexpr,
):  # fmt: skip
    """Runs phases of the forward pass; program (p, g) is the p-th of group `first_group` + g."""
    WIDTH: tl.constexpr = 4 * DIM + ATTENTION
    program, group = tl.program_id(0), first_group + tl.program_id(1)
    rows = (group * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    is_row = rows < batch
    for phase in range(first, last):
        time, part = phase // PHASES, phase % PHASES
        at, after = time * batch + rows, (time + 1) * batch + rows
        if part == 0:
            _activate(
                program, at, is_row, projected, recurrent, states, activations, DIM, WIDTH, PROGRAMS, COLUMNS, INNER
            )
        elif part == 1:
            for row in range(group * ROWS + program, tl.minimum(group * ROWS + ROWS, batch), PROGRAMS):
                here = (time * batch + row).to(tl.int64)
                sources = sources_of(row, time, num_steps, num_sources, SHARED)
                _advance_cell(here, here + batch, activations, cells, DIM, WIDTH, DIM_BLOCK)
                _read(
                    here, num_sources, keys + sources * ATTENTION, source + sources * MESSAGE,
                    padding + row * num_sources, score, activations + here * WIDTH + 4 * DIM, weights, messages,
                    ATTENTION, MESSAGE, PADDED, SOURCES, ATTENTION_BLOCK, MESSAGE_BLOCK,
                )  # fmt: skip
        else:
            _fuse(
                program, at, after, is_row, fusion, cell, activations, cells, messages, fused, gates, outputs, states,
                DIM, MESSAGE, WIDTH, PROGRAMS, COLUMNS, INNER,
            )  # fmt: skip
        if PROGRAMS > 1 and phase + 1 < last:
            wait_for_others(arrived + group, (phase + 1 - first) * PROGRAMS)
        else:
            tl.debug_barrier()
