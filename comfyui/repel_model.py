"""The node: a model whose samples of one batch repel each other.

ComfyUI calls a post-CFG function at each evaluation with the latents of the batch (`input`), their prediction
(`denoised`) and `sigma`, and steps towards what it returns. Its flows (CONST) have x_t = (1 - t) x0 + t eps and call t
sigma; everything else has x = x0 + sigma eps.
"""

from dataclasses import replace

from repulsion.diffusion.predictions import flow_sigma
from repulsion.sampling.methods import METHODS_FILE, load_methods
from repulsion.sampling.prediction_hook import fits_a_hook, prediction_hook

ROWS = {name: method for name, method in load_methods(METHODS_FILE).items() if fits_a_hook(method)}
TOOLTIP = "How large the repulsion is, as a multiple of the strength that was chosen for the row"


def is_flow(model: object) -> bool:
    """Whether the model's latents are those of a flow, by the class that ComfyUI mixes into its sampling."""
    return "CONST" in {kind.__name__ for kind in type(model.get_model_object("model_sampling")).__mro__}


def stronger(method, times: float):
    cells = (replace(c, strength=replace(c.strength, value=times * c.strength.value)) for c in method.repel)
    return replace(method, repel=tuple(cells))


class RepelModel:
    CATEGORY = "advanced/guidance"
    DESCRIPTION = "The images of one batch push each other apart. Needs a batch of at least two; costs no model call."
    FUNCTION = "patch"
    RETURN_TYPES = ("MODEL",)

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        strength = {"default": 1.0, "min": 0.0, "max": 10.0, "step": 0.05, "tooltip": TOOLTIP}
        return {
            "required": {
                "model": ("MODEL",),
                "method": (list(ROWS), {"default": "channel_average"}),
                "strength": ("FLOAT", strength),
            }
        }

    def patch(self, model, method: str, strength: float):
        flow, edit = is_flow(model), prediction_hook(stronger(ROWS[method], strength))

        def post_cfg(args: dict):
            x, sigma = args["input"], float(args["sigma"].flatten()[0])
            if x.ndim != 4:
                raise ValueError(f"Repel: expected latents of images, [n, c, h, w], got {list(x.shape)}")
            if flow:
                t = sigma
                x, sigma = (x if t >= 1 else x / (1 - t)), flow_sigma(t)
            return edit(x, args["denoised"], sigma)

        patched = model.clone()
        patched.set_model_sampler_post_cfg_function(post_cfg)
        return (patched,)
