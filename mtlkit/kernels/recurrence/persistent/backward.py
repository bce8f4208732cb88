"""The backward pass of LSTM' with additive attention as a Triton kernel.

The mathematics and the names are those of attentive_recurrence.py, how programs work together is told in tiles.py.
The phases of a step propagate gradients from the state to message gate and value; from these to cells, gates and
messages; and from messages to queries, keys and score.
"""

import triton
import triton.language as tl

from mtlkit.kernels.recurrence.persistent.tiles import (
    VARIABLE,
    activations_of_scorer,
    load_columns,
    load_row,
    product,
    sources_of,
    store_columns,
    wait_for_others,
)


@triton.jit
def _through_output(
    program, is_last, at, next_at, row, is_row, recurrent, activations, fused, gates, outputs, gradient,
    of_cells, slope_projected, slope_fused,
    DIM, WIDTH, PROGRAMS, COLUMNS, INNER,
):  # fmt: skip
    for start in range(program * COLUMNS, DIM, PROGRAMS * COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        state = load_columns(gradient, at, is_row, DIM, 0, columns, DIM)
        if not is_last:
            state = product(
                state, slope_projected, next_at, is_row, WIDTH, WIDTH, recurrent, DIM, columns, 1, DIM, INNER
            )
        leave = load_columns(activations, at, is_row, WIDTH, 0, columns, DIM)
        output = load_columns(outputs, at, is_row, DIM, 0, columns, DIM)
        gate = load_columns(gates, at, is_row, DIM, 0, columns, DIM)
        value = load_columns(fused, at, is_row, 2 * DIM, DIM, columns, DIM)
        sums = state * leave * (1.0 - output * output)
        store_columns(slope_projected, at, is_row, WIDTH, 0, columns, DIM, state * output * leave * (1.0 - leave))
        store_columns(slope_fused, at, is_row, 2 * DIM, 0, columns, DIM, sums * value * gate * (1.0 - gate))
        store_columns(slope_fused, at, is_row, 2 * DIM, DIM, columns, DIM, sums * gate)
        of_cell = load_columns(of_cells, row, is_row, DIM, 0, columns, DIM)
        store_columns(of_cells, row, is_row, DIM, 0, columns, DIM, of_cell + sums)


@triton.jit
def _through_cell(
    program, at, row, is_row, cell, activations, cells, of_cells, slope_projected, slope_fused,
    DIM, WIDTH, PROGRAMS, COLUMNS, INNER,
):  # fmt: skip
    for start in range(program * COLUMNS, DIM, PROGRAMS * COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        of_cell = load_columns(of_cells, row, is_row, DIM, 0, columns, DIM)
        of_cell = product(of_cell, slope_fused, at, is_row, 2 * DIM, DIM, cell, DIM, columns, 1, DIM, INNER)
        enter = load_columns(activations, at, is_row, WIDTH, DIM, columns, DIM)
        keep = load_columns(activations, at, is_row, WIDTH, 2 * DIM, columns, DIM)
        candidate = load_columns(activations, at, is_row, WIDTH, 3 * DIM, columns, DIM)
        before = load_columns(cells, at, is_row, DIM, 0, columns, DIM)
        of_enter = of_cell * candidate * enter * (1.0 - enter)
        of_keep = of_cell * before * keep * (1.0 - keep)
        of_candidate = of_cell * enter * (1.0 - candidate * candidate)
        store_columns(slope_projected, at, is_row, WIDTH, DIM, columns, DIM, of_enter)
        store_columns(slope_projected, at, is_row, WIDTH, 2 * DIM, columns, DIM, of_keep)
        store_columns(slope_projected, at, is_row, WIDTH, 3 * DIM, columns, DIM, of_candidate)
        store_columns(of_cells, row, is_row, DIM, 0, columns, DIM, of_cell * keep)


@triton.jit
def _through_fusion(
    program, at, is_row, fusion, slope_fused, slope_messages, DIM, MESSAGE, PROGRAMS, COLUMNS, INNER
):  # fmt: skip
    for start in range(program * COLUMNS, MESSAGE, PROGRAMS * COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        nothing = tl.zeros([at.shape[0], COLUMNS], dtype=fusion.dtype.element_ty)
        of_message = product(
            nothing, slope_fused, at, is_row, 2 * DIM, 2 * DIM, fusion, MESSAGE, columns, 1, MESSAGE, INNER
        )
        store_columns(slope_messages, at, is_row, MESSAGE, 0, columns, MESSAGE, of_message)


@triton.jit
def _read_back(
    at, num_sources, keys, source, score, query, weights, messages,
    slope_messages, slope_query, slope_keys, slope_score,
    ATTENTION, MESSAGE, SHARED, SOURCES, ATTENTION_BLOCK, MESSAGE_BLOCK,
):  # fmt: skip
    """Propagates the gradient of one row's message. Those of score, and of keys that all steps read, are added to."""
    columns, message_columns = tl.arange(0, ATTENTION_BLOCK), tl.arange(0, MESSAGE_BLOCK)
    is_column = columns < ATTENTION
    asked, by = load_row(query, columns, ATTENTION), load_row(score, columns, ATTENTION)
    of_message = load_row(slope_messages + at * MESSAGE, message_columns, MESSAGE)
    # The gradient of a softmax, weights * (gradient - sum of weights * gradient): the sum needs the message alone.
    total = tl.sum(of_message * load_row(messages + at * MESSAGE, message_columns, MESSAGE), axis=0)
    of_query, of_score = tl.zeros_like(asked), load_row(slope_score, columns, ATTENTION)
    for start in range(0, num_sources, SOURCES):
        numbers = start + tl.arange(0, SOURCES)
        is_source = numbers < num_sources
        values = load_columns(source, numbers, is_source, MESSAGE, 0, message_columns, MESSAGE)
        weight = tl.load(weights + at * num_sources + numbers, mask=is_source, other=0.0)
        of_scores = weight * (tl.sum(values * of_message[None, :], axis=1) - total)
        s = activations_of_scorer(asked, keys, numbers, is_source, columns, ATTENTION)
        of_score += tl.sum(of_scores[:, None] * s, axis=0)
        of_keys = of_scores[:, None] * by[None, :] * (1.0 - s * s)
        of_query += tl.sum(of_keys, axis=0)
        if SHARED:
            of_keys += load_columns(slope_keys, numbers, is_source, ATTENTION, 0, columns, ATTENTION)
        store_columns(slope_keys, numbers, is_source, ATTENTION, 0, columns, ATTENTION, of_keys)
    tl.store(slope_query + columns, of_query, mask=is_column)
    tl.store(slope_score + columns, of_score, mask=is_column)


@triton.jit(do_not_specialize=VARIABLE)
def run_backward(
    arrived, first, last, first_group, num_steps, batch, num_sources,
    gradient, keys, source, recurrent, fusion, cell, score,
    cells, activations, weights, messages, fused, gates, outputs,
    of_cells, slope_projected, slope_fused, slope_messages, slope_keys, slope_score,
    DIM: tl.constexpr, ATTENTION: tl.constexpr, MESSAGE: tl.constexpr, SHARED: tl.constexpr,
    PHASES: tl.constexpr, PROGRAMS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, INNER: tl.constexpr,
    SOURCES: tl.constexpr, ATTENTION_BLOCK: tl.constexpr, MESSAGE_BLOCK: tl.constexpr,
):  # fmt: skip
    """Runs phases of the backward pass; program (p, g) is the p-th of group `first_group` + g.

    `of_cells` (B, D), `slope_score` (B, A) and, if all steps read the same sources, `slope_keys` begin as zeros.
    """
    WIDTH: tl.constexpr = 4 * DIM + ATTENTION
    program, group = tl.program_id(0), first_group + tl.program_id(1)
    rows = (group * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    is_row = rows < batch
    for phase in range(first, last):
        time, part = num_steps - 1 - phase // PHASES, phase % PHASES
        at = time * batch + rows
        if part == 0:
            _through_output(
                program, time + 1 == num_steps, at, at + batch, rows, is_row, recurrent, activations, fused, gates,
                outputs, gradient, of_cells, slope_projected, slope_fused, DIM, WIDTH, PROGRAMS, COLUMNS, INNER,
            )  # fmt: skip
        elif part == 1:
            _through_cell(
                program, at, rows, is_row, cell, activations, cells, of_cells, slope_projected, slope_fused,
                DIM, WIDTH, PROGRAMS, COLUMNS, INNER,
            )  # fmt: skip
            _through_fusion(
                program, at, is_row, fusion, slope_fused, slope_messages, DIM, MESSAGE, PROGRAMS, COLUMNS, INNER
            )
        else:
            for row in range(group * ROWS + program, tl.minimum(group * ROWS + ROWS, batch), PROGRAMS):
                here = (time * batch + row).to(tl.int64)
                sources = sources_of(row, time, num_steps, num_sources, SHARED)
                _read_back(
                    here, num_sources, keys + sources * ATTENTION, source + sources * MESSAGE, score,
                    activations + here * WIDTH + 4 * DIM, weights, messages, slope_messages,
                    slope_projected + here * WIDTH + 4 * DIM, slope_keys + sources * ATTENTION,
                    slope_score + row * ATTENTION,
                    ATTENTION, MESSAGE, SHARED, SOURCES, ATTENTION_BLOCK, MESSAGE_BLOCK,
                )  # fmt: skip
        if PROGRAMS > 1 and phase + 1 < last:
            wait_for_others(arrived + group, (phase + 1 - first) * PROGRAMS)
        else:
            tl.debug_barrier()
