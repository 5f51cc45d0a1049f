"""What a folder is to be like: variants by name, and choices `name=value`, which mean the same in every family."""
import zlib

TEXT = {
    "hidden": "width of the decoder",
    "heads": "heads of the decoder",
    "kv-heads": "key/value heads; divides heads",
    "head-dim": "size of a head, a multiple of 8; need not be hidden / heads",
    "intermediate": "width inside the decoder's MLP",
    "layers": "layers of the decoder",
    "rms-eps": "rms_norm_eps",
    "rope": "none, linear or llama3",
    "rope-spelling": "type, rope_type, both (the three in rope_scaling), or parameters (rope_parameters with the base inside)",
    "theta": "RoPE's base, stated",
    "tie": "no, inner (said in text_config), outer (said at the top), both; `no` and `outer` leave text_config silent",
    "padding": "rows of the vocabulary beyond the tokenizer's largest id",
    "bias": "none, or attention (q, k, v, o), mlp, both: attention_bias and mlp_bias of a Llama decoder",
}
VISION = {
    "vision-width": "width of the tower",
    "vision-heads": "heads of the tower; divides its width",
    "vision-intermediate": "width inside the tower's MLP",
    "vision-layers": "layers of the tower",
    "patch": "side of a patch, pixels",
    "side": "side of a picture, pixels; a rest that fills no patch is left out",
    "act": "hidden_act of the tower",
    "vision-eps": "layer_norm_eps of the tower",
    "feature-layer": "vision_feature_layer, from the front or, negative, from the end",
    "select": "vision_feature_select_strategy: default or full",
    "projector-act": "projector_hidden_act",
    "pool": "average or max: spatial_pool_mode of LLaVA-NeXT-Video (variant next-video)",
    "pool-stride": "spatial_pool_stride",
}
STORAGE = {
    "dtype": "f32, f16, bf16, or mixed: each tensor one of the three",
    "shards": "count of weight files, with an index where there is more than one",
    "names": "old, new (below `model.`), or flat (new, without `vision_model.`)",
}
CHOICES = {**TEXT, **VISION, **STORAGE}
DTYPES = {"f32": "F32", "f16": "F16", "bf16": "BF16", "mixed": "mixed"}


class Options:
    """`name in options` asks for a variant; `value(name, default)` for a choice, of the default's type."""

    def __init__(self, variants, values):
        self.variants, self.values = set(variants), dict(values)

    def __contains__(self, variant):
        return variant in self.variants

    def words(self):
        return sorted(self.variants) + [f"{name}={self.values[name]}" for name in sorted(self.values)]

    def value(self, name, default):
        assert name in CHOICES
        found = self.values.get(name)
        return default if found is None else type(default)(found)

    def fill(self, part, **names):
        """The part of a config with the choices that were made; names: field = choice."""
        for field, name in names.items():
            part[field] = self.value(name, part[field])
        return part

    def text(self, text, largest_id):
        """The decoder's config, with the defaults that a file may leave out."""
        self.fill(text, hidden_size="hidden", num_attention_heads="heads", intermediate_size="intermediate")
        self.fill(text, num_hidden_layers="layers", rms_norm_eps="rms-eps", rope_theta="theta")
        if {"hidden", "heads"} & set(self.values):
            text.update(head_dim=text["hidden_size"] // text["num_attention_heads"], num_key_value_heads=text["num_attention_heads"])
        self.fill(text, num_key_value_heads="kv-heads", head_dim="head-dim")
        text["vocab_size"] = largest_id + 1 + self.value("padding", text["vocab_size"] - largest_id - 1)
        scalings = {
            "none": None,
            "linear": {"rope_type": "linear", "factor": 2.5},
            "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64},
        }
        if "rope" in self.values:
            text["rope_scaling"] = scalings[self.values["rope"]]
        if "tie" in self.values:
            text["tie_word_embeddings"] = self.values["tie"] != "no"
        if "bias" in self.values:
            text.update(attention_bias=self.values["bias"] in ("attention", "both"), mlp_bias=self.values["bias"] in ("mlp", "both"))
        return text

    def vision(self, vision):
        self.fill(vision, hidden_size="vision-width", num_attention_heads="vision-heads", intermediate_size="vision-intermediate")
        self.fill(vision, num_hidden_layers="vision-layers", patch_size="patch", image_size="side", hidden_act="act", layer_norm_eps="vision-eps")
        return vision

    def spell(self, config, text, written):
        """Spells RoPE and the tie as chosen. config: the file's top; text: all of the decoder's fields; written: those in the file."""
        if "theta" in self.values:
            written["rope_theta"] = text["rope_theta"]
        self.spell_rope(text, written)
        tie = self.values.get("tie")
        if tie is not None:
            for part, said in ((config, tie in ("outer", "both")), (written, tie in ("inner", "both"))):
                part.pop("tie_word_embeddings", None)
                if said:
                    part["tie_word_embeddings"] = True
        for name in ("attention_bias", "mlp_bias"):
            if text.get(name):
                written[name] = True

    def spell_rope(self, text, written):
        scaling, spelling = text["rope_scaling"], self.values.get("rope-spelling")
        if spelling == "parameters":
            for name in ("rope_theta", "rope_scaling"):
                written.pop(name, None)
            written["rope_parameters"] = {"rope_type": "default", **(scaling or {}), "rope_theta": text["rope_theta"]}
        elif scaling and spelling:
            rest = {name: value for name, value in scaling.items() if name not in ("type", "rope_type")}
            kind = scaling.get("rope_type", scaling.get("type"))
            named = {"type": ["type"], "rope_type": ["rope_type"], "both": ["rope_type", "type"]}[spelling]
            written["rope_scaling"] = {**rest, **{name: kind for name in named}}

    def dtype(self, usual):
        plain = "F32" if "f32" in self else "BF16" if "bf16" in self else usual
        return DTYPES[self.values["dtype"]] if "dtype" in self.values else plain

    def shards(self):
        return self.value("shards", 3 if "shards" in self else 1)

    def names(self):
        return self.value("names", "new" if "prefixed" in self else "old")

    def prefixes(self, tower):
        """Prefixes of this layout: outer, the tower, the decoder, and the head's name."""
        layout = self.names()
        if layout == "old":
            return "", f"{tower}.vision_model.", "language_model.model.", "language_model.lm_head.weight"
        inner = "" if layout == "flat" else "vision_model."
        return "model.", f"model.{tower}.{inner}", "model.language_model.", "lm_head.weight"


def mixed_dtype(name):
    """Which type a tensor of a mixed checkpoint has: some one, always the same."""
    return ("F32", "F16", "BF16")[zlib.crc32(name.encode()) % 3]
