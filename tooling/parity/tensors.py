"""Random tensors by the names of published checkpoints."""


class Tensors:
    """Draws tensors into `all`, name by name; equal generators give equal tensors."""

    def __init__(self, rng):
        self.rng, self.all = rng, {}

    def normal(self, name, scale, *shape):
        self.all[name] = self.rng.normal(0, scale, shape)

    def linear(self, name, rows, columns, bias):
        self.normal(name + ".weight", columns**-0.5, rows, columns)
        if bias:
            self.normal(name + ".bias", 0.1, rows)

    def norm(self, name, width, bias):
        self.all[name + ".weight"] = 1 + self.rng.normal(0, 0.1, width)
        if bias:
            self.normal(name + ".bias", 0.1, width)

    def attention(self, name, width):
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            self.linear(f"{name}.{part}", width, width, True)

    def clip_tower(self, prefix, v, temporal=False):
        """A CLIP vision tower; `temporal` adds LanguageBind's attention over time."""
        width, patch = v["hidden_size"], v["patch_size"]
        self.normal(prefix + "embeddings.class_embedding", 1, width)
        self.normal(prefix + "embeddings.patch_embedding.weight", 3**-0.5 / patch, width, 3, patch, patch)
        self.normal(prefix + "embeddings.position_embedding.weight", 0.5, (v["image_size"] // patch) ** 2 + 1, width)
        self.norm(prefix + "pre_layrnorm", width, True)
        self.norm(prefix + "post_layernorm", width, True)
        for i in range(v["num_hidden_layers"]):
            layer = f"{prefix}encoder.layers.{i}."
            for name in ("layer_norm1", "layer_norm2") + (("temporal_layer_norm1",) if temporal else ()):
                self.norm(layer + name, width, True)
            for name in ("self_attn",) + (("temporal_attn",) if temporal else ()):
                self.attention(layer + name, width)
            self.linear(layer + "mlp.fc1", v["intermediate_size"], width, True)
            self.linear(layer + "mlp.fc2", width, v["intermediate_size"], True)
            if temporal:
                self.normal(layer + "temporal_embedding", 0.5, 1, v["num_frames"], width)

    def projector(self, prefix, inputs, outputs):
        self.linear(prefix + "linear_1", outputs, inputs, True)
        self.linear(prefix + "linear_2", outputs, outputs, True)

    def llama(self, model, head, t, reserved):
        """A Llama decoder under `model` with its head; ids in `reserved` never win."""
        hidden, kv = t["hidden_size"], t["num_key_value_heads"] * t["head_dim"]
        scale = 0.25
        self.normal(model + "embed_tokens.weight", scale, t["vocab_size"], hidden)
        for i in range(t["num_hidden_layers"]):
            layer = f"{model}layers.{i}."
            self.norm(layer + "input_layernorm", hidden, False)
            self.norm(layer + "post_attention_layernorm", hidden, False)
            inner = t["num_attention_heads"] * t["head_dim"]
            for name, rows, columns in (("q_proj", inner, hidden), ("k_proj", kv, hidden), ("v_proj", kv, hidden), ("o_proj", hidden, inner)):
                self.linear(layer + "self_attn." + name, rows, columns, t.get("attention_bias", False))
            for name, rows, columns in (("gate_proj", t["intermediate_size"], hidden), ("up_proj", t["intermediate_size"], hidden), ("down_proj", hidden, t["intermediate_size"])):
                self.linear(layer + "mlp." + name, rows, columns, t.get("mlp_bias", False))
        self.norm(model + "norm", hidden, False)
        if t["tie_word_embeddings"]:
            self.all[model + "embed_tokens.weight"][reserved] = 0
        else:
            self.normal(head, scale, t["vocab_size"], hidden)
            self.all[head][reserved] = 0
