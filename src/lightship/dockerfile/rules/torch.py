"""PyTorch: which build of it an installation takes, and whether CUDA is in the image twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lightship.dockerfile.context import Context, requirement_lines
from lightship.dockerfile.expand import expand
from lightship.dockerfile.findings import Found, Rule, Severity
from lightship.dockerfile.packages import Install, bare_name, stage_installs
from lightship.dockerfile.stages import Build, Stage, Step

CUDA_BUILD = Rule(
    "LD206-cuda-torch",
    "PyTorch with CUDA is installed where nothing uses CUDA",
    Severity.WARNING,
    "On Linux the index's torch brings the whole of CUDA: several GB that a service on a CPU never touches.",
    "name PyTorch's CPU index (--extra-index-url …/whl/cpu) and pin torch==…+cpu",
)
TWICE = Rule(
    "LD207-cuda-twice",
    "CUDA is in the base image and in PyTorch's wheels",
    Severity.WARNING,
    "The wheels bring the CUDA libraries that they use; those of the base are gigabytes, never loaded.",
    "build on a plain image (the driver comes from the host), or on nvidia/cuda:…-base",
)
RULES = (CUDA_BUILD, TWICE)

BRINGS_TORCH = {
    *("torch", "torchvision", "torchaudio", "sentence-transformers", "accelerate", "peft", "bitsandbytes"),
    *(
        "pytorch-lightning",
        "lightning",
        "ultralytics",
        "easyocr",
        "openai-whisper",
        "timm",
        "flair",
        "stanza",
    ),
    *(
        "torchtext",
        "torchmetrics",
        "open-clip-torch",
        "fastai",
        "vllm",
        "xformers",
        "deepspeed",
        "flagembedding",
    ),
}
_NEEDS_CUDA = {
    "vllm",
    "deepspeed",
    "flash-attn",
    "bitsandbytes",
    "auto-gptq",
    "xformers",
    "tensorrt",
    "cupy-cuda12x",
}
_USES_CUDA = re.compile(r"cuda|cu1\d\d|nvidia|\bgpus?\b|rocm", re.IGNORECASE)
_CPU = re.compile(r"/cpu\b|\+cpu\b|(?:^|[\s=])cpu(?:$|[\s'\"])|[-_.]cpu\b|\bcpu[-_.]", re.IGNORECASE)
_VARIANT = re.compile(r"\$\{?\w*(?:TORCH|VARIANT|CUDA|DEVICE|INDEX)\w*", re.IGNORECASE)


def check(build: Build, context: Context) -> Iterator[Found]:
    image = build.final.root_image
    bringing = list(_bringing(build, context))
    on_cuda = image.is_cuda and "-base-" not in f"{image.tag}-"
    for _, _, names, text in bringing:
        if on_cuda and not _CPU.search(text):
            message = f"{names} brings CUDA, and so does {image.name}:{image.tag}"
            yield TWICE.at(build.final.chain[0].start.words[0].span, message)
            return
    if uses_cuda(build, [text for _, _, _, text in bringing]):
        return
    for _, found, names, text in bringing:
        if not _chooses(text):
            yield CUDA_BUILD.at(found.command.span, f"{names} takes the build with CUDA")


def _bringing(build: Build, context: Context) -> Iterator[tuple[Step, Install, str, str]]:
    """Yield installations that bring PyTorch, what brings it, and all the text that says where from."""
    for index in sorted(build.used):
        stage = build.stages[index]
        for step, found in stage_installs(stage):
            if found.manager not in ("pip", "uv") or found.has("--no-index", "--no-deps"):
                continue
            lines = _requirements(step, found, context)
            names = sorted({bare_name(line) for line in lines} & BRINGS_TORCH)
            if names and not _installed_before(stage, step):
                words = " ".join(word.text for word in found.command.words)
                text = "\n".join((words, *found.command.env, *lines, *_index_variables(step)))
                yield step, found, _plainest(names), expand(text, step.variables)


def _plainest(names: list[str]) -> str:
    return "torch" if "torch" in names else names[0]


def _requirements(step: Step, found: Install, context: Context) -> list[str]:
    lines = [word.text for word in found.packages]
    for name in found.requirement_files:
        lines += requirement_lines(context, expand(name, step.variables).lstrip("/")) or ()
    return lines


def _index_variables(step: Step) -> list[str]:
    names = (
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "UV_INDEX",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_TORCH_BACKEND",
    )
    return [step.env[name] for name in (*names, "PIP_FIND_LINKS", "UV_DEFAULT_INDEX") if name in step.env]


def _installed_before(stage: Stage, step: Step) -> bool:
    """Tell whether an earlier command chose the build: what comes after keeps the torch that is there."""
    return any(
        "torch" in found.names and _CPU.search(" ".join(word.text for word in found.command.words))
        for one in stage.chain
        for earlier, found in stage_installs(one)
        if earlier is not step or len(step.commands) > 1
    )


def _chooses(text: str) -> bool:
    """Tell whether an index, a local version, a wheel or a variable says which build it is to be."""
    return bool(_CPU.search(text) or _VARIANT.search(text))


def uses_cuda(build: Build, more: Iterable[str]) -> bool:
    """Look for any sign of CUDA in the stages that are used: a base, a variable, an index, a package.

    `more` is text of requirements that belongs to them.
    """
    stages = [build.stages[index] for index in build.used]
    if any(
        stage.image.is_cuda or _USES_CUDA.search(f"{stage.image.name}:{stage.image.tag}") for stage in stages
    ):
        return True
    source = build.document.source
    texts = [
        source.slice(step.instruction.span)
        for stage in stages
        for step in stage.steps
        if step.keyword in ("ENV", "ARG", "RUN", "CMD", "ENTRYPOINT", "LABEL")
    ]
    texts += more
    if any(bare_name(line) in _NEEDS_CUDA for text in texts for line in text.split()):
        return True
    return any(_USES_CUDA.search(_without_switches(text)) for text in texts)


def _without_switches(text: str) -> str:
    """Drop what turns CUDA off: `CUDA_VISIBLE_DEVICES=""`, `DEVICE=cpu`."""
    return re.sub(r"CUDA_VISIBLE_DEVICES\s*=?\s*(?:\"\"|''|-1|\"-1\"|$)", "", text, flags=re.MULTILINE)
