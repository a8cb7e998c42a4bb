"""Repulsion for ComfyUI: copy this folder into ComfyUI's custom_nodes; pip install the library into its Python."""

from .repel_model import RepelModel

NODE_CLASS_MAPPINGS = {"RepelModel": RepelModel}
NODE_DISPLAY_NAME_MAPPINGS = {"RepelModel": "Repel (diverse batch)"}
