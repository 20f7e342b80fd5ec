"""What is told of the machine: enough to read a time, too little to find it."""

import os
import platform

from alad.benchmark.surroundings import cores, machine, versions


def test_versions_are_those_of_what_runs():
    import numpy

    assert versions()["numpy"] == numpy.__version__
    assert versions()["python"] == platform.python_version()


def test_the_machine_is_told_without_its_name():
    told = machine()
    assert 1 <= told["cores"] == cores() <= (os.cpu_count() or 1)
    assert "accelerator" not in told
    name = platform.node()
    assert not name or name not in str(told)
