from __future__ import annotations

from tests.unit.dockerfile.migrate.migrating import Project, migrated, settings, told

INDEX = "https://download.pytorch.org/whl"
FILES = Project(
    {f"requirements-{name}.txt": f"{name}\n" for name in ("base", "torch-cpu", "torch-cu126", "torch-none")}
)


def test_files_of_the_project_are_the_values_of_an_argument() -> None:
    text = (
        "FROM python:3.11\nARG TORCH_VARIANT=cu126\nCOPY requirements-base.txt .\n"
        "COPY requirements-torch-${TORCH_VARIANT}.txt ./torch.txt\n"
        "RUN pip install -r requirements-base.txt -r torch.txt\nUSER 1\n"
    )
    made = migrated(text, FILES)
    assert made.settings["variant"] == "cu126"
    assert made.settings["variants"] == {
        name: {"requirements": ["requirements-base.txt", f"requirements-torch-{name}.txt"], "torch": name}
        for name in ("cu126", "cpu", "none")
    }
    assert "2: variants cu126, cpu, none: lightship build --variant" in told(made, "carried over")


def test_conditions_make_variants() -> None:
    text = (
        "FROM python:3.11\nARG DEVICE=cpu\nCOPY requirements.txt .\n"
        f'RUN if [ "$DEVICE" = "cpu" ]; then pip install torch --index-url {INDEX}/cpu; \\\n'
        f'    elif [ "$DEVICE" = "cu121" ]; then pip install torch --index-url {INDEX}/cu121; \\\n'
        "    fi && pip install -r requirements.txt\nUSER 1\n"
    )
    made = migrated(text)
    assert made.settings["variants"] == {
        name: {"requirements": ["requirements.txt", "requirements-inline.txt"], "torch": name}
        for name in ("cpu", "cu121")
    }
    assert made.files == {"requirements-inline.txt": "torch\n"}
    assert made.complete


def test_cases_make_variants() -> None:
    text = (
        "FROM python:3.11\nARG DEVICE=cpu\n"
        'RUN case "$DEVICE" in \\\n  cpu|none) pip install a ;; \\\n  cu121) pip install b ;; \\\n'
        "  *) pip install c ;; \\\n  esac; pip install d\nUSER 1\n"
    )
    made = migrated(text)
    assert made.settings["variant"] == "cpu"
    assert made.files == {
        "requirements-inline-cpu.txt": "a\nd\n",
        "requirements-inline-none.txt": "a\nd\n",
        "requirements-inline-cu121.txt": "b\nd\n",
    }
    assert made.complete
    strange = migrated(text.replace("cu121)", "cu*)"))
    assert told(strange, "by hand") == [
        f"{line}: the condition around it was not understood" for line in (5, 6)
    ]


def test_an_else_is_a_variant_too() -> None:
    text = (
        "FROM nvidia/cuda:12.4.0-base-ubuntu22.04\nARG DEVICE=cpu\n"
        'RUN if [ "$DEVICE" = "cpu" ]; then pip install onnxruntime; else pip install onnxruntime-gpu; fi\n'
    )
    made = migrated(text)
    assert list(made.settings["variants"]) == ["cpu", "gpu"]
    assert made.files == {
        "requirements-inline-cpu.txt": "onnxruntime\n",
        "requirements-inline-gpu.txt": "onnxruntime-gpu\n",
    }


def test_yes_and_no_are_named_by_the_argument() -> None:
    text = (
        "FROM python:3.11\nARG INSTALL_TORCH=false\nCOPY requirements.txt .\n"
        "RUN pip install -r requirements.txt\n"
        'RUN if [ "$INSTALL_TORCH" = "true" ]; then pip install torch; fi\n'
    )
    made = settings(text)
    assert made["variant"] == "none"
    assert made["variants"] == {
        "none": {"requirements": ["requirements.txt"], "torch": "none"},
        "torch": {"requirements": ["requirements.txt", "requirements-inline-torch.txt"], "torch": "cpu"},
    }


def test_an_argument_may_be_set_or_not() -> None:
    text = 'FROM python:3.11\nARG GPU\nRUN pip install a\nRUN if [ -n "$GPU" ]; then pip install b; fi\n'
    made = migrated(text)
    assert list(made.files.values()) == ["a\n", "a\nb\n"]


def test_a_condition_that_is_not_understood_is_told() -> None:
    text = "FROM python:3.11\nRUN if command -v nvidia-smi; then pip install a; fi\nUSER 1\n"
    made = migrated(text)
    assert "2: the condition around it was not understood" in told(made, "by hand")
    assert made.files == {"requirements-inline.txt": "a\n"}
