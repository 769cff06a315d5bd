from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lightship.errors import UsageError
from lightship.project.config import Config, VariantConfig, parse_config
from lightship.project.stages import Take, check_stages, copied_stages, stages_of, takes

COPY = {"/out/a": "/app/a"}


def config(**stages: dict[str, Any]) -> Config:
    table = {"variants": {"cpu": {}, "onnx": {}}, "stages": stages}
    return parse_config(table, Path("pyproject.toml"))


def run(**more: Any) -> dict[str, Any]:
    return {"run": ["make"], **more}


def problem(**stages: dict[str, Any]) -> str:
    with pytest.raises(UsageError) as error:
        check_stages(config(**stages), "pyproject.toml")
    assert error.value.where == "pyproject.toml"
    assert error.value.hint
    return f"{error.value.message} | {error.value.hint}"


def test_what_the_documentation_shows_is_right() -> None:
    check_stages(
        config(
            model=run(requirements=["r.txt"], copy={"/out/model.onnx": "/app/models/model.onnx"}),
            tool={
                "image": "oci:../tool",
                "copy": {"/usr/bin/tool": "/usr/local/bin/tool", "/usr/share/x/": "/x"},
            },
            both=run(
                copy={"/out": "/app/both", "/out/b": "/usr/local/share/"},
                variants=["onnx"],
                **{"from": {"model:/out/model.onnx": "m", "tool:/bin/x": "bin/x", "oci:../o:tag:/y": "y"}},
            ),
        ),
        "pyproject.toml",
    )


def test_sources_are_stages_by_a_bare_word_and_images_otherwise() -> None:
    (stage,) = config(
        a=run(copy=COPY, **{"from": {"b:/out/x": "x", "oci:/abs/dir:tag:/usr/y": "y", "tool:1.0:/z": "z"}})
    ).stages.values()
    found = takes(stage)
    assert found == (
        Take("b", "/out/x", "x"),
        Take("oci:/abs/dir:tag", "/usr/y", "y"),
        Take("tool:1.0", "/z", "z"),
    )
    assert [take.is_image for take in found] == [False, True, True]


def test_a_variant_needs_its_stages_and_those_they_take_from_in_order() -> None:
    given = config(
        last=run(copy=COPY, variants=["onnx"], **{"from": {"middle:/out": "m"}}),
        middle=run(**{"from": {"first:/out": "f"}}),
        first=run(copy={"/out/first": "/app/first"}, variants=["cpu"]),
        every=run(copy={"/out/e": "/app/e"}),
    )
    check_stages(given, "")
    assert list(stages_of(given, "onnx")) == ["every", "first", "middle", "last"]
    assert list(copied_stages(given, "onnx")) == ["every", "last"]
    assert list(stages_of(given, "cpu")) == ["every", "first"]


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"copy": COPY}, "it has neither `run` nor `image`"),
        (run(image="tool", copy=COPY), "`image` and `run` exclude each other"),
        ({"image": "tool", "inputs": ["x"], "copy": COPY}, "`image` and `inputs` exclude each other"),
        ({"image": "tool", "copy": {"bin/x": "/x"}}, "'bin/x' is no absolute path of the image"),
        (run(), "nothing of it is used"),
        (run(copy=COPY, variants=["onx"]), "unknown variant 'onx' | did you mean 'onnx'?"),
        (run(copy=COPY, variants=["zzz"]), "unknown variant 'zzz' | known variants: cpu, onnx"),
        (run(copy={"/build/a": "/app/a"}), "'/build/a' is no output: outputs lie in /out"),
        (run(copy={"/out/../etc": "/app/a"}), "'/out/../etc' is no output"),
        (run(copy={"/output": "/app/a"}), "'/output' is no output"),
        (run(copy={"/out/a": "app/a"}), "'app/a' is no absolute path"),
        (run(copy={"/out/a": "/"}), "'/' is no absolute path below /"),
        (run(copy={"/out/a": "/app/../x"}), "'/app/../x' is no absolute path"),
        (run(copy={"/out/a": "/bin/a"}), "goes through a link of the image | write it as /usr/bin/a"),
        (run(copy={"/out/a": "/proc/a"}), "'/proc/a' is reserved"),
        (run(copy={"/out/a": "/opt/venv/bin/a"}), "'/opt/venv/bin/a' is reserved"),
        (run(copy={"/out/a": "/tmp"}), "'/tmp' is reserved"),
        (run(copy=COPY, **{"from": {"i:1:/out/x": "/abs"}}), "'/abs' is no path in the working folder"),
        (
            run(copy=COPY, **{"from": {"/out/x": "x"}}),
            "does not say which file | write it as STAGE:/out/file",
        ),
        (run(copy=COPY, **{"from": {"word": "x"}}), "'word' does not say which file"),
        (run(copy=COPY, **{"from": {"stge:/out/x": "x"}}), "unknown stage 'stge' | did you mean 'stage'?"),
        (run(copy=COPY, **{"from": {"stage:/etc/x": "x"}}), "'/etc/x' is no output"),
        (run(copy={"/out/a": "/x/", "/out/b/a": "/x/a"}), "stage 'stage' writes /x/a twice"),
    ],
)
def test_what_cannot_be_built_is_refused_with_what_to_write(stage: dict[str, Any], words: str) -> None:
    assert words in problem(stage=stage)


def test_a_stage_needs_a_name_that_a_lock_can_hold() -> None:
    assert "a name may hold letters" in problem(**{"a.b": run(copy=COPY)})


def test_a_circle_is_shown() -> None:
    said = problem(
        a=run(copy=COPY, **{"from": {"b:/out": "b"}}),
        b=run(**{"from": {"c:/out": "c"}}),
        c=run(**{"from": {"a:/out": "a"}}),
    )
    assert "take from each other in a circle: " in said
    assert said.count("→") == 3


def test_two_stages_of_one_variant_may_not_write_the_same_path() -> None:
    said = problem(a=run(copy={"/out/x": "/app/"}), b=run(copy={"/out/y": "/app/x"}, variants=["cpu"]))
    assert "stages 'a' and 'b' both write /app/x" in said
    one, other = run(copy=COPY, variants=["cpu"]), run(copy=COPY, variants=["onnx"])
    check_stages(config(a=one, b=other), "")


def test_an_unknown_key_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown key stages\.a\.form") as error:
        config(a=run(form={}))
    assert error.value.hint == "did you mean stages.a.from?"


def test_variants_that_are_found_count_too() -> None:
    given = Config(variants={"none": VariantConfig()}, stages=config(a=run(copy=COPY)).stages)
    check_stages(given, "")
