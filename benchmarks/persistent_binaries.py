"""Compiles the Triton kernels of the recurrence for an H200 and prints what they need there; no GPU is needed.

    python benchmarks/persistent_binaries.py                # pip install triton

A row for each kernel, kind of sources and precision, at size 200: registers of a thread, bytes of it that are spilled
to memory, and shared memory of a program. Times nothing.
"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia.compiler import get_ptxas
from triton.compiler import ASTSource

from mtlkit.kernels.recurrence.persistent.backward import run_backward
from mtlkit.kernels.recurrence.persistent.forward import run_forward
from mtlkit.kernels.recurrence.persistent.launching import WARPS, settings_of
from mtlkit.kernels.recurrence.persistent.tiles import VARIABLE

CAPABILITY = 90
DIM, PROGRAMS = 200, 32
POINTERS = {torch.float32: "*fp32", torch.float64: "*fp64"}


def compiled(kernel: Any, dtype: torch.dtype, is_shared: bool) -> Any:
    """Returns Triton's result for one kernel."""
    settings = settings_of(dtype, DIM, DIM, DIM, is_shared=is_shared, is_padded=is_shared, programs=PROGRAMS)
    constants = {name: value for name, value in settings.items() if name in kernel.arg_names}
    types = (
        {"arrived": "*i32", "padding": "*u8"} | dict.fromkeys(VARIABLE, "i32") | dict.fromkeys(constants, "constexpr")
    )
    signature = {name: types.get(name, POINTERS[dtype]) for name in kernel.arg_names}
    aligned = [["tt.divisibility", 16]]
    hints = {(place,): aligned for place, kind in enumerate(signature.values()) if kind.startswith("*")}
    source = ASTSource(kernel, signature, constants, hints)
    options = {"num_warps": WARPS, "launch_cooperative_grid": True}
    return triton.compile(source, target=GPUTarget("cuda", CAPABILITY, 32), options=options)


def told_by_assembler(ptx: str) -> str:
    """Registers and spilled bytes, as the assembler says them."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(ptx)
        command = [get_ptxas(CAPABILITY).path, "--verbose", f"--gpu-name=sm_{CAPABILITY}a", source, "--output-file"]
        done = subprocess.run([*command, Path(folder) / "kernel"], capture_output=True, text=True, check=True)
    return ", ".join(re.findall(r"\d+ bytes spill \w+|\d+ registers", done.stderr))


def main() -> None:
    """Compiles all and prints a row for each."""
    for dtype in POINTERS:
        for kernel in (run_forward, run_backward):
            for is_shared in (True, False):
                found = compiled(kernel, dtype, is_shared)
                sources = "indirect" if is_shared else "direct"
                needs = f"{told_by_assembler(found.asm['ptx'])}, {found.metadata.shared:,} bytes shared"
                print(f"{kernel.__name__} {sources} {dtype}: {needs}", flush=True)


if __name__ == "__main__":
    main()
