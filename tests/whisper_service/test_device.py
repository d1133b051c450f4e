import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_service import device
from whisper_service.device import ComputeType, NoSuchDevice, chosen_compute_type, chosen_device, cuda_devices

ON_A_CPU = {"int8", "int8_float32", "int16", "float32"}
ON_AN_L4 = {"int8", "int8_float32", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"}


@pytest.fixture
def counted(monkeypatch):
    """Counts anew, by another line of Python."""

    def by(line):
        cuda_devices.cache_clear()
        monkeypatch.setattr(device, "_COUNT", line)
        return cuda_devices()

    yield by
    cuda_devices.cache_clear()


@pytest.mark.parametrize(
    ("choice", "devices", "wanted"),
    [("cpu", 0, "cpu"), ("cpu", 2, "cpu"), ("auto", 0, "cpu"), ("auto", 1, "cuda"), ("cuda", 1, "cuda")],
)
def test_auto_takes_a_gpu_where_there_is_one_and_the_others_what_they_say(choice, devices, wanted):
    assert chosen_device(choice, devices=devices) == wanted


def test_a_gpu_that_is_not_there_is_not_replaced_by_the_cpu():
    with pytest.raises(NoSuchDevice, match="no CUDA device is here"):
        chosen_device("cuda", devices=0)


@pytest.mark.parametrize(
    ("kind", "supported", "wanted"),
    [
        ("cpu", ON_A_CPU, "int8"),
        ("cuda", ON_AN_L4, "float16"),
        ("cuda", {"int8", "int8_float32", "float32"}, "int8_float32"),
        ("cuda", {"float32"}, "float32"),
    ],
)
def test_auto_is_8_bit_weights_on_the_cpu_and_the_best_that_a_gpu_can_do(kind, supported, wanted):
    assert chosen_compute_type("auto", kind, supported=supported) == wanted


@given(choice=st.sampled_from(get_args(ComputeType)), supported=st.sets(st.sampled_from(sorted(ON_AN_L4))))
def test_only_what_the_device_can_do_is_chosen(choice, supported):
    acceptable = {"float16", "int8_float32", "float32"} if choice == "auto" else {choice}
    if acceptable & supported:
        assert chosen_compute_type(choice, "cuda", supported=supported) in acceptable & supported
        return
    with pytest.raises(NoSuchDevice) as refused:
        chosen_compute_type(choice, "cuda", supported=supported)
    assert all(name in str(refused.value) for name in supported | acceptable)


def test_devices_are_counted_in_another_process_so_that_this_one_may_still_fork(counted):
    assert counted("print(3)") == 3


def test_a_count_is_kept_for_the_processes_that_are_forked_later(counted, monkeypatch):
    counted("print(1)")
    monkeypatch.setattr(device, "_COUNT", "print(2)")
    assert cuda_devices() == 1


def test_what_prevents_the_count_is_told(counted):
    with pytest.raises(
        NoSuchDevice, match="could not be counted: ModuleNotFoundError: No module named 'no_such_module'"
    ):
        counted("import no_such_module")
    with pytest.raises(NoSuchDevice, match="exit status 3"):
        counted("raise SystemExit(3)")


def test_a_driver_that_hangs_does_not_hang_the_start(counted, monkeypatch):
    monkeypatch.setattr(device, "_COUNT_TIMEOUT_S", 0.05)
    with pytest.raises(NoSuchDevice, match="within"):
        counted("import time; time.sleep(60)")


@pytest.mark.component("whisper")
def test_ctranslate2_knows_every_compute_type_and_counts_as_we_ask_it_to(counted):
    here = subprocess.run([sys.executable, "-c", device._COUNT], capture_output=True, text=True, timeout=60, check=True)
    assert int(here.stdout) >= 0
    import ctranslate2

    known = set(get_args(ComputeType)) - {"auto"}
    assert ctranslate2.get_supported_compute_types("cpu") <= known
    assert not device.ONLY_ON_A_GPU & ctranslate2.get_supported_compute_types("cpu")
