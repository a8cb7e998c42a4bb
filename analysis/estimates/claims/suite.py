"""What this suite claims beyond the thesis, each as a number as the thesis's are."""

from __future__ import annotations

from analysis.estimates.claims.claim import Claim, closed, gain, gain_less, kept, less_a_half, room

FREE = ("less_guidance", "guidance_interval", "annealed_condition", "ancestral")  # no pass more than plain sampling
ONE_SPACE = ("latent", "channel_average", "rule_of_thirds", "random_cnn", "style_classifier", "style_classifier_thirds",
             "centre_of_mass")  # fmt: skip
CLAIMS = (
    Claim("Style and place at once close more than half of the gap", "gain, less a half",
          less_a_half(gain("style_and_place"))),
    Claim("Style and place at once gain more than any one space", "gain, less the best of the others'",
          gain_less("style_and_place", ONE_SPACE)),
    Claim("Style and place at once gain more than what costs nothing", "gain, less the best of the others'",
          gain_less("style_and_place", FREE)),
    Claim("Style and place at once keep the subject", "subject accuracy less plain's, above its margin",
          kept("style_and_place")),
    Claim("Style and place at once hold every margin of quality", "what is left of the margin that is used most",
          room("style_and_place")),
    Claim("A guidance interval gains more than less guidance", "gain, less the other's",
          gain_less("guidance_interval", ("less_guidance",))),
    Claim("A guidance interval gains more than the style classifier's repulsion", "gain, less the other's",
          gain_less("guidance_interval", ("style_classifier",))),
    Claim("Repulsion of the centre of mass moves places", "gap closed in the location space",
          closed("centre_of_mass", "location")),
    Claim("Disturbance alone, pushes shuffled, closes some of the gap", "gap closed in the general space",
          closed("style_classifier_shuffled", "general")),
)  # fmt: skip
