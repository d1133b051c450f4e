"""What the model computes on, and with which kind of numbers. Loading it is the engine's business.

CUDA devices are counted in a process of their own: gunicorn's master reads the settings before it forks, and a process that
has touched CUDA leaves its children unable to use it.
"""

import subprocess
import sys
from collections.abc import Collection
from functools import cache
from typing import Final, Literal

DeviceChoice = Literal["auto", "cpu", "cuda"]
Device = Literal["cpu", "cuda"]
ComputeType = Literal[
    "auto",
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
    "int16",
    "float16",
    "bfloat16",
    "float32",
]
"""As CTranslate2 calls them: how weights are kept, and what sums are made in where that differs."""

ONLY_ON_A_GPU: Final = frozenset({"float16", "int8_float16"})
"""CTranslate2 computes in these on no CPU."""
_PREFERRED: Final = {"cpu": ("int8",), "cuda": ("float16", "int8_float32", "float32")}
"""What `auto` means, best first. On a GPU half precision, in which the models are published: the memory is there."""
_COUNT: Final = "import ctranslate2; print(ctranslate2.get_cuda_device_count())"
_COUNT_TIMEOUT_S: Final = 60


class NoSuchDevice(RuntimeError):
    """What was asked for is not there."""


@cache
def cuda_devices() -> int:
    """How many CUDA devices there are; 0 without a driver. Counted once in a process and its children.

    Raises `NoSuchDevice` where they cannot be counted, such as without CTranslate2.
    """
    command = [sys.executable, "-c", _COUNT]
    try:
        counted = subprocess.run(  # noqa: S603 -- our own interpreter and our own line
            command, capture_output=True, text=True, timeout=_COUNT_TIMEOUT_S, check=True
        )
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip().rpartition("\n")[2] or f"exit status {error.returncode}"
        raise NoSuchDevice(f"CUDA devices could not be counted: {why}") from error
    except subprocess.TimeoutExpired as error:
        raise NoSuchDevice(f"CUDA devices could not be counted within {_COUNT_TIMEOUT_S} s") from error
    return int(counted.stdout)


def chosen_device(choice: DeviceChoice, *, devices: int) -> Device:
    """The device for `choice` where there are so many CUDA devices. Raises `NoSuchDevice` for a GPU that is not there. Pure."""
    if choice == "cuda" and not devices:
        raise NoSuchDevice("no CUDA device is here, or no driver for it; use cpu, or auto to take what there is")
    if choice == "auto":
        return "cuda" if devices else "cpu"
    return choice


def chosen_compute_type(choice: ComputeType, device: Device, *, supported: Collection[str]) -> str:
    """The compute type for `choice` on a device that can do the `supported` ones. Raises `NoSuchDevice`. Pure."""
    wanted = _PREFERRED[device] if choice == "auto" else (choice,)
    for compute_type in wanted:
        if compute_type in supported:
            return compute_type
    raise NoSuchDevice(f"this {device} computes in {', '.join(sorted(supported))}, and not in {' or '.join(wanted)}")
