"""How the C++ kernels are vectorised for processors that this machine need not have, and what they compute there.

    python benchmarks/instructions.py                   # needs g++, g++-aarch64-linux-gnu and qemu-user

Compiles both files for AVX2, AVX-512 and NEON with the flags that mtlkit compiles with, and counts instructions: fused
multiply-adds by the bytes that one works on, and those in the innermost loop that has most of them, which is the one of
the products, where most of the time goes. What was compiled for NEON then runs in an emulator, one process per call:
states and every gradient of the recurrence, for both kinds of sources, must be those of the plain form in float64, and
of both directions of an LSTM those of `torch.nn.LSTM`. An emulator says nothing about time.
"""

import ctypes
import re
import struct
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from gpu import ERRORS, error, gradients
from recurrence_cases import Case, RecurrenceInputs
from torch import Tensor, nn

from mtlkit.kernels.compiling import compiler
from mtlkit.kernels.compiling.library import TYPES
from mtlkit.kernels.lstm import both_ways
from mtlkit.kernels.lstm.compiled import CompiledLstm
from mtlkit.kernels.recurrence.compiled import CompiledRecurrence

FOLDER = Path(compiler.__file__).parent
SOURCES = ("recurrence.cpp", "lstm.cpp")
FLAGS = [flag for flag in compiler.FLAGS if flag not in ("-shared", "-fPIC")] + ["-fopenmp-simd"]
NUMBER, NOTHING = -1, -2
"""As in emulated_call.cpp."""
MULTIPLY_ADD = re.compile(r"vfn?m(add|sub)\d+[ps][sd]|fn?ml[as]|fn?m(add|sub)")
X86_REGISTERS = {"zmm": 64, "ymm": 32, "xmm": 16}
CASES = [Case(7, tasks, batch, dim) for tasks in (None, 3) for batch, dim in ((1, 5), (3, 20), (9, 33))]


@dataclass(frozen=True)
class Target:
    """Processors to compile for."""

    name: str
    prefix: str
    flags: list[str]

    def compile(self, source: Path, output: Path, *more: str) -> None:
        """Compiles a C++ file."""
        subprocess.run([f"{self.prefix}g++", *FLAGS, *self.flags, *more, source, "-o", output], check=True)


NEON = Target("NEON (armv8-a)", "aarch64-linux-gnu-", ["-march=armv8-a"])
TARGETS = [
    Target("AVX2 (haswell)", "", ["-march=haswell", "-mprefer-vector-width=512"]),
    Target("AVX-512 (x86-64-v4)", "", ["-march=x86-64-v4", "-mprefer-vector-width=512"]),
    NEON,
]


class Instruction(NamedTuple):
    """A line of a disassembly."""

    address: int
    mnemonic: str
    operands: str

    @property
    def fused_bytes(self) -> int | None:
        """The bytes that a fused multiply-add works on, 0 for a single number; None for other instructions."""
        if not MULTIPLY_ADD.match(self.mnemonic):
            return None
        if arm := re.search(r"v\d+\.(\d+)([sd])", self.operands):
            return int(arm[1]) * (4 if arm[2] == "s" else 8)
        x86 = re.search(r"%([xyz]mm)", self.operands)
        return X86_REGISTERS[x86[1]] if x86 and self.mnemonic[-2] == "p" else 0

    @property
    def backward_to(self) -> int | None:
        """The address before this one that a jump may lead to, if it is one."""
        jump = re.match(r"(?:\w+,\s*)?([0-9a-f]+) <", self.operands)
        is_jump = jump and not self.mnemonic.startswith(("call", "bl"))
        return int(jump[1], 16) if jump and is_jump and int(jump[1], 16) < self.address else None


def disassembled(target: Target, source: str, folder: Path) -> list[Instruction]:
    """Compiles a file, and returns its instructions."""
    target.compile(FOLDER / source, folder / "object.o", "-c")
    command = [f"{target.prefix}objdump", "--disassemble", "--no-show-raw-insn", folder / "object.o"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = [re.match(r"\s+([0-9a-f]+):\s+(\S+)\s*(.*)", line) for line in lines]
    return [Instruction(int(line[1], 16), line[2], line[3]) for line in found if line]


def densest_loop(code: list[Instruction]) -> list[Instruction]:
    """Returns the loop without another inside that has most fused multiply-adds."""
    place = {instruction.address: number for number, instruction in enumerate(code)}
    loops = [(place[to], end) for end, jump in enumerate(code) if (to := jump.backward_to) in place and to is not None]
    ends = sorted(end for _, end in loops)
    innermost = [code[begin : end + 1] for begin, end in loops if bisect_left(ends, begin) == bisect_left(ends, end)]
    return max(innermost, key=lambda loop: sum((one.fused_bytes or 0) > 0 for one in loop))


def count(target: Target, source: str, folder: Path) -> str:
    """A row of the table."""
    code = disassembled(target, source, folder)
    loop = densest_loop(code)
    in_loop = Counter(one.fused_bytes for one in loop if one.fused_bytes is not None)
    dense = f"{_by_size(in_loop)} in a loop of {len(loop)} instructions"
    everywhere = Counter(one.fused_bytes for one in code if one.fused_bytes is not None)
    return f"{target.name} | {source} | {_by_size(everywhere)} | {dense}"


def _by_size(fused: Mapping[int, int]) -> str:
    return ", ".join(
        f"{fused[size]} {f'of {size} bytes' if size else 'scalar'}" for size in sorted(fused, reverse=True)
    )


class EmulatedLibrary:
    """Takes the place of `CompiledLibrary`: every call runs in a process under an emulator."""

    def __init__(self, target: Target, source: str, folder: Path) -> None:
        self._program = folder / f"{source}.emulated"
        driver = Path(__file__).with_name("emulated_call.cpp")
        target.compile(driver, self._program, "-static", str(FOLDER / source))

    def tiles(self, batch: int, threads: int | None) -> int:
        """One, since it was compiled without threads."""
        return 1

    def call(
        self,
        name: str,
        dtype: torch.dtype,
        structure: type[ctypes.Structure],
        tensors: Mapping[str, Tensor | None],
        numbers: Mapping[str, int],
        *flags: bool,
    ) -> None:
        """Calls a function, and writes what it did to the tensors into them."""
        fields: Any = structure._fields_
        sent, regions = [struct.pack("=qq", any(flags), len(fields))], []
        for field, _ in fields:
            if field in numbers:
                sent.append(struct.pack("=qq", NUMBER, numbers[field]))
            elif (tensor := tensors.get(field)) is None:
                # A number that is not given is 0, and so is a null pointer.
                sent.append(struct.pack("=q", NOTHING))
            else:
                # To the end of what it is a slice of, whose strides the kernel knows.
                size = tensor.untyped_storage().nbytes() - tensor.storage_offset() * tensor.element_size()
                regions.append((tensor.data_ptr(), size))
                sent += [struct.pack("=q", size), ctypes.string_at(tensor.data_ptr(), size)]
        command = ["qemu-aarch64", self._program, f"{name}_{TYPES[dtype]}"]
        changed = subprocess.run(command, input=b"".join(sent), stdout=subprocess.PIPE, check=True).stdout
        assert len(changed) == sum(size for _, size in regions)
        for address, size in regions:
            ctypes.memmove(address, changed[:size], size)
            changed = changed[size:]


def check_recurrence(folder: Path) -> dict[torch.dtype, float]:
    """The largest errors of the emulated recurrence. Raises AssertionError where one is too large."""
    library: Any = EmulatedLibrary(NEON, "recurrence.cpp", folder)
    recurrence = CompiledRecurrence(library)
    found: Counter[torch.dtype] = Counter()
    for case in CASES:
        exact = RecurrenceInputs(case, dtype=torch.float64)
        for dtype, most in ERRORS.items():
            batch = RecurrenceInputs(case, dtype=dtype)
            with torch.no_grad():
                for leaf, other in zip(exact.leaves(), batch.leaves(), strict=True):
                    leaf.copy_(other)
            reached = error(gradients(batch, batch.fused(recurrence)), gradients(exact, exact.ways()["naive"]))
            assert reached <= most, (case, dtype, reached)
            found[dtype] = max(found[dtype], reached)
    return dict(found)


def check_lstm(folder: Path) -> dict[torch.dtype, float]:
    """The largest errors of both emulated directions of an LSTM. Raises AssertionError where one is too large."""
    library: Any = EmulatedLibrary(NEON, "lstm.cpp", folder)
    emulated = CompiledLstm(library)
    found = {}
    for dtype, most in ERRORS.items():
        torch.manual_seed(0)
        exact = [nn.LSTM(20, 33, batch_first=True).double() for _ in range(2)]
        lengths_B1 = torch.tensor([[3], [9], [1], [9], [6]])
        inputs_BTE, mask_BT = torch.randn(5, 9, 20).double().requires_grad_(), torch.arange(9) < lengths_B1
        singles = [nn.LSTM(20, 33, batch_first=True).to(dtype) for _ in range(2)]
        for single, double in zip(singles, exact, strict=True):
            single.load_state_dict(double.state_dict())
        own_BTE = inputs_BTE.detach().to(dtype).requires_grad_()
        parameters = [weight for lstm in singles for weight in lstm.all_weights[0]]
        apply: Any = both_ways._BothWays.apply
        actual = _with_gradients(apply(emulated, own_BTE, mask_BT, *parameters), [own_BTE, *parameters])
        leaves = [inputs_BTE, *(weight for lstm in exact for weight in lstm.all_weights[0])]
        expected = _with_gradients(both_ways.plain_both_ways(*exact, inputs_BTE, mask_BT), leaves)
        found[dtype] = error(actual, expected)
        assert found[dtype] <= most, (dtype, found[dtype])
    return found


def _with_gradients(states_BTD: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    generic = torch.arange(1, states_BTD.numel() + 1, dtype=torch.float64).sin().view(states_BTD.shape)
    return [states_BTD.detach(), *torch.autograd.grad((states_BTD * generic.to(states_BTD.dtype)).sum(), leaves)]


def main() -> None:
    """Counts, checks and prints both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("target | file | fused multiply-adds | densest loop")
        for source in SOURCES:
            for target in TARGETS:
                print(count(target, source, folder), flush=True)
        for what, check in {"recurrence": check_recurrence, "LSTM": check_lstm}.items():
            errors = ", ".join(f"{reached:.1e} in {dtype}" for dtype, reached in check(folder).items())
            print(f"{what} for NEON, emulated: largest relative error of a tensor {errors}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except FileNotFoundError as missing:
        sys.exit(f"there is no {missing.filename}: install g++, g++-aarch64-linux-gnu and qemu-user")
