"""A node for ComfyUI: an image in, the same image with its people bald and the mask out.

Copy or link this file into ComfyUI's folder `custom_nodes`, install tonsure into the Python that
runs ComfyUI (`pip install .` in tonsure's folder), and start ComfyUI again: the node is called
"Bald (tonsure)", under "image".  It runs on the processor, beside whatever the GPU is doing.
"""

from __future__ import annotations

from typing import Any

import torch

import tonsure


class TonsureBald:
    """`images` (N, H, W, 3) float32, 0 to 1; the mask is (N, H, W) float32, 1 where hair was."""

    CATEGORY = "image"
    FUNCTION = "edit"
    RETURN_TYPES = ("IMAGE", "MASK")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802, the name that ComfyUI asks for
        return {
            "required": {
                "images": ("IMAGE",),
                "degree": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01}),
                "style": (["recede", "thin"],),
                "face": ("STRING", {"default": "largest"}),
            }
        }

    def edit(
        self, images: torch.Tensor, degree: float, style: str, face: str
    ) -> tuple[torch.Tensor, torch.Tensor]:
        editor = tonsure.Editor()
        edited, masks = [], []
        for image in images:
            with editor.open(image, name="The image") as shot:
                edited.append(shot.bald(degree, style, face).image)
                masks.append(torch.from_numpy(shot.mask(face, degree, style)) / 255)
        return torch.stack(edited), torch.stack(masks)


NODE_CLASS_MAPPINGS = {"TonsureBald": TonsureBald}
NODE_DISPLAY_NAME_MAPPINGS = {"TonsureBald": "Bald (tonsure)"}
