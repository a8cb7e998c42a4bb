"""What the drawn world shows: twenty-eight concepts, and ten emoji sets that each draw all of them.

A concept is the word of a caption and the icon's name, the same in every set. A set is the word of a caption and the
npm package that its icons are rebuilt from (see icons.py). The order of the sets is the order of popularity: where no
set is named, the first is drawn most often (see pipeline/world/scene.py).
"""

from __future__ import annotations

TEST_CONCEPTS = {
    "castle": "castle",
    "snail": "snail",
    "guitar": "guitar",
    "sailboat": "sailboat",
    "cactus": "cactus",
    "bicycle": "bicycle",
    "camel": "camel",
    "rocket": "rocket",
    "tulip": "tulip",
    "mushroom": "mushroom",
    "crown": "crown",
    "rooster": "rooster",
}
DEVELOPMENT_CONCEPTS = {
    "house": "house",
    "fish": "fish",
    "turtle": "turtle",
    "trumpet": "trumpet",
    "whale": "spouting-whale",
    "hammer": "hammer",
    "penguin": "penguin",
    "lollipop": "lollipop",
    "strawberry": "strawberry",
    "helicopter": "helicopter",
    "trophy": "trophy",
    "hamburger": "hamburger",
}
# In no prompt that is reported or chosen on: some of their pairs with a set are in no training of a model, which is
# then asked for them.
TRANSFER_CONCEPTS = {"violin": "violin", "pear": "pear", "candle": "candle", "tractor": "tractor"}
CONCEPTS = TEST_CONCEPTS | DEVELOPMENT_CONCEPTS | TRANSFER_CONCEPTS
SETS = {
    "noto": "noto",
    "twemoji": "twemoji",
    "fluent": "fluent-emoji",
    "openmoji": "openmoji",
    "emojione": "emojione",
    "blob": "noto-v1",
    "flat": "fluent-emoji-flat",
    "legacy": "emojione-v1",
    "contrast": "fluent-emoji-high-contrast",
    "monotone": "emojione-monotone",
}
UNSEEN = (
    *(("violin", name) for name in ("twemoji", "blob", "monotone")),
    *(("pear", name) for name in ("openmoji", "flat", "contrast")),
    *(("candle", name) for name in ("fluent", "emojione", "contrast")),
    *(("tractor", name) for name in ("noto", "legacy", "monotone")),
)
