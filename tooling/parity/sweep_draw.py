"""Random options for the sweep: any mix that a published layout could have."""

FAMILIES = {
    "video_llava": {"per-frame": 0.0, "four-frames": 0.4, "image-tower": 0.3, "bpe": 0.3, "full": 0.3, "anywhere": 0.5, "unaligned": 0.5},
    "video_llava_hf": {"per-frame": 1.0, "image-tower": 0.6, "bpe": 0.3, "full": 0.3, "anywhere": 0.5, "unaligned": 0.5},
    "video_llava_guide": {"guide": 1.0, "per-frame": 0.3, "anywhere": 0.5, "unaligned": 0.5, "full": 0.3},
    "video_llava_original": {"image-tower": 0.5, "no-tower-config": 0.3, "unaligned": 0.5},
    "ppllava": {"anywhere": 0.5, "unaligned": 0.5},
    "ppllava_btadapter": {"btadapter": 1.0, "anywhere": 0.5, "unaligned": 0.5},
    "llava_next": {"plain": 1.0, "anywhere": 0.5, "unaligned": 0.5},
    "llava_next_video": {"next-video": 1.0, "anywhere": 0.5, "unaligned": 0.5},
    "llava_onevision": {"head": 0.4, "full": 0.3, "anywhere": 0.5, "unaligned": 0.5},
}
"""Each sweep family with its variants and how often they are drawn."""

GENERATORS = {"video_llava_hf": "video_llava", "video_llava_guide": "video_llava", "ppllava_btadapter": "ppllava", "llava_next": "ppllava", "llava_next_video": "ppllava"}
"""The generator of a sweep family where it has another name."""


def draw(rng, family):
    """Variants and choices."""
    pick = lambda *values: values[int(rng.integers(len(values)))]
    maybe = lambda share: bool(rng.random() < share)
    variants = [name for name, share in FAMILIES[family].items() if maybe(share)]
    values = {**draw_text(pick, maybe, family), **draw_vision(pick, maybe, family)}
    if "no-tower-config" in variants:
        # Tensors alone tell the patches, not what is left over beside them.
        values["side"] -= values["side"] % values["patch"]
    values["dtype"] = pick("f32", "f16", "bf16", "mixed")
    values["shards"] = pick(1, 1, 2, 3, 5)
    if family != "video_llava_original":
        values["names"] = pick("old", "new", "flat")
    return variants, values


def draw_text(pick, maybe, family):
    heads, hidden = pick(1, 2, 3, 4, 6), pick(40, 48, 64, 72)
    values = {"heads": heads, "hidden": hidden, "kv-heads": pick(*(n for n in range(1, heads + 1) if heads % n == 0))}
    if hidden % (8 * heads) or maybe(0.5):
        values["head-dim"] = pick(8, 16, 24, 32)
    values.update({"intermediate": pick(40, 90, 112), "layers": pick(1, 2, 3), "padding": pick(0, 1, 37)})
    if maybe(0.5):
        values["rms-eps"] = pick(1e-5, 1e-6)
    if maybe(0.7):
        values["theta"] = pick(10000.0, 500000.0, 1000000.0)
    values["rope"] = pick("none", "linear", "llama3")
    values["rope-spelling"] = pick("type", "rope_type", "both", "parameters")
    if family != "video_llava_original":
        values["tie"] = pick("no", "inner", "outer", "both")
    if family != "llava_onevision" and maybe(0.3):
        values["bias"] = pick("attention", "mlp", "both")
    return values


def draw_vision(pick, maybe, family):
    if family == "video_llava_original":
        width, heads = 64 * pick(1, 2), None
    else:
        width, heads = pick((32, 2), (32, 4), (48, 3), (40, 5), (36, 1))
    # The guide's windows are of 3 by 3 patches, or 2 by 2.
    grid = pick(3, 4, 6, 7) if "ppllava" in family else pick(2, 3, 4)
    patch = pick(4, 5, 6, 8)
    values = {"vision-width": width, "vision-intermediate": pick(40, 64, 90), "patch": patch, "side": patch * grid + pick(0, 0, 1, patch - 1)}
    if heads:
        values.update({"vision-heads": heads, "act": pick("quick_gelu", "gelu", "gelu_pytorch_tanh"), "projector-act": pick("gelu", "gelu", "gelu_pytorch_tanh")})
    layers = pick(2, 3, 4)
    values.update({"vision-layers": layers, "feature-layer": pick(-1, -2, -2, layers - 1, layers, 1)})
    if family == "llava_onevision":
        values["select"] = "full"
    elif family != "video_llava_original":
        values["select"] = pick("default", "full")
    if family == "llava_next_video":
        values.update({"select": "default", "pool": pick("average", "average", "max"), "pool-stride": pick(1, 2, 2, 3)})
        values["side"] = patch * pick(3, 4, 5, 6) + pick(0, 1)
    if family == "ppllava_btadapter":
        # At least one layer of the branch beside the tower must be there to be seen.
        values.update({"vision-layers": 4, "feature-layer": pick(-1, -2), "select": "default"})
        if values["act"] == "gelu_pytorch_tanh":
            values["act"] = "gelu"
    if maybe(0.3) and heads:
        values["vision-eps"] = pick(1e-5, 1e-6)
    return values
