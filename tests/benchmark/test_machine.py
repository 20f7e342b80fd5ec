"""What is told of the machine: enough to read a time, too little to find it."""

import os
import platform

from alad.benchmark.results_file import cores, machine


def test_the_machine_is_told_without_its_name():
    told = machine()
    assert 1 <= told["cores"] == cores() <= (os.cpu_count() or 1)
    assert "accelerator" not in told
    name = platform.node()
    assert not name or name not in str(told)
